output "state_machine_arn" {
  description = "ARN of the state machine."
  value       = module.flow.state_machine_arn
}

output "deployment" {
  description = "The name by which applications find the flow."
  value       = module.flow.deployment
}
