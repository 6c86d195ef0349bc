"""What tests are made with: flows, commands, random inputs, checkers of what AWS and Terraform would do."""
