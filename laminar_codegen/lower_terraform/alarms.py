"""Turns an alarm into the resource that declares it.

Alarms without actions are useful, too: a dashboard shows them. A variable adds actions.
"""

from __future__ import annotations

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Alarm
from laminar_codegen.ir.expressions import Ref
from laminar_codegen.ir.terraform import Block

__all__ = ["emit_alarm"]


def emit_alarm(alarm: Alarm) -> Block:
    """Emit the resource of an alarm.

    Args:
        alarm: The alarm.
    """
    return Block(
        "aws_cloudwatch_metric_alarm",
        alarm.label,
        {
            "alarm_name": labels.of_deployment(alarm.label.replace("_", "-")),
            "alarm_description": alarm.description,
            "namespace": alarm.namespace,
            "metric_name": alarm.metric,
            "dimensions": alarm.dimensions,
            "statistic": alarm.statistic,
            "period": alarm.period,
            "evaluation_periods": 1,
            "threshold": alarm.threshold,
            "comparison_operator": "GreaterThanThreshold",
            "treat_missing_data": "notBreaching",
            "alarm_actions": Ref("var.alarm_actions"),
            "tags": Ref("var.tags"),
        },
    )
