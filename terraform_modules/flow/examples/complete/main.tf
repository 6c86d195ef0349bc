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
  account = "${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}"
  states  = "${data.aws_partition.current.partition}:states:${local.account}"
  queues  = "${data.aws_partition.current.partition}:sqs:${local.account}"
}

resource "aws_sns_topic" "alarms" {
  name              = "morning-alarms"
  kms_master_key_id = "alias/aws/sns"
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

  alarm_actions = [aws_sns_topic.alarms.arn]
  tags          = { team = "data" }
}
