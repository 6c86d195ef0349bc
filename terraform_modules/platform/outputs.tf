output "job_queue_arn" {
  description = "ARN of the job queue of AWS Fargate; null if there is none."
  value       = module.batch.job_queue_arn
}

output "fargate_spot_job_queue_arn" {
  description = "ARN of the job queue of AWS Fargate Spot; null if there is none."
  value       = module.batch.fargate_spot_job_queue_arn
}

output "ec2_job_queue_arn" {
  description = "ARN of the job queue of EC2 instances; null if there is none."
  value       = module.batch.ec2_job_queue_arn
}

output "ec2_spot_job_queue_arn" {
  description = "ARN of the job queue of EC2 Spot instances; null if there is none."
  value       = module.batch.ec2_spot_job_queue_arn
}

output "gpu_job_queue_arn" {
  description = "ARN of the job queue of EC2 instances with GPUs; null if there is none."
  value       = module.batch.gpu_job_queue_arn
}

output "gpu_spot_job_queue_arn" {
  description = "ARN of the job queue of EC2 Spot instances with GPUs; null if there is none."
  value       = module.batch.gpu_spot_job_queue_arn
}

output "datastore_root" {
  description = "Where artifacts are kept."
  value       = module.datastore.datastore_root
}

output "assign_public_ip" {
  description = "Whether tasks get a public IP address."
  value       = var.assign_public_ip
}

output "datastore_kms_key_arn" {
  description = "ARN of the KMS key that encrypts artifacts, which the roles of flows may use then; null if it is AWS's own."
  value       = module.datastore.kms_key_arn
}

output "kms_key_arn" {
  description = "ARN of the KMS key that encrypts images and, passed on, what flows have; null if these are AWS's own."
  value       = var.kms_key_arn
}

output "permissions_boundary_arn" {
  description = "ARN of the policy that bounds the permissions of roles; null if there is none."
  value       = var.permissions_boundary_arn
}

output "tags" {
  description = "Tags of all resources."
  value       = var.tags
}

output "flow_variables" {
  description = "All of the above that are set: the variables of a compiled flow, ready to be written to its platform.auto.tfvars.json."
  value       = { for name, value in local.flow_variables : name => value if value != null }

  depends_on = [module.datastore, module.network]
}

output "repository_url" {
  description = "Where images are pushed to: the variable image of a compiled flow is this with a tag. Null if there is no repository."
  value       = one(aws_ecr_repository.flows[*].repository_url)

  # A planner's function cannot be made before AWS Lambda may pull its image.
  depends_on = [aws_ecr_repository_policy.flows]
}
