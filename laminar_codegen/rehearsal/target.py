"""The target ``rehearsal:NAME`` of the command ``laminar``: a deployment that a kept rehearsal runs."""

from __future__ import annotations

import os

from laminar_codegen.rehearsal.kept import kept_rehearsals
from laminar_runtime.command.deployed_target import DeployedTarget, find_by_name
from laminar_runtime.exceptions import NotFoundError

__all__ = ["find"]


def find(name: str) -> DeployedTarget:
    """Find a deployment on the embedded AWS of a rehearsal that ``laminar-codegen rehearse --keep`` keeps running.

    The calls of this process go there from now on.

    Args:
        name: The name of the deployment.

    Raises:
        NotFoundError: If no rehearsal of this user has it.
    """
    kept = kept_rehearsals()
    if name not in kept:
        there = f"there are {', '.join(sorted(kept))}" if kept else "none is kept"
        msg = f"no rehearsal of '{name}' runs: {there}. Start one: laminar-codegen rehearse --keep flow.py"
        raise NotFoundError(msg)
    os.environ.update(kept[name])
    return DeployedTarget(find_by_name(name).deployment, words=f"rehearsal:{name}")
