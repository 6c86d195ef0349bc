"""Random texts, given to Terraform."""
