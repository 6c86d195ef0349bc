"""Turns a deployment into Terraform resources: job definitions, functions, roles, alarms."""
