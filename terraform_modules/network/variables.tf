variable "name" {
  description = "Beginning of the names of everything that is made."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z]([0-9A-Za-z-]{0,26}[0-9A-Za-z])?$", var.name))
    error_message = "The name must be of 1 to 28 letters, digits and hyphens, a letter first and no hyphen last."
  }
}

variable "vpc_id" {
  description = "The VPC that tasks run in. For interface endpoints it must resolve names (enableDnsSupport and enableDnsHostnames)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "The VPC must be given by its id."
  }
}

variable "create_task_security_group" {
  description = "Whether to make a security group for tasks: HTTPS out, nothing in."
  type        = bool
  default     = true
  nullable    = false
}

variable "task_egress_cidr_blocks" {
  description = "Addresses that tasks may reach by HTTPS, besides the endpoints made here. Empty: nothing else."
  type        = set(string)
  default     = ["0.0.0.0/0"]
  nullable    = false

  validation {
    condition     = alltrue([for block in var.task_egress_cidr_blocks : can(cidrhost(block, 0)) && !strcontains(block, ":")])
    error_message = "Addresses must be blocks of IPv4 addresses, such as 10.0.0.0/8."
  }
}

variable "s3_endpoint" {
  description = "A gateway endpoint of Amazon S3, for these route tables: those of the subnets of tasks. It can be used for bucket_arns and the images in Amazon ECR only, if given: by everything that uses the route tables. Null for no endpoint."
  type = object({
    route_table_ids = list(string)
    bucket_arns     = optional(list(string))
  })
  default = null

  validation {
    condition     = var.s3_endpoint == null ? true : length(var.s3_endpoint.route_table_ids) > 0
    error_message = "There must be at least one route table."
  }

  validation {
    condition     = try(var.s3_endpoint.bucket_arns, null) == null ? true : length(var.s3_endpoint.bucket_arns) > 0
    error_message = "There must be at least one bucket."
  }
}

variable "interface_endpoints" {
  description = "Interface endpoints of services, in these subnets: at most one in each zone. Tasks on AWS Fargate need ecr.api, ecr.dkr and logs; EC2 instances need ecs, ecs-agent and ecs-telemetry besides; what tasks call themselves can be added. Null for none."
  type = object({
    subnet_ids = list(string)
    services   = optional(set(string), ["ecr.api", "ecr.dkr", "logs"])
  })
  default = null

  validation {
    condition     = var.interface_endpoints == null ? true : length(var.interface_endpoints.subnet_ids) > 0
    error_message = "There must be at least one subnet."
  }

  validation {
    condition = var.interface_endpoints == null ? true : alltrue([
      for service in var.interface_endpoints.services : can(regex("^[a-z0-9][a-z0-9.-]*$", service))
    ])
    error_message = "Services must be given by the last part of their endpoint's name, such as ecr.api."
  }
}

variable "client_security_group_ids" {
  description = "Further security groups that may use the interface endpoints, by names of your choice."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = !contains(keys(var.client_security_group_ids), "tasks")
    error_message = "The name tasks is the name of the security group that is made here."
  }
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = {}
  nullable    = false
}
