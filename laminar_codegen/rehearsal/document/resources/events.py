"""EventBridge: rules, their targets, and schedules. Nothing here starts by itself: they are made, and held apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.document.kinds import Kind, Making
from laminar_codegen.triggers.expressions import find_flaw, is_timezone

__all__ = ["KINDS"]

_TARGET = {
    "ecs_target": "EcsParameters",
    "http_target": "HttpParameters",
    "input_transformer.input_paths": "InputPathsMap",
    "kinesis_target": "KinesisParameters",
    "run_command_targets": "RunCommandParameters",
    "sqs_target": "SqsParameters",
    "target_id": "Id",
}
_DESTROYED = "nothing is destroyed"


def _rule(making: Making) -> Mapping[str, Any]:
    name = making.name()
    request = making.request("events", "PutRule")
    arn = making.client("events").put_rule(**{**request, "Name": name})["RuleArn"]
    return {"id": name, "name": name, "arn": arn}


def _target(making: Making) -> Mapping[str, Any]:
    rule, bus = making["rule"], making.get("event_bus_name") or "default"
    request = making.request(
        "events", "PutTargets", within="Targets", renames=_TARGET, omit=("event_bus_name", "force_destroy", "rule")
    )
    target = {"Id": f"{rule}-target", **request}
    making.client("events").put_targets(Rule=rule, EventBusName=bus, Targets=[target])
    return {"id": f"{rule}-{target['Id']}", "target_id": target["Id"]}


def _schedule(making: Making) -> Mapping[str, Any]:
    name, group = making.name(), making.get("group_name") or "default"
    if flaws := [*_flaws(making)]:
        raise DocumentError("\n".join(f"{making.place}: AWS refuses the {flaw}" for flaw in flaws))
    request = making.request("scheduler", "CreateSchedule")
    arn = making.client("scheduler").create_schedule(**{**request, "Name": name})["ScheduleArn"]
    return {"id": f"{group}/{name}", "name": name, "group_name": group, "arn": arn}


def _flaws(making: Making) -> Iterator[str]:
    """Yield what AWS refuses of a schedule, of values of variables too: plans of Terraform check their forms only."""
    expression = str(making.get("schedule_expression"))
    if flaw := find_flaw(expression):
        yield f"schedule_expression {expression!r}: {flaw}"
    zone = making.get("schedule_expression_timezone")
    if zone is not None and not is_timezone(str(zone)):
        yield f"schedule_expression_timezone {zone!r}: the IANA database has no such time zone, as 'Europe/Berlin' is"


def _group(making: Making) -> Mapping[str, Any]:
    name = making.name()
    arn = making.client("scheduler").create_schedule_group(Name=name)["ScheduleGroupArn"]
    return {"id": name, "name": name, "arn": arn}


KINDS: Mapping[str, Kind] = {
    "aws_cloudwatch_event_rule": Kind(_rule, {"force_destroy": _DESTROYED}),
    "aws_cloudwatch_event_target": Kind(_target, {"force_destroy": _DESTROYED}),
    "aws_scheduler_schedule": Kind(_schedule),
    "aws_scheduler_schedule_group": Kind(_group),
}
