output "task_security_group_id" {
  description = "Id of the security group of tasks; null if there is none."
  value       = one(aws_security_group.tasks[*].id)
}

output "endpoint_security_group_id" {
  description = "Id of the security group of the interface endpoints; null if there are none."
  value       = one(aws_security_group.endpoints[*].id)
}

output "s3_endpoint_id" {
  description = "Id of the gateway endpoint of Amazon S3; null if there is none."
  value       = one(aws_vpc_endpoint.s3[*].id)
}

output "interface_endpoint_ids" {
  description = "Ids of the interface endpoints, by service."
  value       = { for service, endpoint in aws_vpc_endpoint.interface : service => endpoint.id }
}
