# What the module makes, for which variables. Nothing is made in AWS: the provider is a mock.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111111111111" }
  }

  mock_data "aws_region" {
    defaults = { region = "eu-west-1" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/made" }
  }

  mock_resource "aws_sfn_state_machine" {
    defaults = { arn = "arn:aws:states:eu-west-1:111111111111:stateMachine:Report" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:111111111111:Report-schedule-failures" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111111111111:log-group:states" }
  }
}

variables {
  name           = "Report"
  flows          = ["Report"]
  definitions    = { flow = "{}" }
  datastore_root = "s3://team-artifacts/flows/"

  roles = {
    state_machine = { service = "states.amazonaws.com", description = "Runs", policy = "{}" }
    task          = { service = "ecs-tasks.amazonaws.com", description = "Works", policy = "{}" }
    planner       = { service = "lambda.amazonaws.com", description = "Plans", policy = "{}" }
  }
}

run "what_every_flow_has" {
  assert {
    condition     = aws_sfn_state_machine.flow.name == "Report" && length(aws_sfn_state_machine.nested) == 0
    error_message = "There must be one state machine, of the deployment's name."
  }

  assert {
    condition     = keys(aws_cloudwatch_log_group.this) == ["state_machine"]
    error_message = "There must be one log group, of the state machine."
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.this) == ["failed", "throttled", "timed_out"]
    error_message = "There must be alarms of executions."
  }

  assert {
    condition     = length(aws_scheduler_schedule.flow) + length(aws_sqs_queue.schedule) == 0
    error_message = "There must be no schedule."
  }

  assert {
    condition = jsondecode(aws_ssm_parameter.deployment.value) == {
      state_machine_arn = aws_sfn_state_machine.flow.arn
      datastore_root    = "s3://team-artifacts/flows"
    }
    error_message = "Applications must find the state machine and the datastore, without a slash at its end."
  }

  assert {
    condition     = aws_sfn_state_machine.flow.encryption_configuration[0].type == "AWS_OWNED_KEY"
    error_message = "The key must be AWS's own."
  }
}

run "roles_are_named_and_trusted" {
  assert {
    condition     = { for label, role in aws_iam_role.this : label => role.name } == { planner = "Report-planner", state_machine = "Report-state-machine", task = "Report-task" }
    error_message = "The roles must be named after the deployment."
  }

  assert {
    condition     = keys(output.role_arns) == ["planner", "state_machine", "task"]
    error_message = "All roles must be given out."
  }

  assert {
    condition = { for label, role in aws_iam_role.this : label => jsondecode(role.assume_role_policy).Statement[0] } == {
      planner       = { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }
      state_machine = { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "states.amazonaws.com" }, Condition = { StringEquals = { "aws:SourceAccount" = "111111111111" } } }
      task          = { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs-tasks.amazonaws.com" }, Condition = { StringEquals = { "aws:SourceAccount" = "111111111111" } } }
    }
    error_message = "A role must be for this account only, where the service tells for whom it acts."
  }
}

run "roles_made_elsewhere" {
  variables {
    roles = {
      state_machine = { service = "states.amazonaws.com", description = "Runs", policy = "{}", arn = "arn:aws:iam::111111111111:role/ours" }
      task          = { service = "ecs-tasks.amazonaws.com", description = "Works", policy = "{}" }
    }
  }

  assert {
    condition     = keys(aws_iam_role.this) == ["task"] && keys(aws_iam_role_policy.this) == ["task"]
    error_message = "A role that is given must not be made."
  }

  assert {
    condition     = aws_sfn_state_machine.flow.role_arn == "arn:aws:iam::111111111111:role/ours"
    error_message = "The state machine must have the role that is given."
  }
}

run "the_region_in_names" {
  variables {
    region_in_role_names = true
  }

  assert {
    condition     = { for label, role in aws_iam_role.this : label => role.name } == { planner = "Report-eu-west-1-planner", state_machine = "Report-eu-west-1-state-machine", task = "Report-eu-west-1-task" }
    error_message = "The roles must be named after the deployment and its region."
  }
}

run "the_place_is_given" {
  variables {
    place                = { account_id = "222222222222", region = "eu-central-1" }
    region_in_role_names = true
  }

  assert {
    condition     = length(terraform_data.place) == 0 && aws_iam_role.this["task"].name == "Report-eu-central-1-task"
    error_message = "The place must be the one that is given."
  }

  assert {
    condition     = strcontains(aws_iam_role.this["task"].assume_role_policy, "222222222222")
    error_message = "The roles must be for the account that is given."
  }
}

run "the_region_needs_room" {
  command = plan

  variables {
    name                 = "N2345678901234567890123456789012345"
    region_in_role_names = true
  }

  expect_failures = [var.region_in_role_names]
}

run "logs_that_stay" {
  variables {
    keep_logs = true
  }

  assert {
    condition     = aws_cloudwatch_log_group.this["state_machine"].skip_destroy
    error_message = "Logs must stay when the deployment is destroyed."
  }

  assert {
    condition     = aws_sfn_state_machine.flow.timeouts.delete == "60m"
    error_message = "The provider must wait until executions have ended."
  }
}

run "several_machines_and_flows" {
  variables {
    flows       = ["Load", "Report"]
    definitions = { flow = "{}", load_flow = "{}", load_part_1 = "{}" }
  }

  assert {
    condition = { for name, machine in aws_sfn_state_machine.nested : name => machine.name } == {
      load_flow   = "Report-load-flow"
      load_part_1 = "Report-load-part-1"
    }
    error_message = "Nested state machines must be named after the deployment."
  }

  assert {
    condition     = jsondecode(aws_ssm_parameter.deployment.value).flows == ["Load", "Report"]
    error_message = "Applications must find the flows that run one after the other."
  }
}

run "a_schedule" {
  variables {
    schedule = { expression = "rate(1 hour)", enabled = false }
    roles = {
      state_machine = { service = "states.amazonaws.com", description = "Runs", policy = "{}" }
      schedule      = { service = "scheduler.amazonaws.com", description = "Starts", policy = "{}" }
    }
  }

  assert {
    condition     = aws_scheduler_schedule.flow[0].state == "DISABLED" && aws_scheduler_schedule.flow[0].schedule_expression_timezone == "UTC"
    error_message = "The schedule must be as it is given."
  }

  assert {
    condition     = aws_scheduler_schedule.flow[0].target[0].dead_letter_config[0].arn == aws_sqs_queue.schedule[0].arn
    error_message = "What could not be started must be kept."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["not_started"].dimensions == tomap({ QueueName = "Report-schedule-failures" })
    error_message = "A start that was missed must be told."
  }
}

run "a_key_of_ones_own" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111111111111:key/1"
    log_groups  = { tasks = "/aws/batch/Report" }
  }

  assert {
    condition     = aws_sfn_state_machine.flow.encryption_configuration[0].type == "CUSTOMER_MANAGED_KMS_KEY"
    error_message = "The state machine must be encrypted by the key."
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.kms_key_id == var.kms_key_arn]) && length(aws_cloudwatch_log_group.this) == 2
    error_message = "All logs must be encrypted by the key."
  }
}

run "names_are_checked" {
  command = plan

  variables {
    name           = "1st"
    flows          = []
    datastore_root = "team-artifacts"
    kms_key_arn    = "alias/ours"
  }

  expect_failures = [var.name, var.flows, var.datastore_root, var.kms_key_arn]
}

run "parts_are_checked" {
  command = plan

  variables {
    definitions = { Flow = "{}" }
    log_groups  = { state_machine = "/logs" }
    roles       = { task = { service = "ecs-tasks", description = "Works", policy = "{}", arn = "ours" } }
  }

  expect_failures = [var.definitions, var.log_groups, var.roles]
}

run "the_longest_names" {
  variables {
    name        = "N234567890123456789012345678901234567890123456"
    definitions = { flow = "{}", m23456789012345678901234567890123 = "{}" }
    roles       = { state_machine = { service = "states.amazonaws.com", description = "Runs", policy = "{}" }, r2345678901234567 = { service = "lambda.amazonaws.com", description = "Plans", policy = "{}" } }
  }

  assert {
    condition     = max([for machine in aws_sfn_state_machine.nested : length(machine.name)]...) == 80
    error_message = "The name of a state machine must be of up to 80 characters."
  }

  assert {
    condition     = max([for role in aws_iam_role.this : length(role.name)]...) == 64
    error_message = "The name of a role must be of up to 64 characters."
  }
}

run "longer_names" {
  command = plan

  variables {
    name        = "N234567890123456789012345678901234567890123456"
    definitions = { flow = "{}", m234567890123456789012345678901234 = "{}" }
    roles       = { state_machine = { service = "states.amazonaws.com", description = "Runs", policy = "{}" }, r23456789012345678 = { service = "lambda.amazonaws.com", description = "Plans", policy = "{}" } }
  }

  expect_failures = [var.definitions, var.roles]
}

run "labels_are_checked" {
  command = plan

  variables {
    roles = { state_machine = { service = "states.amazonaws.com", description = "Runs", policy = "{}" }, "a role" = { service = "lambda.amazonaws.com", description = "Plans", policy = "{}" } }
  }

  expect_failures = [var.roles]
}

run "a_schedule_is_checked" {
  command = plan

  variables {
    schedule = { expression = "daily" }
  }

  expect_failures = [var.schedule]
}

run "patterns_are_no_names" {
  command = plan

  variables {
    datastore_root           = "s3://team-artifacts/*"
    kms_key_arn              = "arn:aws:kms:eu-west-1:111111111111:key/*"
    permissions_boundary_arn = "arn:aws:iam::111111111111:policy/*"
  }

  expect_failures = [var.datastore_root, var.kms_key_arn, var.permissions_boundary_arn]
}

run "a_datastore_is_below_its_bucket" {
  command = plan

  variables {
    datastore_root = "s3://team-artifacts/../others"
  }

  expect_failures = [var.datastore_root]
}

run "long_policies_are_refused" {
  command = plan

  variables {
    roles = { state_machine = { service = "states.amazonaws.com", description = "Runs", policy = jsonencode({ Statement = [for number in range(1000) : "${number}-xxxxxxxx"] }) } }
  }

  expect_failures = [aws_iam_role_policy.this]
}
