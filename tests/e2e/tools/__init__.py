"""Tests of the tools that need Terraform."""
