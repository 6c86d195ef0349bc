"""The fields of containers on AWS Lambda: those that a function has, and the reasons why it lacks the others.

A new field is a row here if functions have it. A field without a row is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from laminar_codegen.ir.expressions import Value, merge
from laminar_codegen.ir.placement import Container, Placement
from laminar_codegen.limits import LAMBDA_PROCESSOR
from laminar_codegen.targets.aws_lambda.volumes import refusal
from laminar_runtime.configurations.containers import OF_CONTAINERS

__all__ = ["LACKING", "TAKEN", "arguments", "refusals"]


def _nothing(_: Any) -> Mapping[str, Value]:
    return {}


#: The fields that a function has, each with the arguments of its resource. Each function has an image, a command and a
#: size: the arguments for these stand where the resource is made, and so do its variables, which planners have, too.
#: Its volumes depend on its network: see `laminar_codegen.targets.aws_lambda.volumes`.
TAKEN: Mapping[str, Callable[[Any], Mapping[str, Value]]] = {
    **dict.fromkeys(
        ("command", "memory", "image", "workdir", "architecture", "environment", "tags", "volumes"), _nothing
    ),
    "ephemeral_storage": lambda gib: {"ephemeral_storage": {"size": gib * 1024}},
}

_SET_UP = "AWS Lambda sets up the containers of functions itself"
_LOGS = "functions log to CloudWatch Logs"
#: The reasons why functions lack a field. Other fields have a general message.
LACKING: Mapping[str, str] = {
    "cpu": f"processors come with the memory, one for each {LAMBDA_PROCESSOR} MiB",
    "gpu": "functions have no GPUs",
    "spot": "functions have no spot capacity",
    "secrets": "functions have no variables from secrets: let the layer read them itself",
    "log_driver": _LOGS,
    "log_options": _LOGS,
    **dict.fromkeys(OF_CONTAINERS, _SET_UP),
    "properties": "they are those of a job definition of AWS Batch",
    "registry_credentials": "functions have images from ECR only",
}


def arguments(container: Container) -> dict[str, Value]:
    """Return the arguments of a function for the options of its container.

    Args:
        container: The container.
    """
    found: dict[str, Value] = {}
    for name, value in container.requested.items():
        if name in TAKEN:
            found = merge(found, TAKEN[name](value))
    return found


def refusals(placement: Placement) -> dict[str, tuple[str, str | None]]:
    """Return why a function lacks the fields that its container requests, and how to fix it, by field.

    Args:
        placement: The container, and its target.

    Returns:
        Without a fix it lacks the field whatever it is.
    """
    found: dict[str, tuple[str, str | None]] = {}
    for name in placement.container.requested:
        if name not in TAKEN:
            found[name] = LACKING.get(name, "functions lack it"), None
    volumes = refusal(placement)
    return found if volumes is None else {**found, "volumes": volumes}
