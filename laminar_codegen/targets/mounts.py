"""The statements by which a role mounts volumes, whatever target mounts them.

::

    EFS("fs-0123456789abcdef0", mount="/mnt/models", access_point="fsap-0123456789abcdef0")

    MountAccessPoints: elasticfilesystem:ClientMount, elasticfilesystem:ClientWrite
      on arn:...:file-system/fs-0123456789abcdef0
      if elasticfilesystem:AccessPointArn is arn:...:access-point/fsap-0123456789abcdef0

A file system belongs to root, and takes root for nobody unless the role has ``ClientRootAccess``. An access point has a
user of its own.

Tasks mount file systems of their own account and region: an ARN is another spelling of an id. An access point belongs
to one file system. So one statement for several of them allows nothing else.
https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.policies.sizes import Fitted, fit
from laminar_codegen.policies.statement import Statement, regional
from laminar_codegen.targets.volumes import id_of

__all__ = ["mount_statements", "with_mounts"]

_SERVICE = "elasticfilesystem"
_FILE_SYSTEM, _ACCESS_POINT = "file-system/", "access-point/"
_MOUNT, _WRITE, _ROOT = (f"{_SERVICE}:Client{action}" for action in ("Mount", "Write", "RootAccess"))


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
    """Yield the statements to mount the volumes of the layers with a role.

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
