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
}

variables {
  name   = "lab"
  vpc_id = "vpc-0a1b2c3d"
}

run "tasks_reach_https_by_default" {
  assert {
    condition = {
      for block, rule in aws_vpc_security_group_egress_rule.tasks_to_addresses :
      block => "${rule.ip_protocol} ${rule.from_port}-${rule.to_port}"
    } == { "0.0.0.0/0" = "tcp 443-443" }
    error_message = "Tasks must reach any address, by HTTPS only."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.endpoints) == 0
    error_message = "Nothing may reach tasks."
  }

  assert {
    condition     = length(aws_vpc_endpoint.s3) + length(aws_vpc_endpoint.interface) + length(aws_security_group.endpoints) == 0
    error_message = "Endpoints are made only where they are asked for."
  }

  assert {
    condition     = output.task_security_group_id == aws_security_group.tasks[0].id && output.endpoint_security_group_id == null && output.s3_endpoint_id == null
    error_message = "The outputs must be what was made."
  }
}

run "endpoints_alone" {
  variables {
    task_egress_cidr_blocks = []
    s3_endpoint             = { route_table_ids = ["rtb-1"] }
    interface_endpoints     = { subnet_ids = ["subnet-1", "subnet-2"] }
    tags                    = { team = "data" }
  }

  assert {
    condition     = keys(aws_vpc_endpoint.interface) == ["ecr.api", "ecr.dkr", "logs"]
    error_message = "There must be endpoints for what tasks on Fargate need."
  }

  assert {
    condition = alltrue([
      for endpoint in aws_vpc_endpoint.interface :
      endpoint.vpc_endpoint_type == "Interface" && endpoint.private_dns_enabled && endpoint.subnet_ids == toset(["subnet-1", "subnet-2"]) && endpoint.security_group_ids == toset([aws_security_group.endpoints[0].id])
    ])
    error_message = "Endpoints must have private names, and be in the subnets."
  }

  assert {
    condition     = aws_vpc_endpoint.s3[0].vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3[0].route_table_ids == toset(["rtb-1"])
    error_message = "Amazon S3 must be reached by the route tables."
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.tasks_to_addresses) == 0
    error_message = "Tasks must not reach other addresses."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.tasks_to_endpoints[0].referenced_security_group_id == aws_security_group.endpoints[0].id
    error_message = "Tasks must reach the endpoints."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.tasks_to_s3[0].prefix_list_id == aws_vpc_endpoint.s3[0].prefix_list_id
    error_message = "Tasks must reach Amazon S3."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints["tasks"].referenced_security_group_id == aws_security_group.tasks[0].id
    error_message = "The endpoints must let tasks in."
  }

  assert {
    condition     = aws_vpc_endpoint.s3[0].tags == tomap({ Name = "lab-s3", team = "data" })
    error_message = "Endpoints must be tagged."
  }
}

run "some_buckets_only" {
  variables {
    s3_endpoint = { route_table_ids = ["rtb-1"], bucket_arns = ["arn:aws-cn:s3:::a"] }
  }

  assert {
    condition     = data.aws_iam_policy_document.s3[0].statement[0].resources == toset(["arn:aws-cn:s3:::a", "arn:aws-cn:s3:::a/*"])
    error_message = "The bucket must be reached, and what is in it."
  }

  assert {
    condition     = data.aws_iam_policy_document.s3[0].statement[0].condition == toset([{ test = "StringEquals", variable = "aws:PrincipalAccount", values = tolist(["111111111111"]) }])
    error_message = "The bucket must be reached by this account only."
  }

  assert {
    condition     = data.aws_iam_policy_document.s3[0].statement[1].resources == toset(["arn:aws-cn:s3:::prod-cn-north-1-starport-layer-bucket/*"])
    error_message = "The layers of images must be reached."
  }

  assert {
    condition     = aws_vpc_endpoint.s3[0].policy == "{}"
    error_message = "The endpoint must have the policy."
  }
}

run "others_tasks" {
  variables {
    create_task_security_group = false
    interface_endpoints        = { subnet_ids = ["subnet-1"], services = ["logs", "batch"] }
    client_security_group_ids  = { others = "sg-2" }
  }

  assert {
    condition     = output.task_security_group_id == null && length(aws_vpc_security_group_egress_rule.tasks_to_addresses) + length(aws_vpc_security_group_egress_rule.tasks_to_endpoints) == 0
    error_message = "No security group of tasks was asked for."
  }

  assert {
    condition     = { for name, rule in aws_vpc_security_group_ingress_rule.endpoints : name => rule.referenced_security_group_id } == { others = "sg-2" }
    error_message = "The endpoints must let the given groups in."
  }

  assert {
    condition     = keys(output.interface_endpoint_ids) == ["batch", "logs"]
    error_message = "There must be endpoints for the given services."
  }
}

run "names_are_checked" {
  command = plan

  variables {
    name   = "lab-"
    vpc_id = "default"
  }

  expect_failures = [var.name, var.vpc_id]
}

run "addresses_are_checked" {
  command = plan

  variables {
    task_egress_cidr_blocks   = ["10.0.0.0"]
    client_security_group_ids = { tasks = "sg-2" }
  }

  expect_failures = [var.task_egress_cidr_blocks, var.client_security_group_ids]
}

run "endpoints_are_checked" {
  command = plan

  variables {
    s3_endpoint         = { route_table_ids = [] }
    interface_endpoints = { subnet_ids = [], services = ["logs"] }
  }

  expect_failures = [var.s3_endpoint, var.interface_endpoints]
}

run "services_are_checked" {
  command = plan

  variables {
    s3_endpoint         = { route_table_ids = ["rtb-1"], bucket_arns = [] }
    interface_endpoints = { subnet_ids = ["subnet-1"], services = ["Amazon ECR"] }
  }

  expect_failures = [var.s3_endpoint, var.interface_endpoints]
}
