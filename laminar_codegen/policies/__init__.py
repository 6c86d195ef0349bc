"""IAM policies: statements as values, kept within the length that IAM accepts."""
