# They are there without actions, too: a dashboard shows them.

locals {
  # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
  of_executions = {
    failed    = { metric = "ExecutionsFailed", what = "An execution failed of the state machine ${var.name}" }
    timed_out = { metric = "ExecutionsTimedOut", what = "An execution timed out of the state machine ${var.name}" }
    throttled = {
      metric = "ExecutionThrottled"
      what   = "Step Functions throttled an execution of the state machine ${var.name}"
    }
  }

  alarms = merge(
    {
      for label, alarm in local.of_executions : label => {
        what       = alarm.what
        namespace  = "AWS/States"
        metric     = alarm.metric
        statistic  = "Sum"
        dimensions = { StateMachineArn = aws_sfn_state_machine.flow.arn }
      }
    },
    {
      for queue in aws_sqs_queue.schedule : "not_started" => {
        what       = "The state machine ${var.name} was not started on schedule"
        namespace  = "AWS/SQS"
        metric     = "ApproximateNumberOfMessagesVisible"
        statistic  = "Maximum"
        dimensions = { QueueName = queue.name }
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${replace(each.key, "_", "-")}"
  alarm_description   = each.value.what
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  tags                = var.tags
}
