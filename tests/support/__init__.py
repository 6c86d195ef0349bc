"""The parts of tests: flows, commands, random inputs, and checkers of AWS's and Terraform's rules."""
