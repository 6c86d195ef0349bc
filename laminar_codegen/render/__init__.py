"""Writes the document as text, in Terraform's JSON or HCL syntax. User text is escaped here only."""
