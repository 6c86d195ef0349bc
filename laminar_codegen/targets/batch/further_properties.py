"""The rule of `Container(properties=...)`: members of a job definition's container, by botocore's model of AWS Batch.

https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import Container, properties_of
from laminar_codegen.limits import FARGATE_STORAGE
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM093
from laminar_codegen.targets.batch.target import BatchTarget, on_ec2
from laminar_codegen.targets.volumes import volumes_of

__all__ = ["RESERVED", "check_properties", "maps", "with_texts"]

#: The members that other arguments set, each with the argument: permissions, or the meaning of a task, follow from it.
RESERVED: Mapping[str, str] = {
    "command": "Container(command=...)",
    "environment": "Container(environment=...)",
    "executionRoleArn": "the variable execution_role_arn",
    "image": "Container(image=...)",
    "jobRoleArn": "the variable task_role_arn",
    "logConfiguration": "Container(log_driver=..., log_options=...)",
    "memory": "Container(memory=...)",
    "networkConfiguration": "the variable assign_public_ip",
    "repositoryCredentials": "Container(registry_credentials=...)",
    "resourceRequirements": "Container(cpu=..., memory=..., gpu=...)",
    "secrets": "Container(secrets=...)",
    "vcpus": "Container(cpu=...)",
}
#: The members that jobs on Fargate do not have, and those of EC2.
_ONLY_ON_EC2 = frozenset({"instanceType", "privileged", "ulimits"})
_LINUX_OF_FARGATE = frozenset({"initProcessEnabled"})
_ONLY_ON_FARGATE = frozenset({"ephemeralStorage", "fargatePlatformConfiguration"})
#: The least and the most of numbers, which botocore's model does not know.
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_EphemeralStorage.html
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_LinuxParameters.html
_RANGES = {("ephemeralStorage", "sizeInGiB"): FARGATE_STORAGE, ("linuxParameters", "swappiness"): (0, 100)}


def check_properties(graph: Graph) -> Iterator[Problem]:
    """Check that AWS Batch knows the properties of a container, and that no other argument sets them."""
    for layer in graph.layers:
        if "properties" in layer.container.requested and isinstance(layer.executor, BatchTarget):
            for fault in _faults(layer, with_texts(layer.container)):
                what = f"the properties of the container of layer '{layer.name}' are not valid: {fault}"
                yield Problem(layer.location, LAM093, what, "name members of ContainerProperties of the AWS Batch API")


def _faults(layer: LayerNode, given: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(RESERVED.keys() & given.keys()):
        yield f"{name} is set by {RESERVED[name]}"
    yield from _of_model({name: value for name, value in given.items() if name not in RESERVED})
    if on_ec2(layer.placement):
        lacking = _ONLY_ON_FARGATE & given.keys()
    else:
        members = {f"linuxParameters.{name}" for name in _map(given.get("linuxParameters"))}
        lacking = (_ONLY_ON_EC2 & given.keys()) | (members - {f"linuxParameters.{name}" for name in _LINUX_OF_FARGATE})
        if any("host" in volume for volume in maps(given.get("volumes"))):
            lacking |= {"volumes.host"}
    yield from _out_of_place(layer.container, given)
    yield from (f"jobs on {'EC2' if on_ec2(layer.placement) else 'Fargate'} have no {name}" for name in sorted(lacking))


def _out_of_place(container: Container, given: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is a valid member by the model, and wrong beside the others."""
    for (name, member), (least, most) in _RANGES.items():
        value = _map(given.get(name)).get(member)
        if type(value) is int and not least <= value <= most:
            yield f"{name}.{member} is {value}, and must be from {least} to {most}"
    if "cpuArchitecture" in _map(given.get("runtimePlatform")):
        # The function that plans the layer has the same image.
        yield "runtimePlatform.cpuArchitecture is set by Container(architecture=...)"
    named = {str(item["name"]) for item in maps(given.get("volumes")) if "name" in item}
    named |= {volume["name"] for volume in volumes_of(container)}
    for point in maps(given.get("mountPoints")):
        source = point.get("sourceVolume")
        if isinstance(source, str) and not isinstance(source, _Unknown) and source not in named:
            yield f"mountPoints.sourceVolume is {source!r}, and no volume of the container has this name"


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


class _Unknown(str):
    """The text that only an environment knows."""

    __slots__ = ()


def with_texts(container: Container) -> dict[str, Any]:
    """Return the further properties of a container, with defaults in the places of variables.

    Args:
        container: The container.
    """
    given = container.requested.get("properties", "{}")
    return properties_of(given, lambda item: _Unknown(item.expression) if item.default is None else item.default)


def maps(value: Any) -> list[Mapping[str, Any]]:
    """Return the maps of a list, none if a value is no list of maps: then it is not valid by the model."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


@functools.cache
def _shape() -> Any:
    """Return botocore's model of a container of a job definition. It takes a while to load."""
    import botocore.session

    model = botocore.session.get_session().get_service_model("batch")
    return model.shape_for("ContainerProperties")


def _of_model(given: Mapping[str, Any]) -> Iterator[str]:
    from botocore.validate import ParamValidator

    shape = _shape()
    report = ParamValidator().validate(given, shape)
    if report.has_errors():
        # The list of what is accepted is long, and grows with botocore.
        # Its errors name the class of a value; for a reader a variable is text.
        lines = report.generate_report().replace(repr(_Unknown), repr(str)).splitlines()
        yield from (line.partition(", must be one of")[0] for line in lines)
    else:
        yield from _unknown_words(given, shape, "")


def _unknown_words(value: Any, shape: Any, place: str) -> Iterator[str]:
    """Yield the texts that are none of the words of an enumeration: botocore does not check these."""
    match value:
        case dict():
            for name, item in value.items():
                inner = shape.members[name] if shape.type_name == "structure" else shape.value
                yield from _unknown_words(item, inner, f"{place}.{name}".lstrip("."))
        case list():
            for item in value:
                yield from _unknown_words(item, shape.member, place)
        case str() if getattr(shape, "enum", None) and value not in shape.enum and not isinstance(value, _Unknown):
            yield f"{place} is {value!r}, and must be one of {', '.join(shape.enum)}"
        case _:
            return
