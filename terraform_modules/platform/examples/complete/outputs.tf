output "flow_variables" {
  description = "The variables of a compiled flow: terraform output -json flow_variables > platform.auto.tfvars.json."
  value       = module.platform.flow_variables
}

output "repository_url" {
  description = "Where the images of flows are pushed to."
  value       = module.platform.repository_url
}
