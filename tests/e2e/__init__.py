"""End to end: the command, real Terraform, and an embedded AWS that really runs what they make."""
