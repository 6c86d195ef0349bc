# What an EC2 instance may do: join the clusters that AWS Batch makes for the compute environments of this module, pull
# images, write the logs of jobs. Jobs have roles of their own.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_service_principal" "ec2" {
  service_name = "ec2"
}

locals {
  with_instances = length(local.ec2) > 0
  account        = "${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}"
  ecs            = "arn:${data.aws_partition.current.partition}:ecs:${local.account}"
  ecr            = "arn:${data.aws_partition.current.partition}:ecr:${local.account}"
  logs           = "arn:${data.aws_partition.current.partition}:logs:${local.account}"
}

data "aws_iam_policy_document" "instance_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = [data.aws_service_principal.ec2.name]
    }
  }
}

data "aws_iam_policy_document" "instance" {
  # AWS Batch calls its clusters AWSBatch-<compute environment>-<id>.
  statement {
    sid = "JoinClusters"

    actions = [
      "ecs:DeregisterContainerInstance",
      "ecs:RegisterContainerInstance",
      "ecs:SubmitAttachmentStateChanges",
      "ecs:SubmitContainerStateChange",
      "ecs:SubmitTaskStateChange",
    ]

    resources = ["${local.ecs}:cluster/AWSBatch-${var.name}-*"]
  }

  statement {
    sid = "TakeTasks"

    actions = [
      "ecs:Poll",
      "ecs:StartTelemetrySession",
      "ecs:UpdateContainerInstancesState",
    ]

    resources = ["${local.ecs}:container-instance/AWSBatch-${var.name}-*"]
  }

  # No narrower resource exists for it.
  statement {
    sid       = "FindAmazonEcs"
    actions   = ["ecs:DiscoverPollEndpoint"]
    resources = ["*"]
  }

  # Amazon ECS asks for it when an instance registers with tags.
  statement {
    sid       = "TagOnRegistration"
    actions   = ["ecs:TagResource"]
    resources = ["${local.ecs}:container-instance/AWSBatch-${var.name}-*"]

    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RegisterContainerInstance"]
    }
  }

  # No narrower resource exists for it.
  statement {
    sid       = "LogInToRegistries"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "PullImages"

    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:GetDownloadUrlForLayer",
    ]

    resources = coalesce(var.repository_arns, ["${local.ecr}:repository/*"])
  }

  dynamic "statement" {
    for_each = length(var.cache_repository_arns) > 0 ? [true] : []

    content {
      sid       = "FillCaches"
      actions   = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
      resources = var.cache_repository_arns
    }
  }

  statement {
    sid = "WriteLogs"

    actions = [
      "logs:CreateLogStream",
      "logs:PutLogEvents",
    ]

    resources = [for group in var.log_groups : "${local.logs}:log-group:${group}:log-stream:*"]
  }
}

resource "aws_iam_role" "instance" {
  count = local.with_instances ? 1 : 0

  name_prefix          = "${var.name}-instance-"
  description          = "EC2 instances of the AWS Batch capacity of ${var.name}"
  assume_role_policy   = data.aws_iam_policy_document.instance_trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_iam_role_policy" "instance" {
  count = local.with_instances ? 1 : 0

  name   = "instance"
  role   = aws_iam_role.instance[0].id
  policy = data.aws_iam_policy_document.instance.json

  lifecycle {
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    precondition {
      condition     = try(length(jsonencode(jsondecode(data.aws_iam_policy_document.instance.json))), 0) <= 10240
      error_message = "The policy of the role of EC2 instances has more than the 10,240 characters that IAM takes: name repositories and log groups by patterns, such as repository/flows/*."
    }
  }
}

resource "aws_iam_role_policy_attachment" "instance" {
  for_each = local.with_instances ? var.instance_policy_arns : {}

  role       = aws_iam_role.instance[0].name
  policy_arn = each.value
}

resource "aws_iam_instance_profile" "instance" {
  count = local.with_instances ? 1 : 0

  name_prefix = "${var.name}-instance-"
  role        = aws_iam_role.instance[0].name
  tags        = var.tags

  lifecycle {
    create_before_destroy = true
  }
}
