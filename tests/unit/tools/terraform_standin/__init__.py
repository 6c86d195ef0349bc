"""Tests of the stand-in for the AWS provider of Terraform."""
