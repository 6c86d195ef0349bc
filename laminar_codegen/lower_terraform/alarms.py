"""Turns an alarm into the resource that declares it.

Alarms without actions are useful, too: a dashboard shows them. A variable adds actions.
"""

from __future__ import annotations

from collections.abc import Mapping

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Alarm
from laminar_codegen.ir.expressions import Ref, Value
from laminar_codegen.ir.terraform import Block

__all__ = ["ALARM", "alarm_arguments", "emit_alarm", "own_arguments"]

ALARM = "aws_cloudwatch_metric_alarm"


def emit_alarm(alarm: Alarm) -> Block:
    """Emit the resource of an alarm.

    Args:
        alarm: The alarm.
    """
    arguments = alarm_arguments(alarm.label.replace("_", "-"), own_arguments(alarm))
    arguments["evaluation_periods"] = alarm.periods
    if alarm.missing:
        arguments |= {"comparison_operator": "LessThanOrEqualToThreshold", "treat_missing_data": "breaching"}
    if alarm.switches:
        on = ", ".join(f"var.{switch}" for switch in alarm.switches)
        arguments = {"count": Ref(f"anytrue([{on}]) ? 1 : 0"), **arguments}
    return Block(ALARM, alarm.label, arguments)


def own_arguments(alarm: Alarm) -> dict[str, Value]:
    """Return the arguments in which alarms differ, besides their names.

    Args:
        alarm: The alarm.
    """
    return {
        "alarm_description": alarm.description,
        "namespace": alarm.namespace,
        "metric_name": alarm.metric,
        "dimensions": alarm.dimensions,
        "statistic": alarm.statistic,
        "period": alarm.period,
        "threshold": alarm.threshold,
    }


def alarm_arguments(suffix: str | Ref, own: Mapping[str, Value]) -> dict[str, Value]:
    """Return all arguments of an alarm.

    Args:
        suffix: The end of its name.
        own: The arguments in which alarms differ.
    """
    return {
        "alarm_name": labels.of_deployment(suffix),
        "alarm_description": own["alarm_description"],
        "namespace": own["namespace"],
        "metric_name": own["metric_name"],
        "dimensions": own["dimensions"],
        "statistic": own["statistic"],
        "period": own["period"],
        "evaluation_periods": 1,
        "threshold": own["threshold"],
        "comparison_operator": "GreaterThanThreshold",
        "treat_missing_data": "notBreaching",
        "alarm_actions": Ref("var.alarm_actions"),
        "tags": Ref("var.tags"),
    }
