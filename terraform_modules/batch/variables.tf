variable "name" {
  description = "Beginning of the names of everything that is made, at most 28 characters for IAM's sake."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z]([0-9A-Za-z-]{0,26}[0-9A-Za-z])?$", var.name))
    error_message = "The name must be of 1 to 28 letters, digits and hyphens, a letter first and no hyphen last."
  }
}

variable "subnet_ids" {
  description = "Subnets that tasks run in, with a way to Amazon ECR, Amazon S3 and CloudWatch Logs: a NAT gateway, VPC endpoints, or public IP addresses."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "There must be at least one subnet."
  }
}

variable "security_group_ids" {
  description = "Security groups of tasks. They need HTTPS out, and nothing in."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.security_group_ids) > 0 && length(var.security_group_ids) <= 5
    error_message = "There must be one to five security groups."
  }
}

variable "fargate" {
  description = "Capacity of AWS Fargate; null for none."
  type = object({
    max_vcpus = optional(number, 256)
  })
  default = {}

  validation {
    condition     = var.fargate == null ? true : var.fargate.max_vcpus >= 1 && floor(var.fargate.max_vcpus) == var.fargate.max_vcpus
    error_message = "The most vCPUs of fargate must be a whole number, at least 1."
  }
}

variable "fargate_spot" {
  description = "Capacity of AWS Fargate Spot, which is cheaper and can be reclaimed; null for none."
  type = object({
    max_vcpus = optional(number, 256)
  })
  default = null

  validation {
    condition     = var.fargate_spot == null ? true : var.fargate_spot.max_vcpus >= 1 && floor(var.fargate_spot.max_vcpus) == var.fargate_spot.max_vcpus
    error_message = "The most vCPUs of fargate_spot must be a whole number, at least 1."
  }
}

variable "ec2" {
  description = "Capacity of EC2 instances: their types or families, their image (by Amazon ECS' image type, or one image's id) and their volumes. AWS Batch starts instances as jobs need them, and keeps min_vcpus. Null for none."
  type = object({
    min_vcpus       = optional(number, 0)
    max_vcpus       = optional(number, 256)
    instance_types  = optional(list(string), ["optimal"])
    image_type      = optional(string, "ECS_AL2023")
    image_id        = optional(string)
    volume_size_gib = optional(number, 100)
  })
  default = null

  validation {
    condition     = var.ec2 == null ? true : var.ec2.min_vcpus >= 0 && var.ec2.max_vcpus >= max(1, var.ec2.min_vcpus)
    error_message = "The vCPUs of ec2 must be 0 <= min_vcpus <= max_vcpus, and max_vcpus at least 1."
  }

  validation {
    condition     = var.ec2 == null ? true : length(var.ec2.instance_types) > 0
    error_message = "The capacity ec2 needs at least one instance type or family."
  }

  validation {
    condition     = var.ec2 == null ? true : var.ec2.volume_size_gib >= 30 && var.ec2.volume_size_gib <= 16384
    error_message = "The volumes of ec2 must be of 30 to 16384 GiB: the image of the instance alone takes 30."
  }
}

variable "ec2_spot" {
  description = "Capacity of EC2 Spot instances, which are cheaper and can be reclaimed; bid_percentage of the full price is paid at most. Null for none."
  type = object({
    min_vcpus       = optional(number, 0)
    max_vcpus       = optional(number, 256)
    instance_types  = optional(list(string), ["optimal"])
    image_type      = optional(string, "ECS_AL2023")
    image_id        = optional(string)
    volume_size_gib = optional(number, 100)
    bid_percentage  = optional(number, 100)
  })
  default = null

  validation {
    condition     = var.ec2_spot == null ? true : var.ec2_spot.min_vcpus >= 0 && var.ec2_spot.max_vcpus >= max(1, var.ec2_spot.min_vcpus)
    error_message = "The vCPUs of ec2_spot must be 0 <= min_vcpus <= max_vcpus, and max_vcpus at least 1."
  }

  validation {
    condition     = var.ec2_spot == null ? true : length(var.ec2_spot.instance_types) > 0
    error_message = "The capacity ec2_spot needs at least one instance type or family."
  }

  validation {
    condition     = var.ec2_spot == null ? true : var.ec2_spot.volume_size_gib >= 30 && var.ec2_spot.volume_size_gib <= 16384
    error_message = "The volumes of ec2_spot must be of 30 to 16384 GiB: the image of the instance alone takes 30."
  }

  validation {
    condition     = var.ec2_spot == null ? true : var.ec2_spot.bid_percentage >= 1 && var.ec2_spot.bid_percentage <= 100
    error_message = "What ec2_spot pays at most must be 1 to 100 percent of the full price."
  }
}

variable "gpu" {
  description = "Capacity of EC2 instances with GPUs. Null for none."
  type = object({
    min_vcpus       = optional(number, 0)
    max_vcpus       = optional(number, 256)
    instance_types  = optional(list(string), ["g4dn"])
    image_type      = optional(string, "ECS_AL2023_NVIDIA")
    image_id        = optional(string)
    volume_size_gib = optional(number, 100)
  })
  default = null

  validation {
    condition     = var.gpu == null ? true : var.gpu.min_vcpus >= 0 && var.gpu.max_vcpus >= max(1, var.gpu.min_vcpus)
    error_message = "The vCPUs of gpu must be 0 <= min_vcpus <= max_vcpus, and max_vcpus at least 1."
  }

  validation {
    condition     = var.gpu == null ? true : length(var.gpu.instance_types) > 0
    error_message = "The capacity gpu needs at least one instance type or family."
  }

  validation {
    condition     = var.gpu == null ? true : var.gpu.volume_size_gib >= 30 && var.gpu.volume_size_gib <= 16384
    error_message = "The volumes of gpu must be of 30 to 16384 GiB: the image of the instance alone takes 30."
  }
}

variable "gpu_spot" {
  description = "Capacity of EC2 Spot instances with GPUs; bid_percentage of the full price is paid at most. Null for none."
  type = object({
    min_vcpus       = optional(number, 0)
    max_vcpus       = optional(number, 256)
    instance_types  = optional(list(string), ["g4dn"])
    image_type      = optional(string, "ECS_AL2023_NVIDIA")
    image_id        = optional(string)
    volume_size_gib = optional(number, 100)
    bid_percentage  = optional(number, 100)
  })
  default = null

  validation {
    condition     = var.gpu_spot == null ? true : var.gpu_spot.min_vcpus >= 0 && var.gpu_spot.max_vcpus >= max(1, var.gpu_spot.min_vcpus)
    error_message = "The vCPUs of gpu_spot must be 0 <= min_vcpus <= max_vcpus, and max_vcpus at least 1."
  }

  validation {
    condition     = var.gpu_spot == null ? true : length(var.gpu_spot.instance_types) > 0
    error_message = "The capacity gpu_spot needs at least one instance type or family."
  }

  validation {
    condition     = var.gpu_spot == null ? true : var.gpu_spot.volume_size_gib >= 30 && var.gpu_spot.volume_size_gib <= 16384
    error_message = "The volumes of gpu_spot must be of 30 to 16384 GiB: the image of the instance alone takes 30."
  }

  validation {
    condition     = var.gpu_spot == null ? true : var.gpu_spot.bid_percentage >= 1 && var.gpu_spot.bid_percentage <= 100
    error_message = "What gpu_spot pays at most must be 1 to 100 percent of the full price."
  }
}

variable "stuck_job_limits" {
  description = "Seconds, 600 to 86400, after which a job that cannot start is cancelled, so that it neither waits for ever nor blocks its queue, by the reason that AWS Batch has found. Jobs that only wait for their turn have no such reason. See https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_time_limit_actions.html."
  type        = map(number)
  default = {
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"           = 86400
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE" = 600
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"         = 600
  }
  nullable = false

  validation {
    condition = length(setsubtract(keys(var.stuck_job_limits), [
      "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
      "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
      "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
      "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
    ])) == 0
    error_message = "AWS Batch cancels jobs for CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY and for MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE, EC2_INSTANCE_CONFIGURATION_UNSUPPORTED and JOB_RESOURCE_REQUIREMENT."
  }

  validation {
    condition     = alltrue([for seconds in values(var.stuck_job_limits) : seconds >= 600 && seconds <= 86400])
    error_message = "AWS Batch waits for 600 to 86400 seconds."
  }
}

variable "update_timeout_minutes" {
  description = "Minutes, 1 to 360, that jobs may go on for on EC2 instances that a changed environment replaces."
  type        = number
  default     = 360
  nullable    = false

  validation {
    condition     = var.update_timeout_minutes >= 1 && var.update_timeout_minutes <= 360
    error_message = "AWS Batch waits for 1 to 360 minutes."
  }
}

variable "volume_kms_key_arn" {
  description = "ARN of the KMS key that encrypts the volumes of EC2 instances; AWS's own key if null. The key must be granted to the service-linked role of Amazon EC2 Auto Scaling."
  type        = string
  default     = null

  validation {
    condition     = var.volume_kms_key_arn == null ? true : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-zA-Z-]+$", var.volume_kms_key_arn))
    error_message = "The key must be given by its ARN."
  }
}

variable "repository_arns" {
  description = "ARNs of the Amazon ECR repositories that EC2 instances may pull images from; those of this account and region if null."
  type        = list(string)
  default     = null

  validation {
    condition     = var.repository_arns == null ? true : length(var.repository_arns) > 0
    error_message = "There must be at least one repository."
  }

  validation {
    condition = var.repository_arns == null ? true : alltrue([
      for arn in var.repository_arns : can(regex("^arn:[a-z-]+:ecr:[a-z0-9-]+:[0-9]{12}:repository/.+$", arn))
    ])
    error_message = "Repositories must be given by their ARNs."
  }
}

variable "cache_repository_arns" {
  description = "ARNs of the Amazon ECR repositories of pull-through caches, with a prefix and an asterisk at their ends, such as repository/docker-hub/*, that EC2 instances may fill: the first pull of an image makes its repository. They must be among repository_arns too."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for arn in var.cache_repository_arns : can(regex("^arn:[a-z-]+:ecr:[a-z0-9-]+:[0-9]{12}:repository/[a-z0-9].*$", arn))
    ])
    error_message = "Repositories must be given by their ARNs, with what their names begin with."
  }
}

variable "log_groups" {
  description = "Names, or patterns of names, of the log groups that EC2 instances may write the logs of jobs to."
  type        = list(string)
  default     = ["/aws/batch/*"]
  nullable    = false

  validation {
    condition     = length(var.log_groups) > 0
    error_message = "There must be at least one log group."
  }
}

variable "instance_policy_arns" {
  description = "ARNs of policies that the role of EC2 instances has besides its own, such as AmazonSSMManagedInstanceCore, by names of your choice."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for arn in values(var.instance_policy_arns) : can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/[0-9A-Za-z+=,.@_/-]+$", arn))
    ])
    error_message = "Policies must be given by their ARNs."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that bounds the permissions of the role of EC2 instances; none if null."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null ? true : can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/[0-9A-Za-z+=,.@_/-]+$", var.permissions_boundary_arn))
    error_message = "The permissions boundary must be given by its ARN."
  }
}

variable "tags" {
  description = "Tags of all resources, instances and volumes."
  type        = map(string)
  default     = {}
  nullable    = false
}
