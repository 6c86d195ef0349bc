locals {
  fargate = {
    for kind, capacity in { fargate = var.fargate, fargate_spot = var.fargate_spot } : kind => capacity
    if capacity != null
  }

  ec2 = {
    for kind, capacity in { ec2 = var.ec2, ec2_spot = var.ec2_spot, gpu = var.gpu, gpu_spot = var.gpu_spot } :
    kind => capacity
    if capacity != null
  }

  # AWS Batch's names: FARGATE and EC2 cost the full price, FARGATE_SPOT and SPOT can be reclaimed.
  ec2_types = { ec2 = "EC2", ec2_spot = "SPOT", gpu = "EC2", gpu_spot = "SPOT" }

  # With another strategy AWS Batch would not update an environment in place, and Spot would need a role of its own.
  ec2_strategies = { EC2 = "BEST_FIT_PROGRESSIVE", SPOT = "SPOT_PRICE_CAPACITY_OPTIMIZED" }

  compute_environments = merge(aws_batch_compute_environment.fargate, aws_batch_compute_environment.ec2)
}

resource "aws_batch_compute_environment" "fargate" {
  for_each = local.fargate

  name_prefix = "${var.name}-${replace(each.key, "_", "-")}-"
  type        = "MANAGED"
  tags        = var.tags

  compute_resources {
    type               = upper(each.key)
    max_vcpus          = each.value.max_vcpus
    subnets            = var.subnet_ids
    security_group_ids = var.security_group_ids
  }

  # A queue must have moved to the new environment before the old one can be deleted.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_batch_compute_environment" "ec2" {
  for_each = local.ec2

  name_prefix = "${var.name}-${replace(each.key, "_", "-")}-"
  type        = "MANAGED"
  tags        = var.tags

  compute_resources {
    type                = local.ec2_types[each.key]
    allocation_strategy = local.ec2_strategies[local.ec2_types[each.key]]
    bid_percentage      = try(each.value.bid_percentage, null)
    min_vcpus           = each.value.min_vcpus
    max_vcpus           = each.value.max_vcpus
    instance_type       = each.value.instance_types
    instance_role       = aws_iam_instance_profile.instance[0].arn
    subnets             = var.subnet_ids
    security_group_ids  = var.security_group_ids

    ec2_configuration {
      image_type        = each.value.image_type
      image_id_override = each.value.image_id
    }

    # A version by its number: a changed template is a changed environment.
    launch_template {
      launch_template_id = aws_launch_template.instance[each.key].id
      version            = aws_launch_template.instance[each.key].latest_version
    }
  }

  # Instances that are replaced may end what they run.
  update_policy {
    job_execution_timeout_minutes = var.update_timeout_minutes
    terminate_jobs_on_update      = false
  }

  lifecycle {
    create_before_destroy = true
  }

  # Instances cannot join, nor leave, without it.
  depends_on = [aws_iam_role_policy.instance, aws_iam_role_policy_attachment.instance]
}

resource "aws_batch_job_queue" "this" {
  for_each = local.compute_environments

  name     = "${var.name}-${replace(each.key, "_", "-")}"
  state    = "ENABLED"
  priority = 1
  tags     = var.tags

  compute_environment_order {
    order               = 1
    compute_environment = each.value.arn
  }

  dynamic "job_state_time_limit_action" {
    for_each = var.stuck_job_limits

    content {
      action           = "CANCEL"
      state            = "RUNNABLE"
      reason           = job_state_time_limit_action.key
      max_time_seconds = job_state_time_limit_action.value
    }
  }

  # A queue is there until AWS Batch has ended its jobs.
  timeouts {
    delete = "30m"
  }
}

resource "aws_launch_template" "instance" {
  for_each = local.ec2

  name_prefix            = "${var.name}-${replace(each.key, "_", "-")}-"
  description            = "Instances of the ${replace(each.key, "_", " ")} capacity of ${var.name}"
  update_default_version = true
  tags                   = var.tags

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  # Where images are unpacked: the root volume of the images that Amazon ECS is optimised for.
  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = each.value.volume_size_gib
      encrypted             = true
      kms_key_id            = var.volume_kms_key_arn
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume"])

    content {
      resource_type = tag_specifications.key
      tags          = merge(var.tags, { Name = "${var.name}-${replace(each.key, "_", "-")}" })
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}
