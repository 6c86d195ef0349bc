"""Turns the flow and its state machines into Terraform resources: job definitions, functions, roles, alarms."""
