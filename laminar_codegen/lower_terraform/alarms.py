"""The alarms of a deployment: executions that failed, timed out or were throttled, and starts that were missed.

They are there without actions, too: a dashboard shows them, and who wants a message gives the action by a variable.
"""

from __future__ import annotations

from collections.abc import Mapping

from laminar_codegen import names
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block

__all__ = ["emit_alarms"]

_NAME = Ref("var.name")
#: https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
_METRICS = {
    "failed": ("ExecutionsFailed", "An execution failed"),
    "timed_out": ("ExecutionsTimedOut", "An execution timed out"),
    "throttled": ("ExecutionThrottled", "Step Functions throttled an execution"),
}


def emit_alarms(graph: Graph) -> list[Block]:
    """The alarms of the state machine that a deployment is, and of its schedule.

    Args:
        graph: The graph of its first flow.
    """
    machine: Mapping[str, Value] = {"StateMachineArn": Ref("aws_sfn_state_machine.flow.arn")}
    alarms = [
        _alarm(label, Joined(what, " of the state machine ", _NAME), _counted("AWS/States", metric, "Sum", machine))
        for label, (metric, what) in _METRICS.items()
    ]
    if graph.schedule:
        what = Joined("The state machine ", _NAME, " was not started on schedule")
        queue: Mapping[str, Value] = {"QueueName": Ref("aws_sqs_queue.schedule.name")}
        waiting = _counted("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", queue)
        alarms.append(_alarm("not_started", what, waiting))
    return alarms


def _counted(namespace: str, metric: str, statistic: str, dimensions: Mapping[str, Value]) -> dict[str, Value]:
    """What is counted, in five minutes."""
    return {
        "namespace": namespace,
        "metric_name": metric,
        "dimensions": dimensions,
        "statistic": statistic,
        "period": 300,
    }


def _alarm(label: str, what: Joined, counted: Mapping[str, Value]) -> Block:
    """An alarm that goes off when anything was counted."""
    return Block(
        "aws_cloudwatch_metric_alarm",
        label,
        {
            "alarm_name": names.of_deployment(label.replace("_", "-")),
            "alarm_description": what,
            **counted,
            "evaluation_periods": 1,
            "threshold": 0,
            "comparison_operator": "GreaterThanThreshold",
            "treat_missing_data": "notBreaching",
            "alarm_actions": Ref("var.alarm_actions"),
            "tags": Ref("var.tags"),
        },
    )
