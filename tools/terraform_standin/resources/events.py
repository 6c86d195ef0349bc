"""EventBridge: rules and their targets."""

from __future__ import annotations

from tools.terraform_standin.declaration import Call, Naming, Resource
from tools.terraform_standin.tagging import TagOperations
from tools.terraform_standin.text_equality import same_json
from tools.terraform_standin.values import State

_TARGET_NAMES = {
    "appsync_target": "AppSyncParameters",
    "batch_target": "BatchParameters",
    "batch_target.array_size": "ArrayProperties",
    "batch_target.job_attempts": "RetryStrategy",
    "ecs_target": "EcsParameters",
    "http_target": "HttpParameters",
    "input_transformer.input_paths": "InputPathsMap",
    "kinesis_target": "KinesisParameters",
    "redshift_target": "RedshiftDataParameters",
    "run_command_targets": "RunCommandParameters",
    "sagemaker_pipeline_target": "SageMakerPipelineParameters",
    "sqs_target": "SqsParameters",
    "target_id": "Id",
}


def _put_rule(call: Call) -> State:
    call.client("events").put_rule(**call.request("events", "PutRule", omit={"force_destroy", "is_enabled"}))
    bus = call["event_bus_name"]
    return {"id": call["name"] if bus == "default" else f"{bus}/{call['name']}"}


def _read_rule(call: Call) -> State | None:
    bus, _, name = call["id"].rpartition("/")
    found = call.client("events").describe_rule(Name=name, EventBusName=bus or "default")
    return call.attributes(found) | {"id": call["id"]}


def _delete_rule(call: Call) -> None:
    call.client("events").delete_rule(
        Name=call["name"], EventBusName=call["event_bus_name"], Force=bool(call["force_destroy"])
    )


def _put_target(call: Call) -> State:
    rule, bus, target = call["rule"], call["event_bus_name"], call["target_id"]
    request = call.request(
        "events",
        "PutTargets",
        within="Targets",
        renames=_TARGET_NAMES,
        omit={"event_bus_name", "force_destroy", "rule", "batch_target"},
    )
    for batch in call["batch_target"]:
        request["BatchParameters"] = _batch(batch)
    call.client("events").put_targets(Rule=rule, EventBusName=bus, Targets=[request])
    return {"id": f"{rule}-{target}"}


def _batch(target: State) -> State:
    size, attempts = target["array_size"], target["job_attempts"]
    return {
        "JobDefinition": target["job_definition"],
        "JobName": target["job_name"],
        **({"ArrayProperties": {"Size": int(size)}} if size else {}),
        **({"RetryStrategy": {"Attempts": int(attempts)}} if attempts else {}),
    }


def _read_target(call: Call) -> State | None:
    found = call.client("events").list_targets_by_rule(Rule=call["rule"], EventBusName=call["event_bus_name"])
    for target in found["Targets"]:
        if target["Id"] == call["target_id"]:
            target.pop("BatchParameters", None)
            return call.attributes(target, _TARGET_NAMES) | {"id": call["id"]}
    return None


def _remove_target(call: Call) -> None:
    call.client("events").remove_targets(
        Rule=call["rule"], EventBusName=call["event_bus_name"], Ids=[call["target_id"]]
    )


def _import_target(identity: str) -> State:
    *bus, rule, target = identity.split("/")
    return {
        "id": f"{rule}-{target}",
        "rule": rule,
        "target_id": target,
        "event_bus_name": bus[0] if bus else "default",
    }


RULE = Resource(
    type="aws_cloudwatch_event_rule",
    deprecated={"is_enabled"},
    create=_put_rule,
    read=_read_rule,
    update=_put_rule,
    delete=_delete_rule,
    replaces={"event_bus_name"},
    defaults={"event_bus_name": "default", "force_destroy": False, "state": "ENABLED"},
    json={"event_pattern": same_json},
    tagging=TagOperations(service="events", parameter="ResourceARN").tagging(),
    naming=Naming(),
)
TARGET = Resource(
    type="aws_cloudwatch_event_target",
    create=_put_target,
    read=_read_target,
    update=_put_target,
    delete=_remove_target,
    replaces={"event_bus_name", "rule", "target_id"},
    defaults={"event_bus_name": "default", "force_destroy": False},
    # A target needs an id: the real provider makes one up too.
    naming=Naming("target_id", None),
    import_id=_import_target,
)
