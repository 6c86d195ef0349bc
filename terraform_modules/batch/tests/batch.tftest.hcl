# What the module makes, for which variables. Nothing is made in AWS: the provider is a mock.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws-cn" }
  }

  mock_data "aws_region" {
    defaults = { region = "cn-north-1" }
  }

  mock_data "aws_service_principal" {
    defaults = { name = "ec2.amazonaws.com.cn" }
  }

  mock_resource "aws_launch_template" {
    defaults = { latest_version = 7 }
  }
}

variables {
  name               = "lab"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
}

run "fargate_alone_by_default" {
  assert {
    condition     = alltrue([for queue in aws_batch_job_queue.this : queue.timeouts.delete == "30m"])
    error_message = "Queues must have the time to end their jobs."
  }

  assert {
    condition     = keys(aws_batch_job_queue.this) == ["fargate"]
    error_message = "There must be one queue, of Fargate."
  }

  assert {
    condition     = length(aws_iam_role.instance) + length(aws_iam_instance_profile.instance) + length(aws_launch_template.instance) == 0
    error_message = "Fargate needs nothing of EC2."
  }

  assert {
    condition     = aws_batch_compute_environment.fargate["fargate"].compute_resources[0].type == "FARGATE"
    error_message = "The environment must be of Fargate."
  }

  assert {
    condition     = aws_batch_compute_environment.fargate["fargate"].compute_resources[0].max_vcpus == 256
    error_message = "What is left out must have its default."
  }

  assert {
    condition     = output.job_queue_arn == aws_batch_job_queue.this["fargate"].arn
    error_message = "A flow's job_queue_arn is the queue of Fargate."
  }

  assert {
    condition = alltrue([
      for arn in [
        output.fargate_spot_job_queue_arn,
        output.ec2_job_queue_arn,
        output.ec2_spot_job_queue_arn,
        output.gpu_job_queue_arn,
        output.gpu_spot_job_queue_arn,
        output.instance_role_arn,
      ] : arn == null
    ])
    error_message = "What was not asked for must be null."
  }
}

run "every_kind" {
  variables {
    fargate_spot = { max_vcpus = 32 }
    ec2          = { instance_types = ["m5"], volume_size_gib = 300 }
    ec2_spot     = { bid_percentage = 60 }
    gpu          = { min_vcpus = 4, max_vcpus = 8 }
    gpu_spot     = {}
    tags         = { team = "data" }
  }

  assert {
    condition     = keys(output.job_queue_arns) == ["ec2", "ec2_spot", "fargate", "fargate_spot", "gpu", "gpu_spot"]
    error_message = "There must be a queue for each kind."
  }

  assert {
    condition = [
      output.job_queue_arn,
      output.fargate_spot_job_queue_arn,
      output.ec2_job_queue_arn,
      output.ec2_spot_job_queue_arn,
      output.gpu_job_queue_arn,
      output.gpu_spot_job_queue_arn,
    ] == [for kind in ["fargate", "fargate_spot", "ec2", "ec2_spot", "gpu", "gpu_spot"] : output.job_queue_arns[kind]]
    error_message = "Each output must be the queue that it says."
  }

  assert {
    condition = alltrue([
      for kind, queue in aws_batch_job_queue.this :
      queue.compute_environment_order[0].compute_environment == output.compute_environment_arns[kind]
    ])
    error_message = "Each queue must lead to the environment of its kind."
  }

  assert {
    condition = {
      for kind, environment in merge(aws_batch_compute_environment.fargate, aws_batch_compute_environment.ec2) :
      kind => environment.compute_resources[0].type
      } == {
      fargate      = "FARGATE"
      fargate_spot = "FARGATE_SPOT"
      ec2          = "EC2"
      ec2_spot     = "SPOT"
      gpu          = "EC2"
      gpu_spot     = "SPOT"
    }
    error_message = "Each environment must be of its type."
  }

  assert {
    condition = alltrue([
      for kind, environment in merge(aws_batch_compute_environment.fargate, aws_batch_compute_environment.ec2) :
      environment.name_prefix == "lab-${replace(kind, "_", "-")}-"
    ])
    error_message = "Environments must have the beginning of a name only: they are replaced by new ones."
  }

  assert {
    condition = {
      for kind, environment in aws_batch_compute_environment.ec2 :
      kind => environment.compute_resources[0].allocation_strategy
      } == {
      ec2      = "BEST_FIT_PROGRESSIVE"
      ec2_spot = "SPOT_PRICE_CAPACITY_OPTIMIZED"
      gpu      = "BEST_FIT_PROGRESSIVE"
      gpu_spot = "SPOT_PRICE_CAPACITY_OPTIMIZED"
    }
    error_message = "The strategies must be those of the type."
  }

  assert {
    condition = {
      for kind, environment in aws_batch_compute_environment.ec2 :
      kind => environment.compute_resources[0].ec2_configuration[0].image_type
      } == {
      ec2      = "ECS_AL2023"
      ec2_spot = "ECS_AL2023"
      gpu      = "ECS_AL2023_NVIDIA"
      gpu_spot = "ECS_AL2023_NVIDIA"
    }
    error_message = "Instances with GPUs must have their drivers."
  }

  assert {
    condition     = aws_batch_compute_environment.ec2["ec2_spot"].compute_resources[0].bid_percentage == 60
    error_message = "The bid must be what was asked for."
  }

  assert {
    condition     = aws_batch_compute_environment.ec2["gpu"].compute_resources[0].min_vcpus == 4 && aws_batch_compute_environment.ec2["gpu"].compute_resources[0].max_vcpus == 8
    error_message = "The vCPUs must be what was asked for."
  }

  assert {
    condition = alltrue([
      for kind, environment in aws_batch_compute_environment.ec2 :
      environment.compute_resources[0].launch_template[0].version == "7" && environment.compute_resources[0].launch_template[0].launch_template_id == aws_launch_template.instance[kind].id
    ])
    error_message = "Environments must use the template's version by its number."
  }

  assert {
    condition = alltrue([
      for environment in merge(aws_batch_compute_environment.fargate, aws_batch_compute_environment.ec2) :
      environment.tags == tomap({ team = "data" })
    ])
    error_message = "Environments must be tagged."
  }
}

run "instances_are_hardened" {
  variables {
    ec2                = { volume_size_gib = 300 }
    gpu_spot           = {}
    volume_kms_key_arn = "arn:aws-cn:kms:cn-north-1:111111111111:key/1"
    tags               = { team = "data" }
  }

  assert {
    condition = alltrue([
      for template in aws_launch_template.instance :
      template.metadata_options[0].http_tokens == "required" && template.metadata_options[0].http_put_response_hop_limit == 1
    ])
    error_message = "Instances must ask for tokens of the metadata service, and containers must not get there by a hop."
  }

  assert {
    condition = alltrue([
      for template in aws_launch_template.instance :
      template.block_device_mappings[0].ebs[0].encrypted == "true" && template.block_device_mappings[0].ebs[0].kms_key_id == var.volume_kms_key_arn
    ])
    error_message = "Volumes must be encrypted, with the given key."
  }

  assert {
    condition     = aws_launch_template.instance["ec2"].block_device_mappings[0].ebs[0].volume_size == 300
    error_message = "Volumes must be of the size that was asked for."
  }

  assert {
    condition = alltrue([
      for specification in aws_launch_template.instance["ec2"].tag_specifications :
      specification.tags == tomap({ Name = "lab-ec2", team = "data" })
    ])
    error_message = "Instances and volumes must be tagged."
  }
}

run "instances_may_do_little" {
  variables {
    ec2                      = {}
    repository_arns          = ["arn:aws-cn:ecr:cn-north-1:111111111111:repository/flows"]
    log_groups               = ["/aws/batch/job"]
    instance_policy_arns     = { sessions = "arn:aws-cn:iam::aws:policy/AmazonSSMManagedInstanceCore" }
    permissions_boundary_arn = "arn:aws-cn:iam::111111111111:policy/boundary"
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.instance.statement : statement.sid => statement.resources
      } == {
      JoinClusters      = toset(["arn:aws-cn:ecs:cn-north-1:111111111111:cluster/AWSBatch-lab-*"])
      TakeTasks         = toset(["arn:aws-cn:ecs:cn-north-1:111111111111:container-instance/AWSBatch-lab-*"])
      TagOnRegistration = toset(["arn:aws-cn:ecs:cn-north-1:111111111111:container-instance/AWSBatch-lab-*"])
      PullImages        = toset(["arn:aws-cn:ecr:cn-north-1:111111111111:repository/flows"])
      WriteLogs         = toset(["arn:aws-cn:logs:cn-north-1:111111111111:log-group:/aws/batch/job:log-stream:*"])
      FindAmazonEcs     = toset(["*"])
      LogInToRegistries = toset(["*"])
    }
    error_message = "Statements must be about these resources only."
  }

  assert {
    condition = flatten([
      for statement in data.aws_iam_policy_document.instance.statement : tolist(statement.actions)
      if contains(statement.resources, "*")
    ]) == ["ecs:DiscoverPollEndpoint", "ecr:GetAuthorizationToken"]
    error_message = "Only what knows no resources may be allowed on all."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.instance_trust.statement[0].principals).identifiers == toset(["ec2.amazonaws.com.cn"])
    error_message = "The role must be of the partition's EC2."
  }

  assert {
    condition     = aws_iam_role.instance[0].permissions_boundary == var.permissions_boundary_arn
    error_message = "The role must be bounded."
  }

  assert {
    condition     = aws_iam_role_policy_attachment.instance["sessions"].policy_arn == var.instance_policy_arns["sessions"]
    error_message = "Further policies must be attached."
  }
}

run "stuck_jobs_are_cancelled" {
  variables {
    fargate_spot = {}
  }

  assert {
    condition = alltrue([
      for queue in aws_batch_job_queue.this : {
        for limit in queue.job_state_time_limit_action : limit.reason => "${limit.action} ${limit.state} ${limit.max_time_seconds}"
        } == {
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"           = "CANCEL RUNNABLE 86400"
        "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE" = "CANCEL RUNNABLE 600"
        "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"         = "CANCEL RUNNABLE 600"
      }
    ])
    error_message = "Each queue must cancel jobs that cannot start."
  }
}

run "stuck_jobs_may_wait" {
  command = plan

  variables {
    stuck_job_limits = {}
  }

  assert {
    condition     = length(aws_batch_job_queue.this["fargate"].job_state_time_limit_action) == 0
    error_message = "Without limits jobs must wait."
  }
}

run "nothing_at_all" {
  command = plan

  variables {
    fargate = null
  }

  assert {
    condition     = length(aws_batch_job_queue.this) == 0 && output.job_queue_arn == null
    error_message = "Without capacity there is no queue."
  }
}

run "name_is_checked" {
  command = plan

  variables {
    name = "under_scores-and-much-too-long-a-name"
  }

  expect_failures = [var.name]
}

run "places_are_checked" {
  command = plan

  variables {
    subnet_ids         = []
    security_group_ids = []
  }

  expect_failures = [var.subnet_ids, var.security_group_ids]
}

run "capacities_are_checked" {
  command = plan

  variables {
    fargate      = { max_vcpus = 0 }
    fargate_spot = { max_vcpus = 1.5 }
    ec2          = { min_vcpus = 8, max_vcpus = 4 }
    ec2_spot     = { bid_percentage = 101 }
    gpu          = { instance_types = [] }
    gpu_spot     = { volume_size_gib = 8 }
  }

  expect_failures = [var.fargate, var.fargate_spot, var.ec2, var.ec2_spot, var.gpu, var.gpu_spot]
}

run "reasons_are_checked" {
  command = plan

  variables {
    stuck_job_limits = { "BAD:LUCK" = 600 }
  }

  expect_failures = [var.stuck_job_limits]
}

run "limits_are_checked" {
  command = plan

  variables {
    stuck_job_limits       = { "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT" = 60 }
    update_timeout_minutes = 0
    volume_kms_key_arn     = "alias/key"
    repository_arns        = []
    log_groups             = []
  }

  expect_failures = [
    var.stuck_job_limits,
    var.update_timeout_minutes,
    var.volume_kms_key_arn,
    var.repository_arns,
    var.log_groups,
  ]
}

run "arns_are_checked" {
  command = plan

  variables {
    repository_arns          = ["flows"]
    instance_policy_arns     = { sessions = "AmazonSSMManagedInstanceCore" }
    permissions_boundary_arn = "boundary"
  }

  expect_failures = [var.repository_arns, var.instance_policy_arns, var.permissions_boundary_arn]
}

run "caches_are_filled" {
  variables {
    ec2                   = {}
    cache_repository_arns = ["arn:aws-cn:ecr:cn-north-1:111111111111:repository/docker-hub/*"]
  }

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.instance.statement : tolist(statement.actions)
      if statement.sid == "FillCaches" && statement.resources == toset(var.cache_repository_arns)
    ] == [tolist(["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"])]
    error_message = "Instances must be allowed to have caches import images, and to make their repositories."
  }
}

run "caches_are_checked" {
  command = plan

  variables {
    cache_repository_arns = ["arn:aws-cn:ecr:cn-north-1:111111111111:repository/*"]
  }

  expect_failures = [var.cache_repository_arns]
}
