variable "environment" {
  description = "Name of the environment: dev or prod."
  type        = string
}

variable "vpc_id" {
  description = "The VPC that tasks run in."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets that tasks run in, with a way to Amazon ECR, Amazon S3 and CloudWatch Logs."
  type        = list(string)
}

variable "assign_public_ip" {
  description = "Whether tasks get a public IP address: needed in subnets without a NAT gateway or VPC endpoints."
  type        = bool
  default     = false
}

variable "force_destroy" {
  description = "Whether to delete all artifacts and images with the platform; else both must be empty for that."
  type        = bool
  default     = false
}
