# Private subnets without a NAT gateway: tasks reach Amazon S3, Amazon ECR and CloudWatch Logs, and nothing else.

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

data "aws_partition" "current" {}

module "network" {
  source = "../.."

  name                    = local.name
  vpc_id                  = data.aws_vpc.default.id
  task_egress_cidr_blocks = []

  s3_endpoint = {
    route_table_ids = [data.aws_vpc.default.main_route_table_id]
    bucket_arns     = ["arn:${data.aws_partition.current.partition}:s3:::team-artifacts"]
  }

  interface_endpoints = {
    subnet_ids = data.aws_subnets.default.ids
  }

  tags = local.tags
}
