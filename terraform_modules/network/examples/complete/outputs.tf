output "task_security_group_id" {
  description = "Id of the security group of tasks."
  value       = module.network.task_security_group_id
}

output "endpoint_security_group_id" {
  description = "Id of the security group of the interface endpoints."
  value       = module.network.endpoint_security_group_id
}

output "s3_endpoint_id" {
  description = "Id of the gateway endpoint of Amazon S3."
  value       = module.network.s3_endpoint_id
}

output "interface_endpoint_ids" {
  description = "Ids of the interface endpoints, by service."
  value       = module.network.interface_endpoint_ids
}
