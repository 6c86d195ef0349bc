# The flow Short, compiled by laminar-codegen. Change the flow and compile it again.

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
  default     = "Short"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][0-9A-Za-z_-]{0,45}$", var.name))
    error_message = "The name must be of 1 to 46 letters, digits, hyphens and underscores, a letter first."
  }
}

variable "image" {
  description = "Image of the tasks, with the flow and what it needs in its working directory. It must be in ECR, in this region and in this account or one that shares it: AWS Lambda takes no other. Give each build a tag of its own, or its digest: Terraform sees no other image behind an old tag."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([0-9]{12})[.]dkr[.-]ecr(?:-fips)?[.]([a-z0-9-]+)[.](?:amazonaws[.]com|amazonaws[.]com[.]cn|amazonaws[.]eu|c2s[.]ic[.]gov|sc2s[.]sgov[.]gov|cloud[.]adc-e[.]uk|csp[.]hci[.]ic[.]gov|on[.]aws|on[.]amazonwebservices[.]com[.]cn|on[.]amazonwebservices[.]eu|on[.]aws[.]ic[.]gov|on[.]aws[.]scloud|on[.]cloud-aws[.]adc-e[.]uk|on[.]aws[.]hci[.]ic[.]gov)/[^[:space:]]+$", var.image))
    error_message = "The image must be in ECR, as in 123456789012.dkr.ecr.eu-west-1.amazonaws.com/flow:1."
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
}

variable "role_arns" {
  description = "ARNs of roles that are made elsewhere, by their labels: state_machine, planner, function. Unlike the variables of single roles it takes ARNs of roles that are made in the same apply."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.role_arns), ["state_machine", "planner", "function"])) == 0
    error_message = "The labels of roles are state_machine, planner, function."
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

variable "planner_role_arn" {
  description = "ARN of the role that the planner has, if it is made elsewhere and before. Made here unless given. Of a role that is made with this: role_arns."
  type        = string
  default     = null

  validation {
    condition     = var.planner_role_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[0-9A-Za-z+=,.@_/-]+$", var.planner_role_arn))
    error_message = "The role must be given by its ARN."
  }
}

variable "function_role_arn" {
  description = "ARN of the role that the tasks on AWS Lambda have, if it is made elsewhere and before. Made here unless given. Of a role that is made with this: role_arns."
  type        = string
  default     = null

  validation {
    condition     = var.function_role_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[0-9A-Za-z+=,.@_/-]+$", var.function_role_arn))
    error_message = "The role must be given by its ARN."
  }
}

locals {
  flow                   = "Short"
  account_id             = terraform_data.place.input.account_id
  partition              = terraform_data.place.input.partition
  region                 = terraform_data.place.input.region
  datastore_bucket       = regex("^s3://([^/]+)", var.datastore_root)[0]
  datastore_prefix       = join("", [for path in regex("^s3://[^/]+/?(.*?)/?$", var.datastore_root) : "${path}/" if path != ""])
  role_prefix            = var.region_in_role_names ? "${var.name}-${local.region}" : var.name
  given_role_arns        = merge({ for label, arn in { state_machine = var.state_machine_role_arn, planner = var.planner_role_arn, function = var.function_role_arn } : label => arn if arn != null }, var.role_arns)
  state_machine_role_arn = try(local.given_role_arns.state_machine, one(aws_iam_role.state_machine[*].arn))
  planner_role_arn       = try(local.given_role_arns.planner, one(aws_iam_role.planner[*].arn))
  function_role_arn      = try(local.given_role_arns.function, one(aws_iam_role.function[*].arn))
  trust = {
    state_machine = {
      Version = "2012-10-17"
      Statement = [
        {
          Effect = "Allow"
          Action = "sts:AssumeRole"
          Principal = {
            Service = "states.amazonaws.com"
          }
          Condition = {
            StringEquals = {
              "aws:SourceAccount" = local.account_id
            }
          }
        },
      ]
    }
    planner = {
      Version = "2012-10-17"
      Statement = [
        {
          Effect = "Allow"
          Action = "sts:AssumeRole"
          Principal = {
            Service = "lambda.amazonaws.com"
          }
        },
      ]
    }
    function = {
      Version = "2012-10-17"
      Statement = [
        {
          Effect = "Allow"
          Action = "sts:AssumeRole"
          Principal = {
            Service = "lambda.amazonaws.com"
          }
        },
      ]
    }
  }
  statements = {
    state_machine = [
      {
        Sid    = "InvokePlanner"
        Effect = "Allow"
        Action = ["lambda:InvokeFunction"]
        Resource = [
          "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function:${var.name}-planner_c320d654",
        ]
      },
      {
        Sid    = "RunTasks"
        Effect = "Allow"
        Action = ["lambda:InvokeFunction"]
        Resource = [
          "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function:${var.name}-run_count",
          "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function:${var.name}-run_split",
          "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function:${var.name}-run_total",
        ]
      },
      {
        Sid    = "WriteNotes"
        Effect = "Allow"
        Action = ["s3:PutObject"]
        Resource = [
          "arn:${local.partition}:s3:::${local.datastore_bucket}/${local.datastore_prefix}Short/.cache/*/.input.json",
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
              "arn:${local.partition}:s3:::${local.datastore_bucket}/${local.datastore_prefix}Short/.cache/*/.input.json",
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
    planner = [
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
      {
        Sid      = "DecryptEnvironment"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = var.kms_key_arn[*]
        Condition = {
          StringLike = {
            "kms:EncryptionContext:aws:lambda:FunctionArn" = [
              "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function:${var.name}-planner_c320d654",
            ]
          }
        }
      },
      {
        Sid    = "WriteLogs"
        Effect = "Allow"
        Action = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = [
          "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/aws/lambda/${var.name}-planner_c320d654:log-stream:*",
        ]
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
    function = [
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
      {
        Sid      = "DecryptEnvironment"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = var.kms_key_arn[*]
        Condition = {
          StringLike = {
            "kms:EncryptionContext:aws:lambda:FunctionArn" = [
              "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function:${var.name}-run_count",
              "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function:${var.name}-run_split",
              "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function:${var.name}-run_total",
            ]
          }
        }
      },
      {
        Sid    = "WriteLogs"
        Effect = "Allow"
        Action = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = [
          "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/aws/lambda/${var.name}-run_count:log-stream:*",
          "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/aws/lambda/${var.name}-run_split:log-stream:*",
          "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/aws/lambda/${var.name}-run_total:log-stream:*",
        ]
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
  }
  policies = { for role, statements in local.statements : role => jsonencode({ Version = "2012-10-17", Statement = [for statement in statements : statement if length(statement.Resource) > 0] }) }
  layers = {
    Split = {
      runs_on     = "AWS Lambda"
      memory      = 1500
      concurrency = 40
      comment     = "One invocation."
      after       = "Parameters"
    }
    Count = {
      runs_on     = "AWS Lambda"
      memory      = 512
      concurrency = 10
      comment     = "One invocation for each word, ten at once, in a function of its own."
      after       = "Split"
      foreach     = "Split.word[0]"
      retry = {
        attempts = 3
        delay    = 2
        backoff  = 2.0
        jitter   = 0.1
      }
      timeout           = 60
      image             = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/count:1"
      architecture      = "arm64"
      ephemeral_storage = 2
    }
    Total = {
      runs_on     = "AWS Lambda"
      memory      = 1500
      concurrency = 40
      comment     = "One invocation of the function of Split, tried twice."
      after       = "Count"
      retry = {
        attempts = 2
        delay    = 0.1
        backoff  = 2.0
        jitter   = 0.1
      }
    }
  }
  definition = {
    Comment       = "Is over soon."
    QueryLanguage = "JSONata"
    StartAt       = "Parameters"
    States = {
      Parameters = {
        Type     = "Task"
        Comment  = "Keeps the input, from which tasks take the parameters of the flow"
        Resource = "arn:${local.partition}:states:::aws-sdk:s3:putObject"
        Arguments = {
          Bucket = local.datastore_bucket
          Key    = "{% '${local.datastore_prefix}Short/.cache/' & $substringBefore($states.context.Execution.Name, '@resume-') & '/.input.json' %}"
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
        Output = {}
        Next   = "Split"
      }
      Split = {
        Type     = "Task"
        Comment  = "One invocation."
        Resource = "arn:${local.partition}:states:::lambda:invoke"
        Arguments = {
          FunctionName = aws_lambda_function.run_split.arn
          Payload = {
            execution = "{% ($e := $states.context.Execution; $e.Name & ($e.RedriveCount > 0 ? ($contains($e.Name, '@resume-') ? '.' : '@resume-0.') & $e.RedriveCount : '')) %}"
            layer     = "Split"
          }
        }
        Retry = [
          {
            ErrorEquals = [
              "Lambda.ClientExecutionTimeoutException",
              "Lambda.ServiceException",
              "Lambda.AWSLambdaException",
              "Lambda.SdkClientException",
              "Lambda.CodeArtifactUserPendingException",
              "Lambda.EC2ThrottledException",
              "Lambda.EC2UnexpectedException",
              "Lambda.EFSMountConnectivityException",
              "Lambda.EFSMountTimeoutException",
              "Lambda.ENILimitReachedException",
              "Lambda.ENINotReadyException",
              "Lambda.ResourceConflictException",
              "Lambda.ResourceNotReadyException",
              "Lambda.SnapStartNotReadyException",
              "Lambda.SubnetIPAddressLimitReachedException",
            ]
            IntervalSeconds = 2
            MaxAttempts     = 12
            MaxDelaySeconds = 20
          },
          {
            ErrorEquals     = ["Lambda.TooManyRequestsException"]
            IntervalSeconds = 1
            MaxAttempts     = 24
            MaxDelaySeconds = 120
            JitterStrategy  = "FULL"
          },
        ]
        Output = {}
        Next   = "Count plan"
      }
      "Count plan" = {
        Type     = "Task"
        Comment  = "Asks the planner into how many splits Count fans out"
        Resource = "arn:${local.partition}:states:::lambda:invoke"
        Arguments = {
          FunctionName = aws_lambda_function.planner_c320d654.arn
          Payload = {
            execution = "{% ($e := $states.context.Execution; $e.Name & ($e.RedriveCount > 0 ? ($contains($e.Name, '@resume-') ? '.' : '@resume-0.') & $e.RedriveCount : '')) %}"
            layer     = "Count"
          }
        }
        Retry = [
          {
            ErrorEquals = [
              "Lambda.ClientExecutionTimeoutException",
              "Lambda.ServiceException",
              "Lambda.AWSLambdaException",
              "Lambda.SdkClientException",
              "Lambda.CodeArtifactUserPendingException",
              "Lambda.EC2ThrottledException",
              "Lambda.EC2UnexpectedException",
              "Lambda.EFSMountConnectivityException",
              "Lambda.EFSMountTimeoutException",
              "Lambda.ENILimitReachedException",
              "Lambda.ENINotReadyException",
              "Lambda.ResourceConflictException",
              "Lambda.ResourceNotReadyException",
              "Lambda.SnapStartNotReadyException",
              "Lambda.SubnetIPAddressLimitReachedException",
            ]
            IntervalSeconds = 2
            MaxAttempts     = 12
            MaxDelaySeconds = 20
          },
          {
            ErrorEquals     = ["Lambda.TooManyRequestsException"]
            IntervalSeconds = 1
            MaxAttempts     = 24
            MaxDelaySeconds = 120
            JitterStrategy  = "FULL"
          },
        ]
        Output = "{% $states.result.Payload %}"
        Next   = "Count splits"
      }
      "Count splits" = {
        Type    = "Map"
        Comment = "Runs the splits of Count"
        Items   = "{% $states.input.groups %}"
        ItemProcessor = {
          StartAt = "Count"
          States = {
            Count = {
              Type    = "Map"
              Comment = "One invocation for each word, ten at once, in a function of its own."
              Items   = "{% [0..$states.input.size - 1] %}"
              ItemSelector = {
                child   = "{% $states.context.Map.Item.Value %}"
                indexes = "{% $states.input.indexes %}"
                splits  = "{% $states.input.splits %}"
              }
              MaxConcurrency = 10
              ItemProcessor = {
                StartAt = "Count split"
                States = {
                  "Count split" = {
                    Type     = "Task"
                    Comment  = "Runs one split of Count"
                    Resource = "arn:${local.partition}:states:::lambda:invoke"
                    Arguments = {
                      FunctionName = aws_lambda_function.run_count.arn
                      Payload = {
                        execution = "{% ($e := $states.context.Execution; $e.Name & ($e.RedriveCount > 0 ? ($contains($e.Name, '@resume-') ? '.' : '@resume-0.') & $e.RedriveCount : '')) %}"
                        layer     = "Count"
                        child     = "{% $states.input.child %}"
                        indexes   = "{% $states.input.indexes %}"
                        splits    = "{% $states.input.splits %}"
                      }
                    }
                    Retry = [
                      {
                        ErrorEquals = [
                          "Lambda.ClientExecutionTimeoutException",
                          "Lambda.ServiceException",
                          "Lambda.AWSLambdaException",
                          "Lambda.SdkClientException",
                          "Lambda.CodeArtifactUserPendingException",
                          "Lambda.EC2ThrottledException",
                          "Lambda.EC2UnexpectedException",
                          "Lambda.EFSMountConnectivityException",
                          "Lambda.EFSMountTimeoutException",
                          "Lambda.ENILimitReachedException",
                          "Lambda.ENINotReadyException",
                          "Lambda.ResourceConflictException",
                          "Lambda.ResourceNotReadyException",
                          "Lambda.SnapStartNotReadyException",
                          "Lambda.SubnetIPAddressLimitReachedException",
                        ]
                        IntervalSeconds = 2
                        MaxAttempts     = 12
                        MaxDelaySeconds = 20
                      },
                      {
                        ErrorEquals     = ["Lambda.TooManyRequestsException"]
                        IntervalSeconds = 1
                        MaxAttempts     = 24
                        MaxDelaySeconds = 120
                        JitterStrategy  = "FULL"
                      },
                      {
                        ErrorEquals     = ["States.TaskFailed"]
                        IntervalSeconds = 2
                        MaxAttempts     = 2
                        JitterStrategy  = "FULL"
                      },
                    ]
                    Output = {}
                    End    = true
                  }
                }
              }
              Output = {}
              End    = true
            }
          }
        }
        Output = {
          splits = "{% $states.input.splits %}"
        }
        Next = "Count record"
      }
      "Count record" = {
        Type     = "Task"
        Comment  = "Has the planner note that Count finished, if all of its splits did"
        Resource = "arn:${local.partition}:states:::lambda:invoke"
        Arguments = {
          FunctionName = aws_lambda_function.planner_c320d654.arn
          Payload = {
            execution = "{% ($e := $states.context.Execution; $e.Name & ($e.RedriveCount > 0 ? ($contains($e.Name, '@resume-') ? '.' : '@resume-0.') & $e.RedriveCount : '')) %}"
            layer     = "Count"
            record = {
              splits = "{% $states.input.splits %}"
            }
          }
        }
        Retry = [
          {
            ErrorEquals = [
              "Lambda.ClientExecutionTimeoutException",
              "Lambda.ServiceException",
              "Lambda.AWSLambdaException",
              "Lambda.SdkClientException",
              "Lambda.CodeArtifactUserPendingException",
              "Lambda.EC2ThrottledException",
              "Lambda.EC2UnexpectedException",
              "Lambda.EFSMountConnectivityException",
              "Lambda.EFSMountTimeoutException",
              "Lambda.ENILimitReachedException",
              "Lambda.ENINotReadyException",
              "Lambda.ResourceConflictException",
              "Lambda.ResourceNotReadyException",
              "Lambda.SnapStartNotReadyException",
              "Lambda.SubnetIPAddressLimitReachedException",
            ]
            IntervalSeconds = 2
            MaxAttempts     = 12
            MaxDelaySeconds = 20
          },
          {
            ErrorEquals     = ["Lambda.TooManyRequestsException"]
            IntervalSeconds = 1
            MaxAttempts     = 24
            MaxDelaySeconds = 120
            JitterStrategy  = "FULL"
          },
        ]
        Output = {}
        Next   = "Total"
      }
      Total = {
        Type     = "Task"
        Comment  = "One invocation of the function of Split, tried twice."
        Resource = "arn:${local.partition}:states:::lambda:invoke"
        Arguments = {
          FunctionName = aws_lambda_function.run_total.arn
          Payload = {
            execution = "{% ($e := $states.context.Execution; $e.Name & ($e.RedriveCount > 0 ? ($contains($e.Name, '@resume-') ? '.' : '@resume-0.') & $e.RedriveCount : '')) %}"
            layer     = "Total"
          }
        }
        Retry = [
          {
            ErrorEquals = [
              "Lambda.ClientExecutionTimeoutException",
              "Lambda.ServiceException",
              "Lambda.AWSLambdaException",
              "Lambda.SdkClientException",
              "Lambda.CodeArtifactUserPendingException",
              "Lambda.EC2ThrottledException",
              "Lambda.EC2UnexpectedException",
              "Lambda.EFSMountConnectivityException",
              "Lambda.EFSMountTimeoutException",
              "Lambda.ENILimitReachedException",
              "Lambda.ENINotReadyException",
              "Lambda.ResourceConflictException",
              "Lambda.ResourceNotReadyException",
              "Lambda.SnapStartNotReadyException",
              "Lambda.SubnetIPAddressLimitReachedException",
            ]
            IntervalSeconds = 2
            MaxAttempts     = 12
            MaxDelaySeconds = 20
          },
          {
            ErrorEquals     = ["Lambda.TooManyRequestsException"]
            IntervalSeconds = 1
            MaxAttempts     = 24
            MaxDelaySeconds = 120
            JitterStrategy  = "FULL"
          },
          {
            ErrorEquals     = ["States.TaskFailed"]
            IntervalSeconds = 1
            MaxAttempts     = 1
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
  }
}

resource "terraform_data" "layer" {
  for_each = local.layers

  input = each.value
}

resource "aws_cloudwatch_log_group" "state_machine" {
  name              = "/aws/vendedlogs/states/${var.name}"
  retention_in_days = var.log_retention_in_days
  kms_key_id        = var.kms_key_arn
  skip_destroy      = var.keep_logs
  tags              = var.tags
}

resource "aws_cloudwatch_log_group" "planner_c320d654" {
  name              = "/aws/lambda/${var.name}-planner_c320d654"
  retention_in_days = var.log_retention_in_days
  kms_key_id        = var.kms_key_arn
  skip_destroy      = var.keep_logs
  tags              = var.tags

  depends_on = [aws_cloudwatch_log_group.state_machine]
}

resource "aws_cloudwatch_log_group" "run_count" {
  name              = "/aws/lambda/${var.name}-run_count"
  retention_in_days = var.log_retention_in_days
  kms_key_id        = var.kms_key_arn
  skip_destroy      = var.keep_logs
  tags              = var.tags

  depends_on = [aws_cloudwatch_log_group.state_machine]
}

resource "aws_cloudwatch_log_group" "run_split" {
  name              = "/aws/lambda/${var.name}-run_split"
  retention_in_days = var.log_retention_in_days
  kms_key_id        = var.kms_key_arn
  skip_destroy      = var.keep_logs
  tags              = var.tags

  depends_on = [aws_cloudwatch_log_group.state_machine]
}

resource "aws_cloudwatch_log_group" "run_total" {
  name              = "/aws/lambda/${var.name}-run_total"
  retention_in_days = var.log_retention_in_days
  kms_key_id        = var.kms_key_arn
  skip_destroy      = var.keep_logs
  tags              = var.tags

  depends_on = [aws_cloudwatch_log_group.state_machine]
}

resource "aws_iam_role" "state_machine" {
  count = contains(keys(local.given_role_arns), "state_machine") ? 0 : 1

  name                 = "${local.role_prefix}-state-machine"
  description          = "Runs the flow Short"
  assume_role_policy   = jsonencode(local.trust.state_machine)
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  depends_on = [aws_cloudwatch_log_group.state_machine]
}

resource "aws_iam_role_policy" "state_machine" {
  count = contains(keys(local.given_role_arns), "state_machine") ? 0 : 1

  name   = "state-machine"
  role   = aws_iam_role.state_machine[0].id
  policy = local.policies.state_machine
}

resource "aws_iam_role" "planner" {
  count = contains(keys(local.given_role_arns), "planner") ? 0 : 1

  name                 = "${local.role_prefix}-planner"
  description          = "Plans the layers of the flow Short"
  assume_role_policy   = jsonencode(local.trust.planner)
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  depends_on = [aws_cloudwatch_log_group.state_machine]
}

resource "aws_iam_role_policy" "planner" {
  count = contains(keys(local.given_role_arns), "planner") ? 0 : 1

  name   = "planner"
  role   = aws_iam_role.planner[0].id
  policy = local.policies.planner
}

resource "aws_iam_role" "function" {
  count = contains(keys(local.given_role_arns), "function") ? 0 : 1

  name                 = "${local.role_prefix}-function"
  description          = "What the layers of the flow Short on AWS Lambda may do"
  assume_role_policy   = jsonencode(local.trust.function)
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  depends_on = [aws_cloudwatch_log_group.state_machine]
}

resource "aws_iam_role_policy" "function" {
  count = contains(keys(local.given_role_arns), "function") ? 0 : 1

  name   = "function"
  role   = aws_iam_role.function[0].id
  policy = local.policies.function
}

resource "aws_lambda_function" "planner_c320d654" {
  function_name = "${var.name}-planner_c320d654"
  description   = "Tells the state machine of the flow ${local.flow} how wide a layer fans out"
  role          = local.planner_role_arn
  package_type  = "Image"
  image_uri     = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/count:1"
  architectures = ["arm64"]
  memory_size   = 1024
  timeout       = 300
  kms_key_arn   = var.kms_key_arn
  tags          = var.tags

  image_config {
    entry_point = ["python", "-m", "awslambdaric"]
    command     = ["laminar_runtime.plan_layer.handler"]
  }

  environment {
    variables = {
      LAMINAR_COMMAND        = "python main.py"
      LAMINAR_DATASTORE_ROOT = var.datastore_root
      LAMINAR_FLOW_NAME      = local.flow
    }
  }

  tracing_config {
    mode = "Active"
  }

  depends_on = [aws_cloudwatch_log_group.planner_c320d654, aws_iam_role_policy.planner]
}

resource "aws_lambda_function" "run_count" {
  function_name = "${var.name}-run_count"
  description   = "Runs a layer of the flow ${local.flow}"
  role          = local.function_role_arn
  package_type  = "Image"
  image_uri     = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/count:1"
  architectures = ["arm64"]
  memory_size   = 512
  timeout       = 60
  kms_key_arn   = var.kms_key_arn
  tags          = var.tags

  image_config {
    entry_point = ["python", "-m", "awslambdaric"]
    command     = ["laminar_runtime.run_task.handler"]
  }

  ephemeral_storage {
    size = 2048
  }

  environment {
    variables = {
      LAMINAR_COMMAND        = "python main.py"
      LAMINAR_DATASTORE_ROOT = var.datastore_root
      LAMINAR_FLOW_NAME      = local.flow
    }
  }

  tracing_config {
    mode = "Active"
  }

  depends_on = [aws_cloudwatch_log_group.run_count, aws_iam_role_policy.function]
}

resource "aws_lambda_function" "run_split" {
  function_name = "${var.name}-run_split"
  description   = "Runs a layer of the flow ${local.flow}"
  role          = local.function_role_arn
  package_type  = "Image"
  image_uri     = var.image
  memory_size   = 1500
  timeout       = 900
  kms_key_arn   = var.kms_key_arn
  tags          = var.tags

  image_config {
    entry_point = ["python", "-m", "awslambdaric"]
    command     = ["laminar_runtime.run_task.handler"]
  }

  environment {
    variables = {
      LAMINAR_COMMAND        = "python main.py"
      LAMINAR_DATASTORE_ROOT = var.datastore_root
      LAMINAR_FLOW_NAME      = local.flow
    }
  }

  tracing_config {
    mode = "Active"
  }

  depends_on = [aws_cloudwatch_log_group.run_split, aws_iam_role_policy.function]
}

resource "aws_lambda_function" "run_total" {
  function_name = "${var.name}-run_total"
  description   = "Runs a layer of the flow ${local.flow}"
  role          = local.function_role_arn
  package_type  = "Image"
  image_uri     = var.image
  memory_size   = 1500
  timeout       = 900
  kms_key_arn   = var.kms_key_arn
  tags          = var.tags

  image_config {
    entry_point = ["python", "-m", "awslambdaric"]
    command     = ["laminar_runtime.run_task.handler"]
  }

  environment {
    variables = {
      LAMINAR_COMMAND        = "python main.py"
      LAMINAR_DATASTORE_ROOT = var.datastore_root
      LAMINAR_FLOW_NAME      = local.flow
    }
  }

  tracing_config {
    mode = "Active"
  }

  depends_on = [aws_cloudwatch_log_group.run_total, aws_iam_role_policy.function]
}

resource "aws_sfn_state_machine" "flow" {
  name       = var.name
  type       = "STANDARD"
  role_arn   = local.state_machine_role_arn
  definition = sensitive(jsonencode(local.definition))
  tags       = var.tags

  logging_configuration {
    level                  = "ERROR"
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.state_machine.arn}:*"
  }

  tracing_configuration {
    enabled = true
  }

  encryption_configuration {
    type                              = var.kms_key_arn == null ? "AWS_OWNED_KEY" : "CUSTOMER_MANAGED_KMS_KEY"
    kms_key_id                        = var.kms_key_arn
    kms_data_key_reuse_period_seconds = var.kms_key_arn == null ? null : 300
  }

  timeouts {
    create = "10m"
    update = "10m"
    delete = "60m"
  }

  depends_on = [aws_iam_role_policy.state_machine]
}

resource "aws_cloudwatch_metric_alarm" "failed" {
  alarm_name        = "${var.name}-failed"
  alarm_description = "An execution failed of the state machine ${var.name}"
  namespace         = "AWS/States"
  metric_name       = "ExecutionsFailed"
  dimensions = {
    StateMachineArn = aws_sfn_state_machine.flow.arn
  }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "timed_out" {
  alarm_name        = "${var.name}-timed-out"
  alarm_description = "An execution timed out of the state machine ${var.name}"
  namespace         = "AWS/States"
  metric_name       = "ExecutionsTimedOut"
  dimensions = {
    StateMachineArn = aws_sfn_state_machine.flow.arn
  }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "throttled" {
  alarm_name        = "${var.name}-throttled"
  alarm_description = "Step Functions throttled an execution of the state machine ${var.name}"
  namespace         = "AWS/States"
  metric_name       = "ExecutionThrottled"
  dimensions = {
    StateMachineArn = aws_sfn_state_machine.flow.arn
  }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  tags                = var.tags
}

resource "aws_ssm_parameter" "deployment" {
  name        = "/laminar/${var.name}"
  description = "Where applications find the flow ${local.flow}"
  type        = "String"
  value       = jsonencode({ state_machine_arn = aws_sfn_state_machine.flow.arn, datastore_root = trimsuffix(var.datastore_root, "/") })
  tags        = var.tags
}

output "state_machine_arn" {
  description = "The state machine."
  value       = aws_sfn_state_machine.flow.arn
}

output "deployment" {
  description = "The name by which applications find the flow: AWS.StepFunctions(deployment=...)."
  value       = var.name
}

output "function_role_arn" {
  description = "The role of the tasks on AWS Lambda: attach to it what the layers need besides the datastore."
  value       = local.function_role_arn
}

output "role_arns" {
  description = "The roles by their labels, those that are given and those that are made."
  value = {
    state_machine = local.state_machine_role_arn
    planner       = local.planner_role_arn
    function      = local.function_role_arn
  }
}

output "role_names" {
  description = "The names of the roles by their labels: what policies are attached to."
  value = {
    state_machine = regex("[^/]+$", local.state_machine_role_arn)
    planner       = regex("[^/]+$", local.planner_role_arn)
    function      = regex("[^/]+$", local.function_role_arn)
  }
}

output "policies" {
  description = "What each role may do: policies for those that are made elsewhere."
  value       = local.policies
}
