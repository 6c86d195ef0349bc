# The flow Briefing, compiled by laminar-codegen. Change the flow and compile it again.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.25, < 7"
    }
  }
}

variable "name" {
  description = "Name of the deployment, and of what is made for it. Deploy a flow twice under two names."
  type        = string
  default     = "Briefing"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][0-9A-Za-z_-]{0,45}$", var.name))
    error_message = "The name must be of 1 to 46 letters, digits, hyphens and underscores, a letter first."
  }
}

variable "image" {
  description = "Image of the tasks, with the flow and what it needs in its working directory. Give each build a tag of its own, or its digest: Terraform sees no other image behind an old tag."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^[:space:]]+$", var.image))
    error_message = "The image must be named, without spaces."
  }
}

variable "job_queue_arn" {
  description = "ARN of the AWS Batch job queue, of Fargate capacity, that the tasks are submitted to."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:batch:[a-z0-9-]+:[0-9]{12}:job-queue/[0-9A-Za-z_-]+$", var.job_queue_arn))
    error_message = "The job queue must be given by its ARN."
  }
}

variable "datastore_root" {
  description = "Where artifacts are kept: s3://bucket or s3://bucket/prefix."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.()=-]+)*/?$", var.datastore_root))
    error_message = "The datastore must be s3://bucket or s3://bucket/prefix, the prefix of letters, digits and !_.()=-."
  }

  validation {
    condition     = length(setintersection(split("/", var.datastore_root), [".", ".."])) == 0
    error_message = "The prefix of the datastore must have no part that is . or .. only."
  }
}

variable "assign_public_ip" {
  description = "Whether tasks get a public IP address: needed in subnets without a NAT gateway or VPC endpoints."
  type        = bool
  default     = false
  nullable    = false
}

variable "schedule_enabled" {
  description = "Whether the schedule starts executions."
  type        = bool
  default     = true
  nullable    = false
}

variable "alarm_actions" {
  description = "ARNs of what is told when an execution fails, times out or is throttled, such as an SNS topic."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for action in var.alarm_actions : can(regex("^arn:[a-z-]+:[a-z0-9-]+:", action))])
    error_message = "The actions of alarms must be given by their ARNs."
  }
}

variable "datastore_kms_key_arn" {
  description = "ARN of the KMS key that encrypts the datastore's bucket, if that is a key of yours: roles may use it."
  type        = string
  default     = null

  validation {
    condition     = var.datastore_kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-zA-Z-]+$", var.datastore_kms_key_arn))
    error_message = "The key must be given by its ARN."
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts state machines, logs, functions' environments and schedules; its policy must let CloudWatch Logs and delivery.logs.amazonaws.com use it. AWS's own keys unless given."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-zA-Z-]+$", var.kms_key_arn))
    error_message = "The key must be given by its ARN."
  }
}

variable "log_retention_in_days" {
  description = "Days that logs are kept; 0 for ever."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_in_days)
    error_message = "CloudWatch Logs keeps logs for 0 (ever), 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 or more days."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that bounds the permissions of the roles; none unless given."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/[0-9A-Za-z+=,.@_/-]+$", var.permissions_boundary_arn))
    error_message = "The permissions boundary must be given by its ARN."
  }
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "state_machine_role_arn" {
  description = "ARN of the role that runs the state machines, if it is made elsewhere and before. Made here unless given."
  type        = string
  default     = null

  validation {
    condition     = var.state_machine_role_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[0-9A-Za-z+=,.@_/-]+$", var.state_machine_role_arn))
    error_message = "The role must be given by its ARN."
  }
}

variable "task_role_arn" {
  description = "ARN of the role that the tasks have, if it is made elsewhere and before. Made here unless given."
  type        = string
  default     = null

  validation {
    condition     = var.task_role_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[0-9A-Za-z+=,.@_/-]+$", var.task_role_arn))
    error_message = "The role must be given by its ARN."
  }
}

variable "execution_role_arn" {
  description = "ARN of the role that starts the containers of tasks, if it is made elsewhere and before. Made here unless given."
  type        = string
  default     = null

  validation {
    condition     = var.execution_role_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[0-9A-Za-z+=,.@_/-]+$", var.execution_role_arn))
    error_message = "The role must be given by its ARN."
  }
}

variable "schedule_role_arn" {
  description = "ARN of the role that starts executions on schedule, if it is made elsewhere and before. Made here unless given."
  type        = string
  default     = null

  validation {
    condition     = var.schedule_role_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[0-9A-Za-z+=,.@_/-]+$", var.schedule_role_arn))
    error_message = "The role must be given by its ARN."
  }
}

locals {
  flow                   = "Briefing"
  datastore_bucket       = regex("^s3://([^/]+)", var.datastore_root)[0]
  datastore_prefix       = join("", [for path in regex("^s3://[^/]+/?(.*?)/?$", var.datastore_root) : "${path}/" if path != ""])
  state_machine_role_arn = module.flow.role_arns["state_machine"]
  task_role_arn          = module.flow.role_arns["task"]
  execution_role_arn     = module.flow.role_arns["execution"]
  schedule_role_arn      = module.flow.role_arns["schedule"]
  images                 = [var.image]
  repositories           = distinct([for part in concat([for image in local.images : regexall("^([0-9]{12})[.]dkr[.-]ecr(?:-fips)?[.]([a-z0-9-]+)[.](?:amazonaws[.]com|amazonaws[.]com[.]cn|amazonaws[.]eu|c2s[.]ic[.]gov|sc2s[.]sgov[.]gov|cloud[.]adc-e[.]uk|csp[.]hci[.]ic[.]gov|on[.]aws|on[.]amazonwebservices[.]com[.]cn|on[.]amazonwebservices[.]eu|on[.]aws[.]ic[.]gov|on[.]aws[.]scloud|on[.]cloud-aws[.]adc-e[.]uk|on[.]aws[.]hci[.]ic[.]gov)/([a-z0-9][a-z0-9._/-]*)", image)]...) : format("arn:%s:ecr:%s:%s:repository/%s", data.aws_partition.current.partition, part[1], part[0], part[2])])
  containers = {
    fargate = {
      command = ["python", "main.py"]
      environment = [
        { name = "LAMINAR_DATASTORE_ROOT", value = var.datastore_root },
        { name = "LAMINAR_FLOW_NAME", value = local.flow },
      ]
      executionRoleArn = local.execution_role_arn
      fargatePlatformConfiguration = {
        platformVersion = "LATEST"
      }
      image      = var.image
      jobRoleArn = local.task_role_arn
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          "awslogs-group"         = module.flow.log_group_names["tasks"]
          "awslogs-region"        = data.aws_region.current.region
          "awslogs-stream-prefix" = "task"
        }
      }
      networkConfiguration = {
        assignPublicIp = var.assign_public_ip ? "ENABLED" : "DISABLED"
      }
      resourceRequirements = [
        { type = "MEMORY", value = "2048" },
        { type = "VCPU", value = "1" },
      ]
    }
  }
  definition = {
    Comment       = "Sums up the day before."
    QueryLanguage = "JSONata"
    StartAt       = "Collect"
    States = {
      Collect = {
        Type     = "Task"
        Resource = "arn:${data.aws_partition.current.partition}:states:::batch:submitJob.sync"
        Arguments = {
          JobName       = "Briefing-Collect"
          JobQueue      = var.job_queue_arn
          JobDefinition = aws_batch_job_definition.fargate.arn
          ContainerOverrides = {
            Environment = [
              { Name = "LAMINAR_LAYER_NAME", Value = "Collect" },
              { Name = "LAMINAR_EXECUTION_ID", Value = "{% $states.context.Execution.Name %}" },
            ]
          }
        }
        Retry = [
          {
            ErrorEquals = [
              "Batch.AWSBatchException",
              "Batch.SdkClientException",
              "Batch.ServerException",
              "Batch.TooManyRequestsException",
            ]
            IntervalSeconds = 2
            MaxAttempts     = 8
            JitterStrategy  = "FULL"
          },
        ]
        Output = {}
        Next   = "Write"
      }
      Write = {
        Type     = "Task"
        Resource = "arn:${data.aws_partition.current.partition}:states:::batch:submitJob.sync"
        Arguments = {
          JobName       = "Briefing-Write"
          JobQueue      = var.job_queue_arn
          JobDefinition = aws_batch_job_definition.fargate.arn
          ContainerOverrides = {
            Environment = [
              { Name = "LAMINAR_LAYER_NAME", Value = "Write" },
              { Name = "LAMINAR_EXECUTION_ID", Value = "{% $states.context.Execution.Name %}" },
            ]
          }
        }
        Retry = [
          {
            ErrorEquals = [
              "Batch.AWSBatchException",
              "Batch.SdkClientException",
              "Batch.ServerException",
              "Batch.TooManyRequestsException",
            ]
            IntervalSeconds = 2
            MaxAttempts     = 8
            JitterStrategy  = "FULL"
          },
        ]
        Output = {}
        End    = true
      }
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_iam_policy_document" "state_machine" {
  statement {
    sid     = "SubmitJobs"
    actions = ["batch:SubmitJob"]
    resources = [
      var.job_queue_arn,
      "arn:${data.aws_partition.current.partition}:batch:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:job-definition/${var.name}-fargate",
      "arn:${data.aws_partition.current.partition}:batch:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:job-definition/${var.name}-fargate:*",
      "arn:${data.aws_partition.current.partition}:batch:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:job/*",
    ]
  }

  statement {
    sid     = "StopJobs"
    actions = ["batch:TerminateJob"]
    resources = [
      "arn:${data.aws_partition.current.partition}:batch:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:job/*",
    ]
  }

  statement {
    sid       = "WatchJobs"
    actions   = ["batch:DescribeJobs"]
    resources = ["*"]
  }

  statement {
    sid     = "AwaitJobs"
    actions = ["events:DescribeRule", "events:PutRule", "events:PutTargets"]
    resources = [
      "arn:${data.aws_partition.current.partition}:events:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:rule/StepFunctionsGetEventsForBatchJobsRule",
    ]
  }

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

  dynamic "statement" {
    for_each = var.kms_key_arn[*]

    content {
      sid       = "EncryptExecutions"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.kms_key_arn]

      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:aws:states:stateMachineArn"
        values = [
          "arn:${data.aws_partition.current.partition}:states:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:stateMachine:${var.name}",
        ]
      }
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn[*]

    content {
      sid       = "EncryptLogs"
      actions   = ["kms:GenerateDataKey"]
      resources = [var.kms_key_arn]

      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:SourceArn"
        values = [
          "arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:*",
        ]
      }
    }
  }
}

data "aws_iam_policy_document" "task" {
  statement {
    sid     = "ReadAndWriteArtifacts"
    actions = ["s3:GetObject", "s3:PutObject"]
    resources = [
      "arn:${data.aws_partition.current.partition}:s3:::${local.datastore_bucket}/${local.datastore_prefix}${local.flow}/*",
    ]
  }

  statement {
    sid       = "TellWhatIsMissing"
    actions   = ["s3:ListBucket"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::${local.datastore_bucket}"]
  }

  dynamic "statement" {
    for_each = var.datastore_kms_key_arn[*]

    content {
      sid       = "UseDatastoreKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.datastore_kms_key_arn]

      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:aws:s3:arn"
        values = [
          "arn:${data.aws_partition.current.partition}:s3:::${local.datastore_bucket}",
          "arn:${data.aws_partition.current.partition}:s3:::${local.datastore_bucket}/${local.datastore_prefix}${local.flow}/*",
        ]
      }
    }
  }
}

data "aws_iam_policy_document" "execution" {
  statement {
    sid     = "WriteLogs"
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [
      "arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:log-group:/aws/batch/${var.name}:log-stream:*",
    ]
  }

  dynamic "statement" {
    for_each = length(local.repositories) > 0 ? [true] : []

    content {
      sid       = "LogInToRegistries"
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"]
    }
  }

  dynamic "statement" {
    for_each = length(local.repositories) > 0 ? [true] : []

    content {
      sid = "PullImages"
      actions = [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "ecr:BatchImportUpstreamImage",
        "ecr:CreateRepository",
      ]
      resources = local.repositories
    }
  }
}

data "aws_iam_policy_document" "schedule" {
  statement {
    sid     = "StartExecutions"
    actions = ["states:StartExecution"]
    resources = [
      "arn:${data.aws_partition.current.partition}:states:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:stateMachine:${var.name}",
    ]
  }

  statement {
    sid     = "KeepFailures"
    actions = ["sqs:SendMessage"]
    resources = [
      "arn:${data.aws_partition.current.partition}:sqs:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:${var.name}-schedule-failures",
    ]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn[*]

    content {
      sid       = "DecryptSchedule"
      actions   = ["kms:Decrypt"]
      resources = [var.kms_key_arn]

      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:aws:scheduler:schedule:arn"
        values = [
          "arn:${data.aws_partition.current.partition}:scheduler:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:schedule/default/${var.name}",
        ]
      }
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn[*]

    content {
      sid       = "EncryptFailures"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [var.kms_key_arn]

      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:aws:sqs:arn"
        values = [
          "arn:${data.aws_partition.current.partition}:sqs:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:${var.name}-schedule-failures",
        ]
      }
    }
  }
}

resource "aws_batch_job_definition" "fargate" {
  name                       = "${var.name}-fargate"
  type                       = "container"
  platform_capabilities      = ["FARGATE"]
  container_properties       = jsonencode(local.containers.fargate)
  deregister_on_new_revision = false
  propagate_tags             = true
  tags                       = var.tags

  retry_strategy {
    attempts = 4

    evaluate_on_exit {
      on_status_reason = "Essential container in task exited*"
      action           = "EXIT"
    }

    evaluate_on_exit {
      on_reason = "CannotPullContainerError: pull image manifest has been retried 1*"
      action    = "EXIT"
    }

    evaluate_on_exit {
      on_reason = "CannotPullContainerError: pull image manifest has been retried 7*"
      action    = "EXIT"
    }

    evaluate_on_exit {
      on_reason = "CannotPullContainerError: Error response from daemon: manifest*"
      action    = "EXIT"
    }

    evaluate_on_exit {
      on_reason = "CannotPullContainerError: Error response from daemon: pull access denied*"
      action    = "EXIT"
    }
  }

  timeout {
    attempt_duration_seconds = 86400
  }
}

module "flow" {
  source = "../modules/flow"

  name           = var.name
  flows          = [local.flow]
  datastore_root = var.datastore_root
  definitions = {
    flow = jsonencode(local.definition)
  }
  roles = {
    state_machine = {
      service     = "states.amazonaws.com"
      description = "Runs the flow Briefing"
      policy      = data.aws_iam_policy_document.state_machine.json
      arn         = var.state_machine_role_arn
    }
    task = {
      service     = "ecs-tasks.amazonaws.com"
      description = "What the layers of the flow Briefing may do"
      policy      = data.aws_iam_policy_document.task.json
      arn         = var.task_role_arn
    }
    execution = {
      service     = "ecs-tasks.amazonaws.com"
      description = "Starts the containers of the flow Briefing"
      policy      = data.aws_iam_policy_document.execution.json
      arn         = var.execution_role_arn
    }
    schedule = {
      service     = "scheduler.amazonaws.com"
      description = "Starts the flow Briefing on schedule"
      policy      = data.aws_iam_policy_document.schedule.json
      arn         = var.schedule_role_arn
    }
  }
  log_groups = {
    tasks = "/aws/batch/${var.name}"
  }
  schedule = {
    expression = "cron(0 6 ? * MON-FRI *)"
    timezone   = "Europe/Berlin"
    enabled    = var.schedule_enabled
  }
  alarm_actions            = var.alarm_actions
  kms_key_arn              = var.kms_key_arn
  log_retention_in_days    = var.log_retention_in_days
  permissions_boundary_arn = var.permissions_boundary_arn
  tags                     = var.tags
}

moved {
  from = aws_cloudwatch_log_group.state_machine
  to   = module.flow.aws_cloudwatch_log_group.this["state_machine"]
}

moved {
  from = aws_cloudwatch_log_group.tasks
  to   = module.flow.aws_cloudwatch_log_group.this["tasks"]
}

moved {
  from = aws_iam_role.state_machine[0]
  to   = module.flow.aws_iam_role.this["state_machine"]
}

moved {
  from = aws_iam_role_policy.state_machine[0]
  to   = module.flow.aws_iam_role_policy.this["state_machine"]
}

moved {
  from = aws_iam_role.task[0]
  to   = module.flow.aws_iam_role.this["task"]
}

moved {
  from = aws_iam_role_policy.task[0]
  to   = module.flow.aws_iam_role_policy.this["task"]
}

moved {
  from = aws_iam_role.execution[0]
  to   = module.flow.aws_iam_role.this["execution"]
}

moved {
  from = aws_iam_role_policy.execution[0]
  to   = module.flow.aws_iam_role_policy.this["execution"]
}

moved {
  from = aws_iam_role.schedule[0]
  to   = module.flow.aws_iam_role.this["schedule"]
}

moved {
  from = aws_iam_role_policy.schedule[0]
  to   = module.flow.aws_iam_role_policy.this["schedule"]
}

moved {
  from = aws_sfn_state_machine.flow
  to   = module.flow.aws_sfn_state_machine.flow
}

moved {
  from = aws_sqs_queue.schedule
  to   = module.flow.aws_sqs_queue.schedule[0]
}

moved {
  from = aws_scheduler_schedule.flow
  to   = module.flow.aws_scheduler_schedule.flow[0]
}

moved {
  from = aws_cloudwatch_metric_alarm.failed
  to   = module.flow.aws_cloudwatch_metric_alarm.this["failed"]
}

moved {
  from = aws_cloudwatch_metric_alarm.timed_out
  to   = module.flow.aws_cloudwatch_metric_alarm.this["timed_out"]
}

moved {
  from = aws_cloudwatch_metric_alarm.throttled
  to   = module.flow.aws_cloudwatch_metric_alarm.this["throttled"]
}

moved {
  from = aws_cloudwatch_metric_alarm.not_started
  to   = module.flow.aws_cloudwatch_metric_alarm.this["not_started"]
}

moved {
  from = aws_ssm_parameter.deployment
  to   = module.flow.aws_ssm_parameter.deployment
}

output "state_machine_arn" {
  description = "The state machine."
  value       = module.flow.state_machine_arn
}

output "deployment" {
  description = "The name by which applications find the flow: AWS.StepFunctions(deployment=...)."
  value       = var.name
}

output "task_role_arn" {
  description = "The role of the tasks: attach to it what the layers need besides the datastore."
  value       = local.task_role_arn
}

output "policies" {
  description = "What each role may do: policies for those that are made elsewhere."
  value = {
    state_machine = data.aws_iam_policy_document.state_machine.json
    task          = data.aws_iam_policy_document.task.json
    execution     = data.aws_iam_policy_document.execution.json
    schedule      = data.aws_iam_policy_document.schedule.json
  }
}
