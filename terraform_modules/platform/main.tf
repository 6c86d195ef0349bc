locals {
  # Amazon ECS on EC2 instances talks to services of its own, besides what every task needs.
  with_instances = anytrue([for capacity in [var.ec2, var.ec2_spot, var.gpu, var.gpu_spot] : capacity != null])
  task_services  = ["ecr.api", "ecr.dkr", "logs"]
  ecs_services   = local.with_instances ? ["ecs", "ecs-agent", "ecs-telemetry"] : []

  # By the names of the variables of a compiled flow.
  flow_variables = {
    job_queue_arn              = module.batch.job_queue_arn
    fargate_spot_job_queue_arn = module.batch.fargate_spot_job_queue_arn
    ec2_job_queue_arn          = module.batch.ec2_job_queue_arn
    ec2_spot_job_queue_arn     = module.batch.ec2_spot_job_queue_arn
    gpu_job_queue_arn          = module.batch.gpu_job_queue_arn
    gpu_spot_job_queue_arn     = module.batch.gpu_spot_job_queue_arn
    datastore_root             = module.datastore.datastore_root
    assign_public_ip           = var.assign_public_ip
    datastore_kms_key_arn      = module.datastore.kms_key_arn
    kms_key_arn                = var.kms_key_arn
    permissions_boundary_arn   = var.permissions_boundary_arn
    tags                       = var.tags
  }
}

module "datastore" {
  source = "../datastore"

  bucket                = var.bucket
  bucket_prefix         = "${lower(var.name)}-"
  force_destroy         = var.force_destroy
  kms_key_arn           = var.kms_key_arn
  cache_expiration_days = var.cache_expiration_days
  lifecycle_rules       = var.lifecycle_rules
  access_log            = var.access_log
  tags                  = var.tags
}

module "network" {
  source = "../network"

  name                       = var.name
  vpc_id                     = var.vpc_id
  create_task_security_group = var.security_group_ids == null
  task_egress_cidr_blocks    = var.internet ? ["0.0.0.0/0"] : []
  client_security_group_ids  = coalesce(var.security_group_ids, {})

  s3_endpoint = var.vpc_endpoints == null ? null : {
    route_table_ids = var.vpc_endpoints.route_table_ids
  }

  interface_endpoints = var.vpc_endpoints == null ? null : {
    subnet_ids = coalesce(var.vpc_endpoints.subnet_ids, var.subnet_ids)
    services   = setunion(local.task_services, local.ecs_services, var.vpc_endpoints.services)
  }

  tags = var.tags
}

module "batch" {
  source = "../batch"

  name               = var.name
  subnet_ids         = var.subnet_ids
  security_group_ids = var.security_group_ids == null ? [module.network.task_security_group_id] : values(var.security_group_ids)

  fargate      = var.fargate
  fargate_spot = var.fargate_spot
  ec2          = var.ec2
  ec2_spot     = var.ec2_spot
  gpu          = var.gpu
  gpu_spot     = var.gpu_spot

  stuck_job_limits         = var.stuck_job_limits
  permissions_boundary_arn = var.permissions_boundary_arn
  tags                     = var.tags
}

# Where the images of flows are pushed to: AWS Lambda, which runs planners, takes images from Amazon ECR only.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_service_principal" "lambda" {
  service_name = "lambda"
}

resource "aws_ecr_repository" "flows" {
  count = var.create_repository ? 1 : 0

  name                 = lower(var.name)
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.force_destroy
  tags                 = var.tags

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.kms_key_arn
  }
}

data "aws_iam_policy_document" "repository" {
  statement {
    sid     = "PullImagesOfPlanners"
    actions = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

    principals {
      type        = "Service"
      identifiers = [data.aws_service_principal.lambda.name]
    }

    condition {
      test     = "StringLike"
      variable = "aws:SourceArn"
      values = [join(":", [
        "arn", data.aws_partition.current.partition, "lambda", data.aws_region.current.region,
        data.aws_caller_identity.current.account_id, "function", "*",
      ])]
    }
  }
}

resource "aws_ecr_repository_policy" "flows" {
  count = var.create_repository ? 1 : 0

  repository = aws_ecr_repository.flows[0].name
  policy     = data.aws_iam_policy_document.repository.json
}

# An image keeps its tag, so what has none was never finished or is a leftover.
resource "aws_ecr_lifecycle_policy" "flows" {
  count = var.create_repository ? 1 : 0

  repository = aws_ecr_repository.flows[0].name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Images without a tag"
      action       = { type = "expire" }
      selection = {
        tagStatus   = "untagged"
        countType   = "sinceImagePushed"
        countUnit   = "days"
        countNumber = 14
      }
    }]
  })
}
