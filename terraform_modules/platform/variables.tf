variable "name" {
  description = "Beginning of the names of everything that is made, at most 28 characters for IAM's sake."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z]([0-9A-Za-z-]{0,26}[0-9A-Za-z])?$", var.name))
    error_message = "The name must be of 1 to 28 letters, digits and hyphens, a letter first and no hyphen last."
  }
}

variable "vpc_id" {
  description = "The VPC that tasks run in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "The VPC must be given by its id."
  }
}

variable "subnet_ids" {
  description = "Subnets that tasks run in, with a way to Amazon ECR, Amazon S3 and CloudWatch Logs: a NAT gateway, vpc_endpoints, or public IP addresses."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "There must be at least one subnet."
  }
}

variable "security_group_ids" {
  description = "Security groups of tasks, by names of your choice; one that allows HTTPS out and nothing in is made if null."
  type        = map(string)
  default     = null

  validation {
    condition     = var.security_group_ids == null ? true : length(var.security_group_ids) > 0 && length(var.security_group_ids) <= 5
    error_message = "There must be one to five security groups."
  }
}

variable "assign_public_ip" {
  description = "Whether tasks on AWS Fargate get a public IP address: needed in subnets without a NAT gateway or VPC endpoints. EC2 instances get one if their subnet says so."
  type        = bool
  default     = false
  nullable    = false
}

variable "vpc_endpoints" {
  description = "VPC endpoints, for subnets without another way to AWS: of Amazon S3 for route_table_ids, and of what tasks need (and of further services) in subnet_ids, those of the tasks unless given. Null for none."
  type = object({
    route_table_ids = list(string)
    subnet_ids      = optional(list(string))
    services        = optional(set(string), [])
  })
  default = null

  validation {
    condition     = var.vpc_endpoints == null ? true : length(var.vpc_endpoints.route_table_ids) > 0
    error_message = "There must be at least one route table."
  }
}

variable "internet" {
  description = "Whether tasks may reach any address by HTTPS; else vpc_endpoints only. It is about the security group that is made here."
  type        = bool
  default     = true
  nullable    = false

  validation {
    condition     = var.internet || var.vpc_endpoints != null || var.security_group_ids != null
    error_message = "Tasks without the internet need vpc_endpoints."
  }
}

variable "fargate" {
  description = "Capacity of AWS Fargate; null for none. What is left out is as in the module batch, here and below."
  type = object({
    max_vcpus = optional(number)
  })
  default = {}
}

variable "fargate_spot" {
  description = "Capacity of AWS Fargate Spot; null for none."
  type = object({
    max_vcpus = optional(number)
  })
  default = null
}

variable "ec2" {
  description = "Capacity of EC2 instances; null for none."
  type = object({
    min_vcpus       = optional(number)
    max_vcpus       = optional(number)
    instance_types  = optional(list(string))
    image_type      = optional(string)
    image_id        = optional(string)
    volume_size_gib = optional(number)
  })
  default = null
}

variable "ec2_spot" {
  description = "Capacity of EC2 Spot instances; null for none."
  type = object({
    min_vcpus       = optional(number)
    max_vcpus       = optional(number)
    instance_types  = optional(list(string))
    image_type      = optional(string)
    image_id        = optional(string)
    volume_size_gib = optional(number)
    bid_percentage  = optional(number)
  })
  default = null
}

variable "gpu" {
  description = "Capacity of EC2 instances with GPUs; null for none."
  type = object({
    min_vcpus       = optional(number)
    max_vcpus       = optional(number)
    instance_types  = optional(list(string))
    image_type      = optional(string)
    image_id        = optional(string)
    volume_size_gib = optional(number)
  })
  default = null
}

variable "gpu_spot" {
  description = "Capacity of EC2 Spot instances with GPUs; null for none."
  type = object({
    min_vcpus       = optional(number)
    max_vcpus       = optional(number)
    instance_types  = optional(list(string))
    image_type      = optional(string)
    image_id        = optional(string)
    volume_size_gib = optional(number)
    bid_percentage  = optional(number)
  })
  default = null
}

variable "stuck_job_limits" {
  description = "Seconds after which a job that cannot start is cancelled, by AWS Batch's reason; as in the module batch if null."
  type        = map(number)
  default     = null
}

variable "create_repository" {
  description = "Whether to make a repository in Amazon ECR for the images of flows."
  type        = bool
  default     = true
  nullable    = false
}

variable "bucket" {
  description = "Name of the bucket for artifacts; made of the platform's name if null."
  type        = string
  default     = null
}

variable "force_destroy" {
  description = "Whether to delete all artifacts and images with the platform; else bucket and repository must be empty for that."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts artifacts, images and what flows have; AWS's own keys if null. CloudWatch Logs and delivery.logs.amazonaws.com must be granted the use of the key."
  type        = string
  default     = null
}

variable "cache_expiration_days" {
  description = "Days after which the notes on the executions of a flow are deleted, by the flow's name: such an execution cannot be resumed any more."
  type        = map(number)
  default     = {}
  nullable    = false
}

variable "lifecycle_rules" {
  description = "Further lifecycle rules of the bucket, by their ids; as in the module datastore."
  type = map(object({
    prefix                  = optional(string, "")
    expiration_days         = optional(number)
    noncurrent_version_days = optional(number)
    transitions             = optional(map(number), {})
  }))
  default  = {}
  nullable = false
}

variable "access_log" {
  description = "The bucket that is told of every access to artifacts, and the folder there; null for none."
  type = object({
    bucket = string
    prefix = optional(string)
  })
  default = null
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that bounds the permissions of the roles of the platform, and of the flows; none if null."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of all resources, of the platform and of the flows."
  type        = map(string)
  default     = {}
  nullable    = false
}
