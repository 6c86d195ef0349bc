# A service that the region does not have fails the plan.
data "aws_vpc_endpoint_service" "s3" {
  count = var.s3_endpoint == null ? 0 : 1

  service      = "s3"
  service_type = "Gateway"
}

data "aws_vpc_endpoint_service" "interface" {
  for_each = local.services

  service      = each.key
  service_type = "Interface"
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  services = var.interface_endpoints == null ? toset([]) : var.interface_endpoints.services

  # Who may use the interface endpoints, by a name.
  clients = merge(
    var.client_security_group_ids,
    var.create_task_security_group ? { tasks = aws_security_group.tasks[0].id } : {},
  )

  # Amazon ECR keeps the layers of images in a bucket of its own.
  layers_bucket_arn = "arn:${data.aws_partition.current.partition}:s3:::prod-${data.aws_region.current.region}-starport-layer-bucket"
}

# What tasks may reach.

resource "aws_security_group" "tasks" {
  count = var.create_task_security_group ? 1 : 0

  name_prefix = "${var.name}-tasks-"
  description = "Tasks of ${var.name}: HTTPS out, nothing in"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-tasks" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_egress_rule" "tasks_to_addresses" {
  for_each = var.create_task_security_group ? var.task_egress_cidr_blocks : []

  security_group_id = aws_security_group.tasks[0].id
  description       = "HTTPS to ${each.key}"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = each.key
  tags              = var.tags
}

resource "aws_vpc_security_group_egress_rule" "tasks_to_endpoints" {
  count = var.create_task_security_group && var.interface_endpoints != null ? 1 : 0

  security_group_id            = aws_security_group.tasks[0].id
  description                  = "HTTPS to the VPC endpoints"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.endpoints[0].id
  tags                         = var.tags
}

resource "aws_vpc_security_group_egress_rule" "tasks_to_s3" {
  count = var.create_task_security_group && var.s3_endpoint != null ? 1 : 0

  security_group_id = aws_security_group.tasks[0].id
  description       = "HTTPS to Amazon S3"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = aws_vpc_endpoint.s3[0].prefix_list_id
  tags              = var.tags
}

# Amazon S3, by the route tables: artifacts, and the layers of images. It costs nothing.

data "aws_iam_policy_document" "s3" {
  count = try(var.s3_endpoint.bucket_arns, null) == null ? 0 : 1

  statement {
    sid       = "Artifacts"
    actions   = ["s3:*"]
    resources = concat(var.s3_endpoint.bucket_arns, [for bucket in var.s3_endpoint.bucket_arns : "${bucket}/*"])

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }

  # Layers are read in the name of Amazon ECR.
  statement {
    sid       = "Images"
    actions   = ["s3:GetObject"]
    resources = ["${local.layers_bucket_arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

resource "aws_vpc_endpoint" "s3" {
  count = var.s3_endpoint == null ? 0 : 1

  vpc_id            = var.vpc_id
  vpc_endpoint_type = "Gateway"
  service_name      = data.aws_vpc_endpoint_service.s3[0].service_name
  route_table_ids   = var.s3_endpoint.route_table_ids
  policy            = one(data.aws_iam_policy_document.s3[*].json)
  tags              = merge(var.tags, { Name = "${var.name}-s3" })
}

# Other services, by addresses in the subnets. They cost by the hour, each in each zone.

resource "aws_security_group" "endpoints" {
  count = var.interface_endpoints == null ? 0 : 1

  name_prefix = "${var.name}-endpoints-"
  description = "VPC endpoints of ${var.name}: HTTPS in from tasks"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-endpoints" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = var.interface_endpoints == null ? {} : local.clients

  security_group_id            = aws_security_group.endpoints[0].id
  description                  = "HTTPS from ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = each.value
  tags                         = var.tags
}

resource "aws_vpc_endpoint" "interface" {
  for_each = local.services

  vpc_id              = var.vpc_id
  vpc_endpoint_type   = "Interface"
  service_name        = data.aws_vpc_endpoint_service.interface[each.key].service_name
  subnet_ids          = var.interface_endpoints.subnet_ids
  security_group_ids  = [aws_security_group.endpoints[0].id]
  private_dns_enabled = true
  tags                = merge(var.tags, { Name = "${var.name}-${each.key}" })
}
