output "job_queue_arns" {
  description = "ARNs of the job queues, by kind."
  value       = module.batch.job_queue_arns
}

output "compute_environment_arns" {
  description = "ARNs of the compute environments, by kind."
  value       = module.batch.compute_environment_arns
}

output "instance_role_arn" {
  description = "ARN of the role of EC2 instances."
  value       = module.batch.instance_role_arn
}
