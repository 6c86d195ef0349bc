output "flow_variables" {
  description = "The variables of a compiled flow: terraform output -json flow_variables > platform.auto.tfvars.json."
  value       = merge(module.platform.flow_variables, { region_in_role_names = true })
}

output "repository_url" {
  description = "Where the images of flows are pushed to."
  value       = module.platform.repository_url
}
