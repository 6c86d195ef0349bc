resource "aws_sqs_queue" "schedule" {
  count = var.schedule == null ? 0 : 1

  name                      = "${var.name}-schedule-failures"
  message_retention_seconds = 1209600
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  tags                      = var.tags

  # Amazon SQS would take the queue of another deployment of this name.
  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_scheduler_schedule" "flow" {
  count = var.schedule == null ? 0 : 1

  name                         = var.name
  description                  = "Starts the state machine ${var.name}"
  schedule_expression          = var.schedule.expression
  schedule_expression_timezone = var.schedule.timezone
  state                        = var.schedule.enabled ? "ENABLED" : "DISABLED"
  kms_key_arn                  = var.kms_key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.flow.arn
    role_arn = local.role_arns["schedule"]
    input    = "{}"

    # A start that is hours late is rather missed.
    retry_policy {
      maximum_retry_attempts       = 5
      maximum_event_age_in_seconds = 3600
    }

    dead_letter_config {
      arn = aws_sqs_queue.schedule[0].arn
    }
  }

  # EventBridge Scheduler does not wait for what its role may do.
  depends_on = [aws_iam_role_policy.this]
}
