# What the module makes, for which variables. Nothing is made in AWS: the provider is a mock.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { region = "eu-west-1" }
  }
}

variables {
  name       = "Lab"
  vpc_id     = "vpc-0a1b2c3d"
  subnet_ids = ["subnet-1", "subnet-2"]
}

run "fargate_by_default" {
  assert {
    condition     = keys(output.flow_variables) == ["assign_public_ip", "datastore_root", "job_queue_arn", "tags"]
    error_message = "A flow must be told what is there, and nothing else."
  }

  assert {
    condition     = output.flow_variables.job_queue_arn == output.job_queue_arn && output.flow_variables.datastore_root == output.datastore_root
    error_message = "A flow must be told of the queue and the datastore."
  }

  assert {
    condition     = startswith(output.datastore_root, "s3://")
    error_message = "The datastore must be in Amazon S3."
  }

  assert {
    condition     = module.network.s3_endpoint_id == null && module.network.interface_endpoint_ids == {}
    error_message = "Endpoints are made only where they are asked for."
  }
}

run "everything" {
  variables {
    fargate_spot             = {}
    ec2                      = { instance_types = ["m5"] }
    ec2_spot                 = {}
    gpu                      = {}
    gpu_spot                 = { bid_percentage = 50 }
    bucket                   = "team-artifacts"
    assign_public_ip         = true
    kms_key_arn              = "arn:aws:kms:eu-west-1:111111111111:key/1"
    permissions_boundary_arn = "arn:aws:iam::111111111111:policy/boundary"
    tags                     = { team = "data" }
  }

  assert {
    condition = output.flow_variables == {
      job_queue_arn              = output.job_queue_arn
      fargate_spot_job_queue_arn = output.fargate_spot_job_queue_arn
      ec2_job_queue_arn          = output.ec2_job_queue_arn
      ec2_spot_job_queue_arn     = output.ec2_spot_job_queue_arn
      gpu_job_queue_arn          = output.gpu_job_queue_arn
      gpu_spot_job_queue_arn     = output.gpu_spot_job_queue_arn
      datastore_root             = output.datastore_root
      assign_public_ip           = true
      datastore_kms_key_arn      = var.kms_key_arn
      kms_key_arn                = var.kms_key_arn
      permissions_boundary_arn   = var.permissions_boundary_arn
      tags                       = tomap({ team = "data" })
    }
    error_message = "A flow must be told of everything, by the names of its variables."
  }

  assert {
    condition     = length(distinct(values(module.batch.job_queue_arns))) == 6
    error_message = "There must be six queues."
  }
}

run "images_have_a_place" {
  assert {
    condition     = output.repository_url == aws_ecr_repository.flows[0].repository_url && aws_ecr_repository.flows[0].name == "lab"
    error_message = "There must be a repository, of the platform's name."
  }

  assert {
    condition     = aws_ecr_repository.flows[0].image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.flows[0].image_scanning_configuration[0].scan_on_push && aws_ecr_repository.flows[0].encryption_configuration[0].encryption_type == "KMS"
    error_message = "Images must keep their tags, be scanned and encrypted."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.repository.statement[0].condition).values == tolist(["arn:aws:lambda:eu-west-1:111111111111:function:*"])
    error_message = "Only functions of this account may pull images."
  }
}

run "images_are_elsewhere" {
  command = plan

  variables {
    create_repository = false
  }

  assert {
    condition     = output.repository_url == null && length(aws_ecr_repository.flows) + length(aws_ecr_repository_policy.flows) + length(aws_ecr_lifecycle_policy.flows) == 0
    error_message = "No repository was asked for."
  }
}

run "private" {
  variables {
    ec2           = {}
    internet      = false
    vpc_endpoints = { route_table_ids = ["rtb-1"], services = ["secretsmanager"] }
  }

  assert {
    condition = keys(module.network.interface_endpoint_ids) == [
      "ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "logs", "secretsmanager",
    ]
    error_message = "There must be endpoints for tasks, for instances and for what was asked for."
  }

  assert {
    condition     = module.network.s3_endpoint_id != null
    error_message = "Amazon S3 must have an endpoint."
  }
}

run "private_without_instances" {
  variables {
    vpc_endpoints      = { route_table_ids = ["rtb-1"], subnet_ids = ["subnet-1"] }
    security_group_ids = { tasks_of_the_team = "sg-1" }
  }

  assert {
    condition     = keys(module.network.interface_endpoint_ids) == ["ecr.api", "ecr.dkr", "logs"]
    error_message = "There must be endpoints for tasks on Fargate."
  }

  assert {
    condition     = module.network.task_security_group_id == null
    error_message = "Tasks have a security group already."
  }
}

run "names_are_checked" {
  command = plan

  variables {
    name               = "my_lab"
    vpc_id             = "default"
    subnet_ids         = []
    security_group_ids = {}
  }

  expect_failures = [var.name, var.vpc_id, var.subnet_ids, var.security_group_ids]
}

run "a_way_out_is_checked" {
  command = plan

  variables {
    internet = false
  }

  expect_failures = [var.internet]
}

run "endpoints_are_checked" {
  command = plan

  variables {
    vpc_endpoints = { route_table_ids = [] }
  }

  expect_failures = [var.vpc_endpoints]
}
