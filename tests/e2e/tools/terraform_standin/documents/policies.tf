# Policy documents of all kinds, and resources that take them.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.25, < 7"
    }
  }
}

data "aws_iam_policy_document" "minimal" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::data/*"]
  }
}

data "aws_iam_policy_document" "full" {
  policy_id = "full"

  statement {
    sid       = "Lists"
    effect    = "Deny"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = ["arn:aws:s3:::a/*", "arn:aws:s3:::b/&{aws:username}/*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"]
    }
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = ["111111111111"]
    }
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:states:*", "arn:aws:batch:*"]
    }
  }

  statement {
    not_actions   = ["iam:*"]
    not_resources = ["*"]

    not_principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

data "aws_iam_policy_document" "merged" {
  source_policy_documents = [
    data.aws_iam_policy_document.minimal.json,
    jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Sid = "Replaced", Effect = "Allow", Action = ["a:One"], Resource = "*" }]
    }),
  ]

  statement {
    sid       = "Replaced"
    actions   = ["a:Two"]
    resources = ["*"]
  }

  override_policy_documents = [
    jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Sid = "Added", Effect = "Deny", Action = "a:Three", Resource = "*" }]
    }),
  ]
}

output "minimal" {
  value = data.aws_iam_policy_document.minimal.json
}

output "minified" {
  value = data.aws_iam_policy_document.minimal.minified_json
}

output "full" {
  value = data.aws_iam_policy_document.full.json
}

output "merged" {
  value = data.aws_iam_policy_document.merged.json
}
