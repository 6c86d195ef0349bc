# The roles of the state machines, of tasks and of functions: who may take them, and what the compiler found that each needs.

locals {
  # What is told apart from the ARN is known when Terraform plans, also of a role that is made then.
  made = { for label, role in var.roles : label => role if role.given == null ? role.arn == null : !role.given }

  role_arns = merge(
    { for label, role in var.roles : label => role.arn if !contains(keys(local.made), label) },
    { for label, role in aws_iam_role.this : label => role.arn },
  )

  # IAM has no regions: one flow in two would have two roles of one name.
  role_prefix = var.region_in_role_names ? "${var.name}-${local.region}" : var.name
}

resource "aws_iam_role" "this" {
  for_each = local.made

  name                 = "${local.role_prefix}-${replace(each.key, "_", "-")}"
  description          = each.value.description
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  # Only for this account, where the service tells for whom it acts; AWS Lambda does not:
  # https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [merge(
      {
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = each.value.service }
      },
      each.value.service == "lambda.amazonaws.com" ? {} : {
        Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
      },
    )]
  })

  # A name that is taken is refused by CloudWatch Logs, before anything else is made.
  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_iam_role_policy" "this" {
  for_each = local.made

  name   = replace(each.key, "_", "-")
  role   = aws_iam_role.this[each.key].id
  policy = each.value.policy

  lifecycle {
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    precondition {
      condition     = try(length(jsonencode(jsondecode(each.value.policy))), 0) <= 10240
      error_message = "The policy of the role ${each.key} has more than the 10,240 characters that IAM takes: name what it is for by patterns."
    }
  }
}
