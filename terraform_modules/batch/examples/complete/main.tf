# All kinds of capacity, in the default VPC.

locals {
  name = "laminar"
  tags = { team = "data" }
}

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

module "network" {
  source = "../../../network"

  name   = local.name
  vpc_id = data.aws_vpc.default.id
  tags   = local.tags
}

module "batch" {
  source = "../.."

  name               = local.name
  subnet_ids         = data.aws_subnets.default.ids
  security_group_ids = [module.network.task_security_group_id]

  fargate      = { max_vcpus = 64 }
  fargate_spot = { max_vcpus = 256 }
  ec2          = { instance_types = ["m5", "r5"], volume_size_gib = 200 }
  ec2_spot     = { bid_percentage = 60 }
  gpu          = { instance_types = ["g4dn.xlarge", "g4dn.2xlarge"] }
  gpu_spot     = {}

  # Instances can be looked into by AWS Systems Manager.
  instance_policy_arns = {
    session_manager = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
  }

  tags = local.tags
}

data "aws_partition" "current" {}
