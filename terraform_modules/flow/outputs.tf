output "deployment" {
  description = "The name by which applications find the flow: AWS.StepFunctions(deployment=...)."
  value       = var.name

  depends_on = [aws_ssm_parameter.deployment]
}

output "state_machine_arn" {
  description = "ARN of the state machine that the deployment is."
  value       = aws_sfn_state_machine.flow.arn
}

output "state_machine_arns" {
  description = "ARNs of all state machines, the nested ones too, by their names among the definitions."
  value       = merge({ flow = aws_sfn_state_machine.flow.arn }, { for machine, made in aws_sfn_state_machine.nested : machine => made.arn })
}

output "role_arns" {
  description = "ARNs of the roles, those that were given and those that were made, by their labels."
  value       = local.role_arns

  # Nothing takes a role before the role may do what it is for, or writes a log before the log is there.
  depends_on = [aws_iam_role_policy.this, aws_cloudwatch_log_group.this]
}

output "role_names" {
  description = "Names of the roles by their labels: what policies are attached to."
  value       = { for label, arn in local.role_arns : label => regex("[^/]+$", arn) }

  depends_on = [aws_iam_role_policy.this]
}

output "log_group_names" {
  description = "Names of the log groups by their labels, that of the state machines as state_machine."
  value       = { for label, group in aws_cloudwatch_log_group.this : label => group.name }
}
