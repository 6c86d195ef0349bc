"""The permissions of tasks: artifacts, and the volumes that their layers mount, and no others.

Without an access point, a task is the user of its container at the file system, most often root. An access point has a
user of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Ref
from laminar_codegen.policies import datastore
from laminar_codegen.policies.sizes import Fitted
from laminar_codegen.targets.batch.target import batch_target
from laminar_codegen.targets.mounts import mount_statements, with_mounts
from laminar_codegen.targets.volumes import volumes_of

__all__ = ["for_layers_with", "for_tasks"]


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
