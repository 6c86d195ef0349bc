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
  description = "ARNs of what is notified when an execution fails, times out or is throttled, such as an SNS topic."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for action in var.alarm_actions : can(regex("^arn:[a-z-]+:[a-z0-9-]+:", action))])
    error_message = "The actions of alarms must be given by their ARNs."
  }
}

variable "check_datastore_region" {
  description = "Whether a bucket of another region is refused when Terraform plans. Who plans needs s3:ListBucket on the bucket, which must be there by then unless datastore_root refers to what makes it."
  type        = bool
  default     = true
  nullable    = false
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

variable "keep_logs" {
  description = "Whether logs stay when the deployment is destroyed; applied before that, or it has no effect."
  type        = bool
  default     = false
  nullable    = false
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

variable "region_in_role_names" {
  description = "Whether the names of roles have the region in them, so that a deployment of the same name can be in another region. To change it makes the roles anew."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.region_in_role_names || length(var.name) <= 34
    error_message = "With the region in the names of roles the name must be of 34 characters at most."
  }
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.tags) <= 47
    error_message = "A job has at most 50 tags. The flow gives some 3, so the variable may have at most 47, less the default_tags of the provider, which this validation does not see."
  }
}

variable "role_arns" {
  description = "ARNs of roles that are made elsewhere, by their labels: state_machine, task, execution, schedule. Unlike the variables of single roles it takes ARNs of roles that are made in the same apply."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.role_arns), ["state_machine", "task", "execution", "schedule"])) == 0
    error_message = "The labels of roles are state_machine, task, execution, schedule."
  }

  validation {
    condition     = alltrue([for arn in values(var.role_arns) : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[0-9A-Za-z+=,.@_/-]+$", arn))])
    error_message = "The roles must be given by their ARNs."
  }
}

variable "state_machine_role_arn" {
  description = "ARN of the role that runs the state machines, if it is made elsewhere and before. Made here unless given. Of a role that is made with this: role_arns."
  type        = string
  default     = null

  validation {
    condition     = var.state_machine_role_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[0-9A-Za-z+=,.@_/-]+$", var.state_machine_role_arn))
    error_message = "The role must be given by its ARN."
  }
}

variable "task_role_arn" {
  description = "ARN of the role that the tasks have, if it is made elsewhere and before. Made here unless given. Of a role that is made with this: role_arns."
  type        = string
  default     = null

  validation {
    condition     = var.task_role_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[0-9A-Za-z+=,.@_/-]+$", var.task_role_arn))
    error_message = "The role must be given by its ARN."
  }
}

variable "execution_role_arn" {
  description = "ARN of the role that starts the containers of tasks, if it is made elsewhere and before. Made here unless given. Of a role that is made with this: role_arns."
  type        = string
  default     = null

  validation {
    condition     = var.execution_role_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[0-9A-Za-z+=,.@_/-]+$", var.execution_role_arn))
    error_message = "The role must be given by its ARN."
  }
}

variable "schedule_role_arn" {
  description = "ARN of the role that starts executions on schedule, if it is made elsewhere and before. Made here unless given. Of a role that is made with this: role_arns."
  type        = string
  default     = null

  validation {
    condition     = var.schedule_role_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[0-9A-Za-z+=,.@_/-]+$", var.schedule_role_arn))
    error_message = "The role must be given by its ARN."
  }
}

locals {
  flow                   = "Briefing"
  account_id             = terraform_data.place.input.account_id
  partition              = terraform_data.place.input.partition
  region                 = terraform_data.place.input.region
  datastore_bucket       = regex("^s3://([^/]+)", var.datastore_root)[0]
  datastore_prefix       = join("", [for path in regex("^s3://[^/]+/?(.*?)/?$", var.datastore_root) : "${path}/" if path != ""])
  given_role_arns        = merge({ for label, arn in { state_machine = var.state_machine_role_arn, task = var.task_role_arn, execution = var.execution_role_arn, schedule = var.schedule_role_arn } : label => arn if arn != null }, var.role_arns)
  state_machine_role_arn = module.flow.role_arns["state_machine"]
  task_role_arn          = module.flow.role_arns["task"]
  execution_role_arn     = module.flow.role_arns["execution"]
  schedule_role_arn      = module.flow.role_arns["schedule"]
  statements = {
    state_machine = [
      {
        Sid    = "SubmitJobs"
        Effect = "Allow"
        Action = ["batch:SubmitJob"]
        Resource = [
          var.job_queue_arn,
          "arn:${local.partition}:batch:${local.region}:${local.account_id}:job-definition/${var.name}-fargate",
          "arn:${local.partition}:batch:${local.region}:${local.account_id}:job-definition/${var.name}-fargate:*",
          "arn:${local.partition}:batch:${local.region}:${local.account_id}:job/*",
        ]
      },
      {
        Sid    = "TagJobs"
        Effect = "Allow"
        Action = ["batch:TagResource"]
        Resource = [
          var.job_queue_arn,
          "arn:${local.partition}:batch:${local.region}:${local.account_id}:job-definition/${var.name}-fargate*:*",
          "arn:${local.partition}:batch:${local.region}:${local.account_id}:job/*",
        ]
      },
      {
        Sid      = "StopJobs"
        Effect   = "Allow"
        Action   = ["batch:TerminateJob"]
        Resource = ["arn:${local.partition}:batch:${local.region}:${local.account_id}:job/*"]
      },
      { Sid = "WatchJobs", Effect = "Allow", Action = ["batch:DescribeJobs"], Resource = ["*"] },
      {
        Sid    = "AwaitJobs"
        Effect = "Allow"
        Action = ["events:DescribeRule", "events:PutRule", "events:PutTargets"]
        Resource = [
          "arn:${local.partition}:events:${local.region}:${local.account_id}:rule/StepFunctionsGetEventsForBatchJobsRule",
        ]
      },
      {
        Sid    = "WriteNotes"
        Effect = "Allow"
        Action = ["s3:PutObject"]
        Resource = [
          "arn:${local.partition}:s3:::${local.datastore_bucket}/${local.datastore_prefix}Briefing/.cache/*/.input.json",
        ]
      },
      {
        Sid      = "UseDatastoreKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = var.datastore_kms_key_arn[*]
        Condition = {
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = [
              "arn:${local.partition}:s3:::${local.datastore_bucket}",
              "arn:${local.partition}:s3:::${local.datastore_bucket}/${local.datastore_prefix}Briefing/.cache/*/.input.json",
            ]
          }
        }
      },
      {
        Sid      = "EncryptExecutions"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = var.kms_key_arn[*]
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:states:stateMachineArn" = [
              "arn:${local.partition}:states:${local.region}:${local.account_id}:stateMachine:${var.name}",
            ]
          }
        }
      },
      {
        Sid      = "EncryptLogs"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey"]
        Resource = var.kms_key_arn[*]
        Condition = {
          StringLike = {
            "kms:EncryptionContext:SourceArn" = ["arn:${local.partition}:logs:${local.region}:${local.account_id}:*"]
          }
        }
      },
      {
        Sid    = "DeliverLogs"
        Effect = "Allow"
        Action = [
          "logs:CreateLogDelivery",
          "logs:DeleteLogDelivery",
          "logs:DescribeLogGroups",
          "logs:DescribeResourcePolicies",
          "logs:GetLogDelivery",
          "logs:ListLogDeliveries",
          "logs:PutResourcePolicy",
          "logs:UpdateLogDelivery",
        ]
        Resource = ["*"]
      },
      {
        Sid    = "SendTraces"
        Effect = "Allow"
        Action = [
          "xray:GetSamplingRules",
          "xray:GetSamplingTargets",
          "xray:PutTelemetryRecords",
          "xray:PutTraceSegments",
        ]
        Resource = ["*"]
      },
    ]
    task = [
      {
        Sid    = "ReadAndWriteArtifacts"
        Effect = "Allow"
        Action = ["s3:GetObject", "s3:PutObject"]
        Resource = [
          "arn:${local.partition}:s3:::${local.datastore_bucket}/${local.datastore_prefix}${local.flow}/*",
        ]
      },
      {
        Sid      = "TellWhatIsMissing"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = ["arn:${local.partition}:s3:::${local.datastore_bucket}"]
      },
      {
        Sid      = "UseDatastoreKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = var.datastore_kms_key_arn[*]
        Condition = {
          StringLike = {
            "kms:EncryptionContext:aws:s3:arn" = [
              "arn:${local.partition}:s3:::${local.datastore_bucket}",
              "arn:${local.partition}:s3:::${local.datastore_bucket}/${local.datastore_prefix}${local.flow}/*",
            ]
          }
        }
      },
    ]
    execution = [
      {
        Sid      = "LogInToRegistries"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = length(local.repositories) > 0 ? ["*"] : []
      },
      {
        Sid    = "PullImages"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability",
          "ecr:BatchGetImage",
          "ecr:GetDownloadUrlForLayer",
          "ecr:BatchImportUpstreamImage",
          "ecr:CreateRepository",
        ]
        Resource = local.repositories
      },
      {
        Sid    = "WriteLogs"
        Effect = "Allow"
        Action = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = [
          "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/aws/batch/${var.name}:log-stream:*",
        ]
      },
    ]
    schedule = [
      {
        Sid    = "StartExecutions"
        Effect = "Allow"
        Action = ["states:StartExecution"]
        Resource = [
          "arn:${local.partition}:states:${local.region}:${local.account_id}:stateMachine:${var.name}",
        ]
      },
      {
        Sid    = "KeepFailures"
        Effect = "Allow"
        Action = ["sqs:SendMessage"]
        Resource = [
          "arn:${local.partition}:sqs:${local.region}:${local.account_id}:${var.name}-schedule-failures",
        ]
      },
      {
        Sid      = "DecryptSchedule"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = var.kms_key_arn[*]
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:scheduler:schedule:arn" = [
              "arn:${local.partition}:scheduler:${local.region}:${local.account_id}:schedule/default/${var.name}",
            ]
          }
        }
      },
      {
        Sid      = "EncryptFailures"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = var.kms_key_arn[*]
        Condition = {
          StringEquals = {
            "kms:EncryptionContext:aws:sqs:arn" = [
              "arn:${local.partition}:sqs:${local.region}:${local.account_id}:${var.name}-schedule-failures",
            ]
          }
        }
      },
    ]
  }
  policies     = { for role, statements in local.statements : role => jsonencode({ Version = "2012-10-17", Statement = [for statement in statements : statement if length(statement.Resource) > 0] }) }
  images       = [var.image]
  repositories = distinct([for part in concat([for image in local.images : regexall("^([0-9]{12})[.]dkr[.-]ecr(?:-fips)?[.]([a-z0-9-]+)[.](?:amazonaws[.]com|amazonaws[.]com[.]cn|amazonaws[.]eu|c2s[.]ic[.]gov|sc2s[.]sgov[.]gov|cloud[.]adc-e[.]uk|csp[.]hci[.]ic[.]gov|on[.]aws|on[.]amazonwebservices[.]com[.]cn|on[.]amazonwebservices[.]eu|on[.]aws[.]ic[.]gov|on[.]aws[.]scloud|on[.]cloud-aws[.]adc-e[.]uk|on[.]aws[.]hci[.]ic[.]gov)/([a-z0-9][a-z0-9._/-]*)", image)]...) : format("arn:%s:ecr:%s:%s:repository/%s", local.partition, part[1], part[0], part[2])])
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
          "awslogs-region"        = local.region
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
  job_tags = {
    fargate = {
      "laminar:flow" = local.flow
    }
  }
  layers = {
    Collect = {
      runs_on = "AWS Batch, FARGATE"
      cpu     = 1
      memory  = 2048
    }
    Write = {
      runs_on = "AWS Batch, FARGATE"
      cpu     = 1
      memory  = 2048
      after   = "Collect"
    }
  }
  definition = {
    Comment       = "Sums up the day before."
    QueryLanguage = "JSONata"
    StartAt       = "Parameters"
    States = {
      Parameters = {
        Type     = "Task"
        Comment  = "Keeps the input, from which tasks take the parameters of the flow"
        Resource = "arn:${local.partition}:states:::aws-sdk:s3:putObject"
        Arguments = {
          Bucket = local.datastore_bucket
          Key    = "{% '${local.datastore_prefix}Briefing/.cache/' & $substringBefore($states.context.Execution.Name, '@resume-') & '/.input.json' %}"
          Body   = "{% $states.context.Execution.Input %}"
        }
        Retry = [
          {
            ErrorEquals     = ["S3.S3Exception", "S3.SdkClientException"]
            IntervalSeconds = 2
            MaxAttempts     = 8
            JitterStrategy  = "FULL"
          },
        ]
        Assign = {
          tags = "{% $merge([$states.context.Execution.Input.tags, {'laminar:flow': 'Briefing', 'laminar:execution': $replace($substringBefore($states.context.Execution.Name, '@resume-'), /[^A-Za-z0-9 _.:\\/=+@-]/, '-')}]) %}"
        }
        Output = {}
        Next   = "Collect"
      }
      Collect = {
        Type     = "Task"
        Resource = "arn:${local.partition}:states:::batch:submitJob.sync"
        Arguments = {
          JobName       = "Briefing-Collect"
          JobQueue      = var.job_queue_arn
          JobDefinition = aws_batch_job_definition.fargate.arn
          Tags          = "{% $merge([$tags, {'laminar:layer': 'Collect'}]) %}"
          ContainerOverrides = {
            Environment = [
              { Name = "LAMINAR_LAYER_NAME", Value = "Collect" },
              {
                Name  = "LAMINAR_EXECUTION_ID"
                Value = "{% ($e := $states.context.Execution; $e.Name & ($e.RedriveCount > 0 ? ($contains($e.Name, '@resume-') ? '.' : '@resume-0.') & $e.RedriveCount : '')) %}"
              },
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
        Resource = "arn:${local.partition}:states:::batch:submitJob.sync"
        Arguments = {
          JobName       = "Briefing-Write"
          JobQueue      = var.job_queue_arn
          JobDefinition = aws_batch_job_definition.fargate.arn
          Tags          = "{% $merge([$tags, {'laminar:layer': 'Write'}]) %}"
          ContainerOverrides = {
            Environment = [
              { Name = "LAMINAR_LAYER_NAME", Value = "Write" },
              {
                Name  = "LAMINAR_EXECUTION_ID"
                Value = "{% ($e := $states.context.Execution; $e.Name & ($e.RedriveCount > 0 ? ($contains($e.Name, '@resume-') ? '.' : '@resume-0.') & $e.RedriveCount : '')) %}"
              },
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

data "aws_s3_bucket" "datastore" {
  count = var.check_datastore_region ? 1 : 0

  bucket = local.datastore_bucket

  lifecycle {
    postcondition {
      condition     = self.bucket_region == data.aws_region.current.region
      error_message = "The datastore's bucket is in ${self.bucket_region}, and the deployment in ${data.aws_region.current.region}: Step Functions reads and writes no bucket of another region."
    }
  }
}

resource "terraform_data" "place" {
  input = {
    account_id = data.aws_caller_identity.current.account_id
    partition  = data.aws_partition.current.partition
    region     = data.aws_region.current.region
  }

  lifecycle {
    ignore_changes = [input]

    postcondition {
      condition     = self.input.account_id == data.aws_caller_identity.current.account_id && self.input.partition == data.aws_partition.current.partition && self.input.region == data.aws_region.current.region
      error_message = "The deployment is in ${self.input.region} of account ${self.input.account_id}, and the provider is not. Deploy it there under a state of its own, or have it move by terraform apply -replace with the address of this terraform_data.place."
    }

    postcondition {
      condition     = try(split(":", var.job_queue_arn)[3], self.input.region) == self.input.region
      error_message = "The job queue job_queue_arn must be in the region of the deployment, ${self.input.region}: Step Functions submits jobs to no other."
    }
  }
}

resource "terraform_data" "layer" {
  for_each = local.layers

  input = each.value
}

resource "aws_batch_job_definition" "fargate" {
  name                       = "${var.name}-fargate"
  type                       = "container"
  platform_capabilities      = ["FARGATE"]
  container_properties       = jsonencode(local.containers.fargate)
  deregister_on_new_revision = false
  propagate_tags             = true
  tags                       = merge(var.tags, local.job_tags.fargate)

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

  name = var.name
  place = {
    account_id = local.account_id
    region     = local.region
  }
  flows          = [local.flow]
  datastore_root = var.datastore_root
  definitions = {
    flow = jsonencode(local.definition)
  }
  roles = {
    state_machine = {
      service     = "states.amazonaws.com"
      description = "Runs the flow Briefing"
      policy      = local.policies.state_machine
      given       = contains(keys(local.given_role_arns), "state_machine")
      arn         = try(local.given_role_arns.state_machine, null)
    }
    task = {
      service     = "ecs-tasks.amazonaws.com"
      description = "What the layers of the flow Briefing may do"
      policy      = local.policies.task
      given       = contains(keys(local.given_role_arns), "task")
      arn         = try(local.given_role_arns.task, null)
    }
    execution = {
      service     = "ecs-tasks.amazonaws.com"
      description = "Starts the containers of the flow Briefing"
      policy      = local.policies.execution
      given       = contains(keys(local.given_role_arns), "execution")
      arn         = try(local.given_role_arns.execution, null)
    }
    schedule = {
      service     = "scheduler.amazonaws.com"
      description = "Starts the flow Briefing on schedule"
      policy      = local.policies.schedule
      given       = contains(keys(local.given_role_arns), "schedule")
      arn         = try(local.given_role_arns.schedule, null)
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
  keep_logs                = var.keep_logs
  kms_key_arn              = var.kms_key_arn
  log_retention_in_days    = var.log_retention_in_days
  permissions_boundary_arn = var.permissions_boundary_arn
  region_in_role_names     = var.region_in_role_names
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

output "role_arns" {
  description = "The roles by their labels, those that are given and those that are made."
  value = {
    state_machine = local.state_machine_role_arn
    task          = local.task_role_arn
    execution     = local.execution_role_arn
    schedule      = local.schedule_role_arn
  }
}

output "role_names" {
  description = "The names of the roles by their labels: what policies are attached to."
  value = {
    state_machine = regex("[^/]+$", local.state_machine_role_arn)
    task          = regex("[^/]+$", local.task_role_arn)
    execution     = regex("[^/]+$", local.execution_role_arn)
    schedule      = regex("[^/]+$", local.schedule_role_arn)
  }
}

output "policies" {
  description = "What each role may do: policies for those that are made elsewhere."
  value       = local.policies
}
