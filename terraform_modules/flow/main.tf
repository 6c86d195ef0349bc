# Where the deployment is. It is read once: where a module depends on something with changes Terraform puts off reading,
# and what is made of a data source would be planned to change.

data "aws_caller_identity" "current" {
  count = var.place == null ? 1 : 0
}

data "aws_region" "current" {
  count = var.place == null ? 1 : 0
}

resource "terraform_data" "place" {
  count = var.place == null ? 1 : 0

  input = {
    account_id = data.aws_caller_identity.current[0].account_id
    region     = data.aws_region.current[0].region
  }

  lifecycle {
    ignore_changes = [input]

    postcondition {
      condition     = self.input.account_id == data.aws_caller_identity.current[0].account_id && self.input.region == data.aws_region.current[0].region
      error_message = "The deployment is in ${self.input.region} of account ${self.input.account_id}, and the provider is not. Deploy it there under a state of its own, or have it move by terraform apply -replace with the address of this terraform_data.place."
    }
  }
}

# They are made before all else: CloudWatch Logs refuses a name that is taken, where Amazon SQS, CloudWatch's alarms and
# AWS Batch would take what another deployment has of this name.
resource "aws_cloudwatch_log_group" "this" {
  for_each = local.log_groups

  name              = each.value
  retention_in_days = var.log_retention_in_days
  kms_key_id        = var.kms_key_arn
  skip_destroy      = var.keep_logs
  tags              = var.tags
}

resource "aws_sfn_state_machine" "flow" {
  name       = var.name
  type       = "STANDARD"
  role_arn   = local.role_arns["state_machine"]
  definition = sensitive(var.definitions["flow"]) # the document's layers say what changes in it
  tags       = var.tags

  logging_configuration {
    level                  = "ERROR"
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.this["state_machine"].arn}:*"
  }

  tracing_configuration {
    enabled = true
  }

  encryption_configuration {
    type       = local.encryption
    kms_key_id = var.kms_key_arn

    # The default, which may be named for a customer's key only.
    kms_data_key_reuse_period_seconds = var.kms_key_arn == null ? null : 300
  }

  # It is there until its executions have ended, and these end with the jobs that they wait for.
  timeouts {
    create = "10m"
    update = "10m"
    delete = "60m"
  }

  # Step Functions checks when it is made that its role may do what it is to do. What it runs is there, and is changed,
  # before it is: an execution that starts then finds all of its version.
  depends_on = [aws_iam_role_policy.this, aws_sfn_state_machine.nested]
}

resource "aws_sfn_state_machine" "nested" {
  for_each = local.nested

  name       = "${var.name}-${replace(each.key, "_", "-")}"
  type       = "STANDARD"
  role_arn   = local.role_arns["state_machine"]
  definition = sensitive(each.value) # the document's layers say what changes in it
  tags       = var.tags

  logging_configuration {
    level                  = "ERROR"
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.this["state_machine"].arn}:*"
  }

  tracing_configuration {
    enabled = true
  }

  encryption_configuration {
    type       = local.encryption
    kms_key_id = var.kms_key_arn

    # The default, which may be named for a customer's key only.
    kms_data_key_reuse_period_seconds = var.kms_key_arn == null ? null : 300
  }

  # It is there until its executions have ended, and these end with the jobs that they wait for.
  timeouts {
    create = "10m"
    update = "10m"
    delete = "60m"
  }

  # Step Functions checks when it is made that its role may do what it is to do.
  depends_on = [aws_iam_role_policy.this]
}

# By this applications find the flow: AWS.StepFunctions(deployment=...).
resource "aws_ssm_parameter" "deployment" {
  name        = "/laminar/${var.name}"
  description = "Where applications find the flow ${var.flows[0]}"
  type        = "String"
  tags        = var.tags

  value = jsonencode(merge(
    {
      state_machine_arn = aws_sfn_state_machine.flow.arn
      datastore_root    = trimsuffix(var.datastore_root, "/")
    },
    { for name, flows in { flows = var.flows } : name => flows if length(flows) > 1 },
  ))
}

locals {
  account_id = var.place == null ? terraform_data.place[0].input.account_id : var.place.account_id
  region     = var.place == null ? terraform_data.place[0].input.region : var.place.region

  # What the state machine runs, which is named after the deployment, too.
  nested     = { for machine, definition in var.definitions : machine => definition if machine != "flow" }
  encryption = var.kms_key_arn == null ? "AWS_OWNED_KEY" : "CUSTOMER_MANAGED_KMS_KEY"

  # The prefix keeps the resource policy of CloudWatch Logs short:
  # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
  log_groups = merge(var.log_groups, { state_machine = "/aws/vendedlogs/states/${var.name}" })
}
