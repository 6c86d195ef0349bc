"""The permissions of tasks: artifacts, and the volumes that their layers mount, and no others.

::

    EFS("fs-0123456789abcdef0", mount="/mnt/models", access_point="fsap-0123456789abcdef0")

    MountAccessPoints: elasticfilesystem:ClientMount, elasticfilesystem:ClientWrite
      on arn:...:file-system/fs-0123456789abcdef0
      if elasticfilesystem:AccessPointArn is arn:...:access-point/fsap-0123456789abcdef0

Without an access point, a task is the user of its container at the file system, most often root. A file system belongs
to root, and takes root for nobody unless the role has ``ClientRootAccess``. An access point has a user of its own.

Jobs mount file systems of their own account and region: an ARN is another spelling of an id. An access point belongs to
one file system. So one statement for several of them allows nothing else.
https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Ref
from laminar_codegen.policies import datastore
from laminar_codegen.policies.sizes import Fitted, fit
from laminar_codegen.policies.statement import Statement, regional
from laminar_codegen.targets.batch.target import batch_target
from laminar_codegen.targets.batch.volumes import id_of, volumes_of

__all__ = ["for_layers_with", "for_tasks", "mount_statements", "with_mounts"]

_SERVICE = "elasticfilesystem"
_FILE_SYSTEM, _ACCESS_POINT = "file-system/", "access-point/"
_MOUNT, _WRITE, _ROOT = (f"{_SERVICE}:Client{action}" for action in ("Mount", "Write", "RootAccess"))


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
    return with_mounts(deployment, others, mount_statements(_volumes_of_role(deployment, role)))


def with_mounts(deployment: Deployment, others: Fitted, mounts: Iterable[Statement]) -> Fitted:
    """Return the permissions of a role with those to mount volumes.

    Args:
        deployment: The deployment.
        others: What the role may do besides.
        mounts: The statements to mount volumes.
    """
    found = (*others.statements, *mounts)
    return others if len(found) == len(others.statements) else fit(deployment, lambda _: found)


def mount_statements(volumes: Iterable[tuple[Mapping[str, Any], bool]]) -> Iterator[Statement]:
    """Yield the statements to mount the volumes of the layers with a role. Volumes that ask no role need none.

    Args:
        volumes: The fields of the volumes that ask IAM, each with whether root mounts it.
    """
    found: dict[tuple[Any, Any], tuple[bool, bool]] = {}
    for volume, root in volumes:
        point = volume.get("access_point")
        key = id_of(volume["file_system"]), None if point is None else id_of(point)
        written, as_root = found.get(key, (False, False))
        found[key] = written or not volume.get("read_only"), as_root or (root and point is None)
    for pointed, end in ((True, "AccessPoints"), (False, "FileSystems")):
        for written, begin in ((True, "Mount"), (False, "MountToRead")):
            for as_root, user in ((False, ""), (True, "AsRoot")):
                those = [
                    key for key, asked in found.items() if (key[1] is not None, *asked) == (pointed, written, as_root)
                ]
                actions = (_MOUNT, *([_WRITE] if written else []), *([_ROOT] if as_root else []))
                if those:
                    yield _statement(f"{begin}{end}{user}", those, actions)


def _statement(sid: str, those: Iterable[tuple[Any, Any]], actions: tuple[str, ...]) -> Statement:
    systems = dict.fromkeys(regional(_SERVICE, _FILE_SYSTEM, system) for system, _ in those)
    points = dict.fromkeys(regional(_SERVICE, _ACCESS_POINT, point) for _, point in those if point is not None)
    conditions = (("StringEquals", f"{_SERVICE}:AccessPointArn", tuple(points)),) if points else ()
    return Statement(sid, actions, tuple(systems), conditions)


def _volumes_of_role(deployment: Deployment, role: str | None) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield the volumes of the layers with a role that ask IAM, and whether root mounts them, in a stable order."""
    placements = dict.fromkeys(item for graph in deployment.graphs for item in graph.placements)
    found = {
        str((volume["file_system"], volume.get("access_point"), volume.get("read_only"), root)): (volume, root)
        for item in placements
        if (target := batch_target(item)) is not None and target.role == role
        for root in (_is_root(item.container.requested.get("user")),)
        for volume in volumes_of(item.container)
        if volume.get("iam")
    }
    return (found[key] for key in sorted(found))


def _is_root(user: str | Ref | None) -> bool:
    """Return whether a user may be root, as that of a container which names none is unless its image does."""
    return not isinstance(user, str) or user.partition(":")[0] in {"", "0", "root"}
