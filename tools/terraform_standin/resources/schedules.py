"""EventBridge Scheduler: schedules and their groups."""

from __future__ import annotations

from tools.terraform_standin.declaration import Call, Limit, Naming, Resource
from tools.terraform_standin.tagging import TagOperations
from tools.terraform_standin.values import State

_SCHEDULE_NAMES = {
    "target.sagemaker_pipeline_parameters.pipeline_parameter": "PipelineParameterList",
}


def _create_schedule(call: Call) -> State:
    call.client("scheduler").create_schedule(**call.request("scheduler", "CreateSchedule", renames=_SCHEDULE_NAMES))
    return {"id": f"{call['group_name']}/{call['name']}"}


def _read_schedule(call: Call) -> State | None:
    group, _, name = call["id"].partition("/")
    found = call.client("scheduler").get_schedule(GroupName=group, Name=name)
    return call.attributes(found, _SCHEDULE_NAMES) | {"id": call["id"]}


def _update_schedule(call: Call) -> State | None:
    call.client("scheduler").update_schedule(**call.request("scheduler", "UpdateSchedule", renames=_SCHEDULE_NAMES))
    return None


def _delete_schedule(call: Call) -> None:
    group, _, name = call["id"].partition("/")
    call.client("scheduler").delete_schedule(GroupName=group, Name=name)


def _create_group(call: Call) -> State:
    call.client("scheduler").create_schedule_group(
        Name=call["name"], **call.tag_parameter("scheduler", "CreateScheduleGroup")
    )
    return {"id": call["name"]}


def _read_group(call: Call) -> State | None:
    found = call.client("scheduler").get_schedule_group(Name=call["id"])
    return call.attributes(found) | {"id": call["id"]}


def _delete_group(call: Call) -> None:
    call.client("scheduler").delete_schedule_group(Name=call["id"])


SCHEDULE = Resource(
    type="aws_scheduler_schedule",
    limits={
        "description": Limit(0, 512),
        "flexible_time_window.maximum_window_in_minutes": Limit(1, 1440),
        "name": Limit(1, 64, "[0-9A-Za-z_.-]+"),
        "name_prefix": Limit(1, 38, "[0-9A-Za-z_.-]+"),
        "schedule_expression": Limit(1, 256),
        "schedule_expression_timezone": Limit(1, 50),
        "target.retry_policy.maximum_event_age_in_seconds": Limit(60, 86400),
        "target.retry_policy.maximum_retry_attempts": Limit(0, 185),
    },
    create=_create_schedule,
    read=_read_schedule,
    update=_update_schedule,
    delete=_delete_schedule,
    replaces={"group_name"},
    computed={"action_after_completion", "target.retry_policy"},
    defaults={
        "group_name": "default",
        "schedule_expression_timezone": "UTC",
        "state": "ENABLED",
        "target.retry_policy.maximum_event_age_in_seconds": 86400,
        "target.retry_policy.maximum_retry_attempts": 185,
    },
    naming=Naming(),
)
SCHEDULE_GROUP = Resource(
    type="aws_scheduler_schedule_group",
    create=_create_group,
    read=_read_group,
    delete=_delete_group,
    tagging=TagOperations(service="scheduler", parameter="ResourceArn").tagging(),
    naming=Naming(),
)
