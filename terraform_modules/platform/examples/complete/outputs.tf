output "flow_variables" {
  description = "The variables of a compiled flow: terraform output -json flow_variables > platform.auto.tfvars.json."
  value       = module.platform.flow_variables
}
