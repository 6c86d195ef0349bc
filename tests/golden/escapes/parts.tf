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
          "awslogs-group"         = aws_cloudwatch_log_group.tasks.name
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
    fargate_58d8b94e = {
      command = ["echo", "$${HOME}", "%%{x}", "$$${y}", "{% 1 %}", "it's", "100%", "$"]
      environment = [
        { name = "LAMINAR_DATASTORE_ROOT", value = var.datastore_root },
        { name = "LAMINAR_FLOW_NAME", value = local.flow },
      ]
      executionRoleArn = local.execution_role_arn
      fargatePlatformConfiguration = {
        platformVersion = "LATEST"
      }
      image      = "x/$${y}:%%{z}"
      jobRoleArn = local.task_role_arn
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          "awslogs-group"         = aws_cloudwatch_log_group.tasks.name
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
    fargate_82519aaa = {
      command = [
        "sh",
        "-c",
        "cd \"$0\" && exec \"$@\"",
        "/tmp/$${z} %",
        "{% $states.input %}",
        "ünïcode",
        "$$",
      ]
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
          "awslogs-group"         = aws_cloudwatch_log_group.tasks.name
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

  layers = {
    Money = {
      runs_on = "AWS Batch, FARGATE"
      cpu     = 1
      memory  = 2048
      comment = "{% $states.input %}"
      image   = "x/$${y}:%%{z}"
      command = "echo '$${HOME}' '%%{x}' '$$${y}' '{% 1 %}' 'it'\"'\"'s' 100% '$'"
    }
    Brace = {
      runs_on = "AWS Batch, FARGATE"
      cpu     = 1
      memory  = 2048
      comment = "Ends in a dollar $"
      after   = "Money"
      foreach = "Money.item[0]"
      command = "'{% $states.input %}' 'ünïcode' '$$'"
      workdir = "/tmp/$${z} %"
    }
    Percent = {
      runs_on = "AWS Batch, FARGATE"
      cpu     = 1
      memory  = 2048
      comment = "$${\"nested\"} $$${escaped} %%%{twice} ${"$$"}$${thrice} %"
      after   = "Brace"
    }
  }

  definition = {
    Comment       = "Costs $${var.name} and %%{ if true }, \"quoted\" \\ and 100 % - naïve 日本語 😀 $$"
    QueryLanguage = "JSONata"
    StartAt       = "Parameters"
    States = {
      Parameters = {
        Type     = "Task"
        Comment  = "Keeps the input, from which tasks take the parameters of the flow"
        Resource = "arn:${local.partition}:states:::aws-sdk:s3:putObject"
        Arguments = {
          Bucket = local.datastore_bucket
          Key    = "{% '${local.datastore_prefix}Escapes/.cache/' & $substringBefore($states.context.Execution.Name, '@resume-') & '/.input.json' %}"
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
          tags = "{% $merge([$states.context.Execution.Input.tags, {'laminar:flow': 'Escapes', 'laminar:execution': $replace($substringBefore($states.context.Execution.Name, '@resume-'), /[^A-Za-z0-9 _.:\\/=+@-]/, '-')}]) %}"
        }
        Output = {}
        Next   = "Money"
      }
      Money = {
        Type     = "Task"
        Comment  = "{% $states.input %}"
        Resource = "arn:${local.partition}:states:::batch:submitJob.sync"
        Arguments = {
          JobName       = "Escapes-Money"
          JobQueue      = var.job_queue_arn
          JobDefinition = aws_batch_job_definition.fargate_58d8b94e.arn
          Tags          = "{% $merge([$tags, {'laminar:layer': 'Money'}]) %}"
          ContainerOverrides = {
            Environment = [
              { Name = "LAMINAR_LAYER_NAME", Value = "Money" },
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
        Next   = "Brace plan"
      }
      "Brace plan" = {
        Type     = "Task"
        Comment  = "Asks the planner into how many splits Brace fans out"
        Resource = "arn:${local.partition}:states:::lambda:invoke"
        Arguments = {
          FunctionName = aws_lambda_function.planner_82519aaa.arn
          Payload = {
            execution = "{% ($e := $states.context.Execution; $e.Name & ($e.RedriveCount > 0 ? ($contains($e.Name, '@resume-') ? '.' : '@resume-0.') & $e.RedriveCount : '')) %}"
            layer     = "Brace"
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
        Next   = "Brace splits"
      }
      "Brace splits" = {
        Type    = "Map"
        Comment = "Runs the splits of Brace, those that are one array job together"
        Items   = "{% $states.input.groups %}"
        ItemProcessor = {
          StartAt = "Brace"
          States = {
            Brace = {
              Type     = "Task"
              Comment  = "Ends in a dollar $"
              Resource = "arn:${local.partition}:states:::batch:submitJob.sync"
              Arguments = {
                JobName       = "Escapes-Brace"
                JobQueue      = var.job_queue_arn
                JobDefinition = aws_batch_job_definition.fargate_82519aaa.arn
                Tags          = "{% $merge([$tags, {'laminar:layer': 'Brace'}]) %}"
                ContainerOverrides = {
                  Environment = [
                    { Name = "LAMINAR_LAYER_NAME", Value = "Brace" },
                    {
                      Name  = "LAMINAR_EXECUTION_ID"
                      Value = "{% ($e := $states.context.Execution; $e.Name & ($e.RedriveCount > 0 ? ($contains($e.Name, '@resume-') ? '.' : '@resume-0.') & $e.RedriveCount : '')) %}"
                    },
                    { Name = "LAMINAR_LAYER_INDEXES", Value = "{% $states.input.indexes %}" },
                    { Name = "LAMINAR_LAYER_SPLITS", Value = "{% $string($states.input.splits) %}" },
                  ]
                }
                ArrayProperties = "{% $states.input.size > 1 ? {'Size': $states.input.size} : {} %}"
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
        Output = {
          splits = "{% $states.input.splits %}"
        }
        Next = "Brace record"
      }
      "Brace record" = {
        Type     = "Task"
        Comment  = "Has the planner note that Brace finished, if all of its splits did"
        Resource = "arn:${local.partition}:states:::lambda:invoke"
        Arguments = {
          FunctionName = aws_lambda_function.planner_82519aaa.arn
          Payload = {
            execution = "{% ($e := $states.context.Execution; $e.Name & ($e.RedriveCount > 0 ? ($contains($e.Name, '@resume-') ? '.' : '@resume-0.') & $e.RedriveCount : '')) %}"
            layer     = "Brace"
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
        Next   = "Percent"
      }
      Percent = {
        Type     = "Task"
        Comment  = "$${\"nested\"} $$${escaped} %%%{twice} ${"$$"}$${thrice} %"
        Resource = "arn:${local.partition}:states:::batch:submitJob.sync"
        Arguments = {
          JobName       = "Escapes-Percent"
          JobQueue      = var.job_queue_arn
          JobDefinition = aws_batch_job_definition.fargate.arn
          Tags          = "{% $merge([$tags, {'laminar:layer': 'Percent'}]) %}"
          ContainerOverrides = {
            Environment = [
              { Name = "LAMINAR_LAYER_NAME", Value = "Percent" },
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

  definition = sensitive(jsonencode(local.definition))

  flow                   = "Escapes"
