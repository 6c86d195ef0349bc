output "flow_variables" {
  description = "The variables of the flow: terraform output -json flow_variables > ../flow/platform.auto.tfvars.json."
  value       = module.platform.flow_variables
}

output "repository_url" {
  description = "Where the image of the flow is pushed to."
  value       = module.platform.repository_url
}
