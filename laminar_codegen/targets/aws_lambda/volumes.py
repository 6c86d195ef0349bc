"""The file system of a function: AWS Lambda connects a function in a VPC to one, by an access point.

Before: ``Container(volumes=[EFS("fs-0123abcd", mount="/mnt/models", access_point="fsap-0123abcd")])``. After::

    file_system_config {
      arn              = "arn:...:access-point/fsap-0123abcd"
      local_mount_path = "/mnt/models"
    }

https://docs.aws.amazon.com/lambda/latest/dg/configuration-filesystem.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laminar_codegen.ir.expressions import Value
from laminar_codegen.ir.placement import Network, Placement
from laminar_codegen.policies.statement import regional
from laminar_codegen.targets.forms import Form
from laminar_codegen.targets.volumes import id_of, places, volumes_of

__all__ = ["arguments_of", "mount_of", "places_of", "refusal", "variables_of", "volumes_by_iam"]

#: The mount point of a function: https://docs.aws.amazon.com/lambda/latest/api/API_FileSystemConfig.html
_MOUNT, _MOUNT_LENGTH = re.compile("/mnt/[a-zA-Z0-9_.-]+"), 160


def refusal(placement: Placement) -> tuple[str, str] | None:
    """Return why the function of a placement has not the volumes of its container, and how to fix it.

    Args:
        placement: The container and the target of a layer on AWS Lambda.

    Returns:
        None if it has them, or there are none.
    """
    volumes = volumes_of(placement.container)
    if not volumes:
        return None
    if len(volumes) > 1:
        return "a function has one file system", "keep one of its volumes"
    return _refusal_of(volumes[0], placement.target.network)


def _refusal_of(volume: Mapping[str, Any], network: Network | None) -> tuple[str, str] | None:
    if "source" in volume:
        return "a function runs on no instance, so it has no folders of one", "mount a file system: EFS(...)"
    if volume.get("access_point") is None:
        return "a function mounts a file system by an access point only", "add one: EFS(..., access_point=...)"
    if not _MOUNT.fullmatch(volume["mount"]) or len(volume["mount"]) > _MOUNT_LENGTH:
        what = f"a function has a file system at /mnt/ and a name of letters, digits, -, _ and ., not {volume['mount']}"
        return what, 'use such a mount point of at most 160 characters, as in mount="/mnt/models"'
    if network is None:
        fix = "give it a network, as in executors.AWS.Lambda(network=Network(subnets=..., security_groups=...))"
        return "a function outside of a VPC reaches no file system", fix
    return None


def mount_of(placement: Placement) -> Mapping[str, Any] | None:
    """Return the fields of the volume that the function of a placement mounts, None if it mounts none.

    Args:
        placement: The container and the target of a layer on AWS Lambda.
    """
    volumes = volumes_of(placement.container)
    return volumes[0] if volumes and refusal(placement) is None else None


def arguments_of(placement: Placement) -> dict[str, Value]:
    """Return the arguments of a function for its volume.

    Args:
        placement: The container and the target of its layer.
    """
    volume = mount_of(placement)
    if volume is None:
        return {}
    point = regional("elasticfilesystem", "access-point/", id_of(volume["access_point"]))
    return {"file_system_config": {"arn": point, "local_mount_path": volume["mount"]}}


def places_of(placement: Placement) -> Iterator[tuple[Any, Form]]:
    """Yield what the volume of a function names, each with its form.

    Args:
        placement: The container and the target of its layer.
    """
    volume = mount_of(placement)
    return places([] if volume is None else [volume])


def variables_of(placement: Placement) -> dict[str, Value]:
    """Return the variables of a function by which its code finds the volume.

    Args:
        placement: The container and the target of its layer.
    """
    volume = mount_of(placement)
    if volume is None:
        return {}
    from laminar_runtime.configurations.volume_folders import variable_of  # few functions have volumes

    return {variable_of(volume["name"]): volume["mount"]}


def volumes_by_iam(placements: Iterable[Placement]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Yield the volumes of functions, in a stable order: AWS Lambda mounts each in the name of the function's role.

    Args:
        placements: The containers and the targets of their layers.

    Yields:
        A volume, and whether root mounts it: an access point has a user of its own.
    """
    found = [volume for placement in placements if (volume := mount_of(placement)) is not None]
    known = {str((one["file_system"], one["access_point"], one.get("read_only"))): one for one in found}
    yield from ((known[key], False) for key in sorted(known))
