"""The rules of volumes on AWS Batch: where they can be, at which mount points, and one name for each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM095, LAM096, LAM097
from laminar_codegen.targets.batch.further_properties import maps, with_texts
from laminar_codegen.targets.batch.target import batch_target, layers_on_batch, on_ec2
from laminar_codegen.targets.volumes import id_of, volumes_of
from laminar_runtime.configurations import mounts
from laminar_runtime.configurations.containers import DEFAULT_WORKDIR

__all__ = ["VOLUME_RULES", "check_mount_points", "check_names", "check_places"]

#: The first platform version of Fargate with file systems of Amazon EFS:
#: https://docs.aws.amazon.com/batch/latest/userguide/efs-volumes.html
_FIRST_VERSION = (1, 4, 0)


def check_places(graph: Graph) -> Iterator[Problem]:
    """Check that jobs have such volumes where they run: Fargate has no folders of instances."""
    for layer in _with_volumes(graph):
        if on_ec2(layer.placement):
            continue
        volumes = volumes_of(layer.container)
        for volume in volumes:
            if "source" in volume:
                what = f"layer '{layer.name}' mounts '{volume['name']}', a folder of an instance; Fargate has none"
                fix = (
                    'run the layer on EC2, as in register(executor=executors.AWS.Batch(platform="EC2")), or mount a '
                    "file system: EFS(...)"
                )
                yield Problem(layer.location, LAM095, what, fix)
        version = (with_texts(layer.container).get("fargatePlatformConfiguration") or {}).get(
            "platformVersion", "LATEST"
        )
        if any("file_system" in volume for volume in volumes) and _numbers(version) < _FIRST_VERSION:
            what = f"layer '{layer.name}' mounts a file system; the platform version {version} of Fargate has none"
            yield Problem(layer.location, LAM095, what, "leave platformVersion out, or use 1.4.0")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split("."))) if re.fullmatch(r"[0-9]+(\.[0-9]+)*", version) else _FIRST_VERSION


def check_mount_points(graph: Graph) -> Iterator[Problem]:
    """Check that no volume hides what a task needs, and that the mount points and names of a container differ."""
    for layer in layers_on_batch(graph):
        container, given = layer.container, with_texts(layer.container)
        volumes = volumes_of(container) if "volumes" in container.requested else ()
        places = [(volume["name"], volume["mount"]) for volume in volumes]
        # What Container(properties=...) adds.
        linux = given.get("linuxParameters")
        tmpfs = linux.get("tmpfs") if isinstance(linux, dict) else ()
        taken, memory = _paths(given.get("mountPoints")), [*dict(container.requested.get("tmpfs", ())), *_paths(tmpfs)]
        named = [str(item.get("name")) for item in maps(given.get("volumes"))]
        faults = mounts.mount_faults(places, container.workdir or DEFAULT_WORKDIR, taken, named, memory)
        for what, fix in faults:
            yield Problem(layer.location, LAM096, f"layer '{layer.name}': {what}", fix)


def _paths(value: Any) -> list[str]:
    """Return the folders of mount points, or of file systems in memory, of properties."""
    return [str(item["containerPath"]) for item in maps(value) if "containerPath" in item]


def check_names(graph: Graph) -> Iterator[Problem]:
    """Check that a name means one volume in all layers: on this machine it has one folder."""
    first: dict[str, tuple[LayerNode, list[Any]]] = {}
    for layer in graph.layers:
        if "volumes" in layer.inherited and not batch_target(layer.placement):
            continue  # of a function that may go without them
        for volume in volumes_of(layer.container):
            source = _source(volume)
            other, known = first.setdefault(volume["name"], (layer, source))
            if other is not layer and source != known:
                what = f"layers '{other.name}' and '{layer.name}' have different volumes of the name '{volume['name']}'"
                fix = "give one of them another name: EFS(..., name=...) or Host(..., name=...)"
                yield Problem(layer.location, LAM097, what, fix)


def _source(volume: Mapping[str, Any]) -> list[Any]:
    """Return what a volume is, however it is named: by an id or by an ARN."""
    named = (volume.get(name) for name in ("file_system", "access_point"))
    ids = [None if value is None else id_of(value) for value in named]
    return [*ids, volume.get("root"), volume.get("source")]


def _with_volumes(graph: Graph) -> Iterator[LayerNode]:
    return (layer for layer in layers_on_batch(graph) if "volumes" in layer.container.requested)


#: The rules of this module.
VOLUME_RULES = (check_places, check_mount_points, check_names)
