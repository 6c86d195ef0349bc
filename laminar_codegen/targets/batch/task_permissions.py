"""The permissions of tasks: artifacts, and the volumes that their layers mount, and no others.

::

    EFS("fs-0123456789abcdef0", mount="/mnt/models", access_point="fsap-0123456789abcdef0")

    MountAccessPoints: elasticfilesystem:ClientMount, elasticfilesystem:ClientWrite
      on arn:...:file-system/fs-0123456789abcdef0
      if elasticfilesystem:AccessPointArn is arn:...:access-point/fsap-0123456789abcdef0

Jobs mount file systems of their own account and region: an ARN is another spelling of an id. An access point belongs to
one file system. So one statement for several of them allows nothing else.
https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.policies import datastore
from laminar_codegen.policies.sizes import Fitted, fit
from laminar_codegen.policies.statement import Statement, regional
from laminar_codegen.targets.batch.target import batch_target
from laminar_codegen.targets.batch.volumes import id_of, volumes_of

__all__ = ["for_layers_with", "for_tasks"]

_SERVICE = "elasticfilesystem"
_FILE_SYSTEM, _ACCESS_POINT = "file-system/", "access-point/"
_MOUNT, _WRITE = f"{_SERVICE}:ClientMount", f"{_SERVICE}:ClientWrite"


def for_tasks(deployment: Deployment) -> Fitted:
    """Return the permissions of tasks without a role of their layer's own: artifacts and volumes.

    Args:
        deployment: The deployment.
    """
    return _with_mounts(deployment, None, datastore.for_tasks(deployment))


def for_layers_with(deployment: Deployment, role: str) -> Fitted:
    """Return the permissions of the tasks of layers that name a role: artifacts and volumes.

    Args:
        deployment: The deployment.
        role: The label of the role.
    """
    return _with_mounts(deployment, role, datastore.for_layers_with(deployment, role))


def _with_mounts(deployment: Deployment, role: str | None, others: Fitted) -> Fitted:
    found = (*others.statements, *_mount_statements(deployment, role))
    return others if len(found) == len(others.statements) else fit(deployment, lambda _: found)


def _mount_statements(deployment: Deployment, role: str | None) -> Iterator[Statement]:
    """Yield the statements to mount the volumes of the layers with a role. Volumes that ask no role need none.

    Args:
        deployment: The deployment.
        role: The label of the role, None for that of all layers without another.
    """
    found: dict[tuple[Any, Any], bool] = {}
    for volume in _volumes_of_role(deployment, role):
        key = volume["file_system"], volume.get("access_point")
        found[key] = found.get(key, False) or not volume.get("read_only")
    for pointed, end in ((True, "AccessPoints"), (False, "FileSystems")):
        for written, begin in ((True, "Mount"), (False, "MountToRead")):
            those = [key for key, writes in found.items() if (key[1] is not None) is pointed and writes is written]
            if those:
                yield _statement(f"{begin}{end}", those, written=written)


def _statement(sid: str, those: Iterable[tuple[Any, Any]], *, written: bool) -> Statement:
    systems = dict.fromkeys(regional(_SERVICE, _FILE_SYSTEM, id_of(system)) for system, _ in those)
    points = dict.fromkeys(regional(_SERVICE, _ACCESS_POINT, id_of(point)) for _, point in those if point is not None)
    conditions = (("StringEquals", f"{_SERVICE}:AccessPointArn", tuple(points)),) if points else ()
    return Statement(sid, (_MOUNT, _WRITE) if written else (_MOUNT,), tuple(systems), conditions)


def _volumes_of_role(deployment: Deployment, role: str | None) -> Iterator[dict[str, Any]]:
    """Yield the volumes of the layers with a role that ask IAM, in a stable order."""
    placements = dict.fromkeys(item for graph in deployment.graphs for item in graph.placements)
    found = {
        str((volume["file_system"], volume.get("access_point"), volume.get("read_only"))): volume
        for item in placements
        if (target := batch_target(item)) is not None and target.role == role
        for volume in volumes_of(item.container)
        if volume.get("iam")
    }
    return (found[key] for key in sorted(found))
