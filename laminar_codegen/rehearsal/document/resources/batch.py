"""AWS Batch: job definitions, job queues and compute environments."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.document.kinds import Account, Kind, Making
from laminar_codegen.rehearsal.document.resources.secrets import provide_secrets

__all__ = ["KINDS", "provide_for_jobs"]

_PROPERTIES = {
    "container_properties": "containerProperties",
    "ecs_properties": "ecsProperties",
    "node_properties": "nodeProperties",
}
#: The members of a container that a job of the rehearsal does not have. The others it has, or AWS alone needs them.
_OF_CONTAINERS = (
    "enableExecuteCommand",
    "privileged",
    "readonlyRootFilesystem",
    "ulimits",
    "user",
)
_CAPACITY = "capacity of the rehearsal is this machine"


def _definition(making: Making) -> Mapping[str, Any]:
    request = making.request("batch", "RegisterJobDefinition", renames={"name": "jobDefinitionName"}, omit=_PROPERTIES)
    for name, member in _PROPERTIES.items():
        text = making.get(name)
        if text is not None:
            request[member] = _parse(making, name, text)
    _provide(making, request.get("containerProperties", {}))
    made = making.client("batch").register_job_definition(**request)
    arn = made["jobDefinitionArn"]
    return {"id": arn, "arn": arn, "arn_prefix": arn.rpartition(":")[0], "revision": made["revision"]}


def _provide(making: Making, container: Mapping[str, Any]) -> None:
    """Make what a container needs besides its definition, and say what its jobs do not have here."""
    if members := _members_of_containers(container):
        making.warn(f"{making.place}: jobs are processes here, without {', '.join(members)} of container_properties")
    provide_secrets(making, container)
    _note_volumes(making, container)


def provide_for_jobs(account: Account, warn: Callable[[str], object]) -> None:
    """Make what the containers of an account's job definitions need, where others than this package made these.

    Args:
        account: The account.
        warn: Takes warnings: of what jobs do not have here.
    """
    pages = account.client("batch").get_paginator("describe_job_definitions").paginate(status="ACTIVE")
    for definition in (item for page in pages for item in page["jobDefinitions"]):
        making = Making(account, f"job definition {definition['jobDefinitionName']}", {}, warn)
        _provide(making, definition.get("containerProperties") or {})


def _members_of_containers(container: Mapping[str, Any]) -> list[str]:
    """Return the members of a container that a process of this machine does not have."""
    found = [name for name in _OF_CONTAINERS if container.get(name)]
    return [*found, *(f"linuxParameters.{name}" for name in sorted(container.get("linuxParameters") or {}))]


def _note_volumes(making: Making, container: Mapping[str, Any]) -> None:
    """Say which volumes are given no folder."""
    volumes = container.get("volumes")
    listed = [volume for volume in volumes if isinstance(volume, dict)] if isinstance(volumes, list) else []
    names = [str(volume.get("name")) for volume in listed]
    if missing := [name for name in names if name not in making.account.volumes]:
        given = " ".join(f"--volume {name}=DIR" for name in missing)
        making.warn(f"{making.place}: {', '.join(missing)}: the folder of the volume is made here, unless {given}")


def _parse(making: Making, name: str, text: Any) -> dict[str, Any]:
    """Return properties that are given as JSON."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError) as error:
        raise DocumentError(f"{making.place}: argument {name} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise DocumentError(f"{making.place}: argument {name} is not a JSON object")
    return found


def _queue(making: Making) -> Mapping[str, Any]:
    request = making.request("batch", "CreateJobQueue", renames={"name": "jobQueueName"})
    arn = making.client("batch").create_job_queue(**request)["jobQueueArn"]
    return {"id": arn, "arn": arn}


def _environment(making: Making) -> Mapping[str, Any]:
    name = making.name()
    made = making.client("batch").create_compute_environment(
        # Managed capacity would have a network and instances of its own.
        computeEnvironmentName=name,
        type="UNMANAGED",
        state=making.get("state") or "ENABLED",
        serviceRole=making.get("service_role") or making.account.service_role,
    )
    return {"id": name, "name": name, "arn": made["computeEnvironmentArn"]}


KINDS: Mapping[str, Kind] = {
    "aws_batch_compute_environment": Kind(
        _environment, {"compute_resources": _CAPACITY, "type": _CAPACITY, "update_policy": _CAPACITY}
    ),
    "aws_batch_job_definition": Kind(
        _definition, {"deregister_on_new_revision": "there is no revision before the first"}
    ),
    "aws_batch_job_queue": Kind(_queue),
}
