# A state machine that does nothing, every morning. What the compiler writes with --module calls the module like this, with
# the definitions, policies and log groups of a flow.

data "aws_iam_policy_document" "state_machine" {
  # AWS offers no resources for these.
  statement {
    sid = "DeliverLogs"

    actions = [
      "logs:CreateLogDelivery",
      "logs:DeleteLogDelivery",
      "logs:DescribeLogGroups",
      "logs:DescribeResourcePolicies",
      "logs:GetLogDelivery",
      "logs:ListLogDeliveries",
      "logs:PutResourcePolicy",
      "logs:UpdateLogDelivery",
    ]

    resources = ["*"]
  }

  # Nor for these.
  statement {
    sid = "SendTraces"

    actions = [
      "xray:GetSamplingRules",
      "xray:GetSamplingTargets",
      "xray:PutTelemetryRecords",
      "xray:PutTraceSegments",
    ]

    resources = ["*"]
  }
}

data "aws_iam_policy_document" "schedule" {
  statement {
    sid       = "StartExecutions"
    actions   = ["states:StartExecution"]
    resources = ["arn:${local.states}:stateMachine:Morning"]
  }

  statement {
    sid       = "KeepFailures"
    actions   = ["sqs:SendMessage"]
    resources = ["arn:${local.queues}:Morning-schedule-failures"]
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  tags    = { team = "data" }
  account = "${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}"
  states  = "${data.aws_partition.current.partition}:states:${local.account}"
  queues  = "${data.aws_partition.current.partition}:sqs:${local.account}"
}

# A key of its own: CloudWatch cannot use alias/aws/sns, whose policy is AWS's, and its messages would never arrive.
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
resource "aws_kms_key" "alarms" {
  description         = "Alarms of flows"
  enable_key_rotation = true
  tags                = local.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "RolesOfThisAccount"
        Effect    = "Allow"
        Action    = "kms:*"
        Resource  = "*"
        Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
      },
      {
        Sid       = "MessagesOfAlarms"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
      },
    ]
  })
}

resource "aws_sns_topic" "alarms" {
  name              = "morning-alarms"
  kms_master_key_id = aws_kms_key.alarms.arn
  tags              = local.tags
}

module "flow" {
  source = "../.."

  name           = "Morning"
  flows          = ["Morning"]
  datastore_root = "s3://team-artifacts"

  definitions = {
    flow = jsonencode({
      QueryLanguage = "JSONata"
      StartAt       = "Rest"
      States        = { Rest = { Type = "Pass", End = true } }
    })
  }

  roles = {
    state_machine = {
      service     = "states.amazonaws.com"
      description = "Runs the flow Morning"
      policy      = data.aws_iam_policy_document.state_machine.json
    }
    schedule = {
      service     = "scheduler.amazonaws.com"
      description = "Starts the flow Morning on schedule"
      policy      = data.aws_iam_policy_document.schedule.json
    }
  }

  log_groups = { tasks = "/aws/batch/Morning" }
  schedule   = { expression = "cron(0 6 * * ? *)", timezone = "Europe/Berlin" }

  # So that there can be another one in another region.
  region_in_role_names = true

  alarm_actions = [aws_sns_topic.alarms.arn]
  tags          = local.tags
}
