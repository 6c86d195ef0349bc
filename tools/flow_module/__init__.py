"""Writes the files of the Terraform module ``flow`` from the values and emitters of self-contained documents."""
