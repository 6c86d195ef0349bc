# The roles of the state machines, of tasks and of functions: who may take them, and what the compiler found that each needs.

locals {
  made = { for label, role in var.roles : label => role if role.arn == null }

  role_arns = merge(
    { for label, role in var.roles : label => role.arn if role.arn != null },
    { for label, role in aws_iam_role.this : label => role.arn },
  )
}

data "aws_iam_policy_document" "trust" {
  for_each = local.made

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = [each.value.service]
    }

    # Only for this account, where the service tells for whom it acts; AWS Lambda does not:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    dynamic "condition" {
      for_each = each.value.service == "lambda.amazonaws.com" ? [] : [data.aws_caller_identity.current.account_id]

      content {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [condition.value]
      }
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = local.made

  name                 = "${var.name}-${replace(each.key, "_", "-")}"
  description          = each.value.description
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "this" {
  for_each = local.made

  name   = replace(each.key, "_", "-")
  role   = aws_iam_role.this[each.key].id
  policy = each.value.policy
}
