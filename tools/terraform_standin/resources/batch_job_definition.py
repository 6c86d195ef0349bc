"""AWS Batch job definitions, which have revisions.

A change of what a job is registers a new revision in place: the planned ARN and revision are
unknown, so whatever refers to them is planned again, as with the real provider. The revision before
is deregistered unless `deregister_on_new_revision` is false.

Deletion, and so replacement, deregisters all active revisions of the name, also those that other documents or
executions under way hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from tools.terraform_standin import containers
from tools.terraform_standin.declaration import Call, Limit, Resource
from tools.terraform_standin.resources.batch import TAGS
from tools.terraform_standin.values import State

#: Properties, and the types of the SDK that they are decoded into.
_SHAPES = {
    "container_properties": "ContainerProperties",
    "ecs_properties": "EcsProperties",
    "node_properties": "NodeProperties",
}
_PROPERTIES = tuple(_SHAPES)
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
        tagged=True,
    )
    members = {
        "container_properties": "containerProperties",
        "ecs_properties": "ecsProperties",
        "node_properties": "nodeProperties",
    }
    for name, member in members.items():
        if call[name] is not None:
            request[member] = containers.without_null(containers.decode(_SHAPES[name], call[name]))
    arn = call.client("batch").register_job_definition(**request)["jobDefinitionArn"]
    return {"id": arn, "arn": arn}


def _read(call: Call) -> State | None:
    found = call.client("batch").describe_job_definitions(jobDefinitions=[call["id"]])
    active = [item for item in found["jobDefinitions"] if item.get("status") == "ACTIVE"]
    if not active:
        return None
    definition = active[0]
    own = {name: value for name, value in definition.items() if not name.endswith("Properties")}
    if "eksProperties" in definition:
        own["eksProperties"] = definition["eksProperties"]
    arn = definition["jobDefinitionArn"]
    return (
        call.attributes(own, _NAMES)
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
    # Whatever changes, `deregister_on_new_revision` alone too: then the plan did not announce the new revision.
    registered = _register(call)
    if call["deregister_on_new_revision"] and call.prior is not None:
        call.client("batch").deregister_job_definition(jobDefinition=call.prior["arn"])
    return registered


def _delete(call: Call) -> None:
    client = call.client("batch")
    pages = client.get_paginator("describe_job_definitions").paginate(jobDefinitionName=call["name"], status="ACTIVE")
    for revision in [item for page in pages for item in page["jobDefinitions"]]:
        client.deregister_job_definition(jobDefinition=revision["jobDefinitionArn"])


def _warnings(state: State) -> Iterator[str]:
    properties = json.loads(state["container_properties"] or "{}")
    for variable in _member(properties, "environment") or ():
        if not _member(variable, "value"):
            name = _member(variable, "name")
            yield f"The environment variable {name} has an empty value, which the Batch service ignores"


def _member(body: State, name: str) -> Any:
    """Return a member of a structure, whatever the case of its name."""
    return next((value for key, value in body.items() if key.lower() == name), None)


def _import(identity: str) -> State:
    return {"id": identity, "deregister_on_new_revision": True}


JOB_DEFINITION = Resource(
    type="aws_batch_job_definition",
    create=_register,
    read=_read,
    update=_update,
    delete=_delete,
    warnings=_warnings,
    replaces={"name"},
    replaces_by_count={"retry_strategy.evaluate_on_exit"},
    defaults={"deregister_on_new_revision": True, "propagate_tags": False},
    caseless={"retry_strategy.evaluate_on_exit.action"},
    json={name: containers.same(shape) for name, shape in _SHAPES.items()},
    decoders={name: partial(containers.decode, shape) for name, shape in _SHAPES.items()},
    limits={
        "name": Limit(1, 128, "[A-Za-z0-9_-]+"),
        "retry_strategy.attempts": Limit(1, 10),
        "retry_strategy.evaluate_on_exit.on_exit_code": Limit(1, 512, r"[0-9]*\*?"),
        "retry_strategy.evaluate_on_exit.on_reason": Limit(1, 512, r"[A-Za-z0-9.:\s]*\*?"),
        "retry_strategy.evaluate_on_exit.on_status_reason": Limit(1, 512, r"[A-Za-z0-9.:\s]*\*?"),
        "timeout.attempt_duration_seconds": Limit(60),
    },
    renews={"id": _CONTENT, "arn": _CONTENT, "revision": _CONTENT},
    at_most_one=(*_PROPERTIES, "eks_properties"),
    tagging=TAGS,
    import_id=_import,
)
