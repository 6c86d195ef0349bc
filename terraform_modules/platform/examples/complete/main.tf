# Everything that flows need, in the default VPC: its subnets are public, so tasks get public IP addresses.

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

module "platform" {
  source = "../.."

  name             = "laminar"
  vpc_id           = data.aws_vpc.default.id
  subnet_ids       = data.aws_subnets.default.ids
  assign_public_ip = true

  # Traffic to AWS stays in the VPC.
  vpc_endpoints = {
    route_table_ids = [data.aws_vpc.default.main_route_table_id]
    services        = ["secretsmanager"]
  }

  fargate      = { max_vcpus = 64 }
  fargate_spot = {}
  ec2          = { instance_types = ["m5", "r5"] }
  gpu_spot     = { bid_percentage = 60 }

  cache_expiration_days = { Report = 90 }

  tags = { team = "data" }
}
