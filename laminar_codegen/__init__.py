"""The compiler of Laminar for Terraform: from flows in Python to Terraform that declares AWS Step Functions."""
