# A bucket with a key of its own, in the folder "flows", with access logs, for two flows.

locals {
  access_log_bucket = "laminar-access-logs-${data.aws_caller_identity.current.account_id}"
  tags              = { team = "data" }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

resource "aws_kms_key" "artifacts" {
  description         = "Artifacts of flows"
  enable_key_rotation = true
  tags                = local.tags

  # Roles of this account get the use of the key by their own policies.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "kms:*"
      Resource  = "*"
      Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
    }]
  })
}

module "access_logs" {
  # checkov:skip=CKV_AWS_145:Amazon S3 delivers access logs only to buckets encrypted with its own keys (AES256).
  source = "../.."

  bucket           = local.access_log_bucket
  encryption       = "AES256"
  force_destroy    = true
  policy_documents = [data.aws_iam_policy_document.access_logs.json]
  tags             = local.tags
}

data "aws_iam_policy_document" "access_logs" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::${local.access_log_bucket}/*"]

    principals {
      type        = "Service"
      identifiers = ["logging.s3.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

module "datastore" {
  source = "../.."

  bucket_prefix            = "laminar-artifacts-"
  prefix                   = "flows"
  kms_key_arn              = aws_kms_key.artifacts.arn
  intelligent_tiering_days = 30
  cache_expiration_days    = { Report = 90, Digits = 14 }
  access_log               = { bucket = module.access_logs.bucket }
  tags                     = local.tags
}
