output "job_queue_arn" {
  description = "ARN of the job queue of Fargate capacity, the variable job_queue_arn of a compiled flow; null if there is none."
  value       = try(aws_batch_job_queue.this["fargate"].arn, null)
}

output "fargate_spot_job_queue_arn" {
  description = "ARN of the job queue of Fargate Spot capacity, the variable fargate_spot_job_queue_arn of a compiled flow; null if there is none."
  value       = try(aws_batch_job_queue.this["fargate_spot"].arn, null)
}

output "ec2_job_queue_arn" {
  description = "ARN of the job queue of EC2 capacity, the variable ec2_job_queue_arn of a compiled flow; null if there is none."
  value       = try(aws_batch_job_queue.this["ec2"].arn, null)
}

output "ec2_spot_job_queue_arn" {
  description = "ARN of the job queue of EC2 Spot capacity, the variable ec2_spot_job_queue_arn of a compiled flow; null if there is none."
  value       = try(aws_batch_job_queue.this["ec2_spot"].arn, null)
}

output "gpu_job_queue_arn" {
  description = "ARN of the job queue of GPU capacity, the variable gpu_job_queue_arn of a compiled flow; null if there is none."
  value       = try(aws_batch_job_queue.this["gpu"].arn, null)
}

output "gpu_spot_job_queue_arn" {
  description = "ARN of the job queue of GPU Spot capacity, the variable gpu_spot_job_queue_arn of a compiled flow; null if there is none."
  value       = try(aws_batch_job_queue.this["gpu_spot"].arn, null)
}

output "job_queue_arns" {
  description = "ARNs of all job queues, by the kind of their capacity."
  value       = { for kind, queue in aws_batch_job_queue.this : kind => queue.arn }
}

output "compute_environment_arns" {
  description = "ARNs of all compute environments, by kind."
  value       = { for kind, environment in local.compute_environments : kind => environment.arn }
}

output "instance_role_arn" {
  description = "ARN of the role of EC2 instances; null if there are none."
  value       = try(aws_iam_role.instance[0].arn, null)
}

output "launch_template_ids" {
  description = "Ids of the launch templates of EC2 instances, by kind."
  value       = { for kind, template in aws_launch_template.instance : kind => template.id }
}
