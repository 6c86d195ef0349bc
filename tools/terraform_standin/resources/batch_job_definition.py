"""AWS Batch job definitions, which have revisions.

A change of what a job is registers a new revision in place: the planned ARN and revision are
unknown, so whatever refers to them is planned again, as with the real provider. The revision before
is deregistered unless `deregister_on_new_revision` is false.
"""

from __future__ import annotations

import json

from tools.terraform_standin.declaration import Call, Resource
from tools.terraform_standin.resources.batch import TAGS
from tools.terraform_standin.text_equality import same_container
from tools.terraform_standin.values import State

_PROPERTIES = ("container_properties", "ecs_properties", "node_properties")
_CONTENT = frozenset(
    {
        *_PROPERTIES,
        "eks_properties",
        "parameters",
        "platform_capabilities",
        "propagate_tags",
        "retry_strategy",
        "scheduling_priority",
        "timeout",
        "type",
    }
)
_NAMES = {
    "name": "jobDefinitionName",
    "arn": "jobDefinitionArn",
    "eks_properties.pod_properties.image_pull_secret": "imagePullSecrets",
}


def _register(call: Call) -> State:
    request = call.request(
        "batch",
        "RegisterJobDefinition",
        renames=_NAMES,
        omit={*_PROPERTIES, "deregister_on_new_revision"},
    )
    members = {
        "container_properties": "containerProperties",
        "ecs_properties": "ecsProperties",
        "node_properties": "nodeProperties",
    }
    for name, member in members.items():
        if call[name] is not None:
            request[member] = json.loads(call[name])
    arn = call.client("batch").register_job_definition(**request)["jobDefinitionArn"]
    return {"id": arn, "arn": arn}


def _read(call: Call) -> State | None:
    found = call.client("batch").describe_job_definitions(jobDefinitions=[call["id"]])
    active = [item for item in found["jobDefinitions"] if item.get("status") == "ACTIVE"]
    if not active:
        return None
    definition = active[0]
    told = {name: value for name, value in definition.items() if not name.endswith("Properties")}
    if "eksProperties" in definition:
        told["eksProperties"] = definition["eksProperties"]
    arn = definition["jobDefinitionArn"]
    return (
        call.attributes(told, _NAMES)
        | _read_properties(definition)
        | {
            "id": arn,
            "arn_prefix": arn.rpartition(":")[0],
        }
    )


def _read_properties(definition: State) -> State:
    members = {
        "containerProperties": "container_properties",
        "ecsProperties": "ecs_properties",
        "nodeProperties": "node_properties",
    }
    return {
        name: json.dumps(definition[member], sort_keys=True)
        for member, name in members.items()
        if definition.get(member)
    }


def _update(call: Call) -> State | None:
    if not call.changed(*_CONTENT):
        return None
    registered = _register(call)
    if call["deregister_on_new_revision"]:
        _deregister(call)
    return registered


def _deregister(call: Call) -> None:
    arn = call["arn"] if call.prior is None else call.prior["arn"]
    call.client("batch").deregister_job_definition(jobDefinition=arn)


def _import(identity: str) -> State:
    return {"id": identity, "deregister_on_new_revision": True}


JOB_DEFINITION = Resource(
    type="aws_batch_job_definition",
    create=_register,
    read=_read,
    update=_update,
    delete=_deregister,
    replaces={"name"},
    replaces_by_count={"retry_strategy.evaluate_on_exit"},
    defaults={"deregister_on_new_revision": True, "propagate_tags": False},
    caseless={"retry_strategy.evaluate_on_exit.action"},
    json=dict.fromkeys(_PROPERTIES, same_container),
    renews={"id": _CONTENT, "arn": _CONTENT, "revision": _CONTENT},
    at_most_one=(*_PROPERTIES, "eks_properties"),
    tagging=TAGS,
    import_id=_import,
)
