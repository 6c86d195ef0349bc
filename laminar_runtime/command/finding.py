"""Finds what a command is about: a flow on this machine, a deployment, or what an entry point of another package finds.

::

    flow.py, flow.py:Report, reports.daily    runs of the flow on this machine, in the datastore of its file
    the same with --deployed                  the flow's deployment, with the parameters that the file declares
    nightly                                   the deployment of that name
    arn:aws:states:...                        the deployment of a state machine, or one execution of it
    rehearsal:Report                          what the entry point `rehearsal` of the group `GROUP` finds
"""

from __future__ import annotations

import re

from laminar_runtime.command.targets import Target
from laminar_runtime.exceptions import FlowError

__all__ = ["GROUP", "find"]

#: The group of the entry points that find other targets. Each is a function of the text behind the colon.
GROUP = "laminar.targets"


def find(text: str, *, deployed: bool = False) -> Target:
    """Find a target.

    Args:
        text: What the user named.
        deployed: Whether the deployment of the flow of a file is meant.

    Raises:
        FlowError: If the file does not define the flow.
        NotFoundError: If there is no such deployment.
    """
    if re.match(r"arn:[a-z-]+:states:", text):
        from laminar_runtime.command.deployed_target import find_by_arn

        return find_by_arn(text)
    if _names_file(text):
        return _of_file(text, deployed=deployed)
    if (other := re.fullmatch(r"([a-z][a-z0-9_-]+):(.+)", text)) is not None:
        return _of_entry_point(*other.groups())
    from laminar_runtime.command.deployed_target import find_by_name

    return find_by_name(text)


def _names_file(text: str) -> bool:
    """Return whether a text names a file or a module. A deployment's name has no dots and no slashes."""
    from pathlib import Path

    name = text.rpartition(":")[0] or text
    return any(Path(one).is_file() for one in (text, name)) or any(sign in text for sign in "./\\")


def _of_file(text: str, *, deployed: bool) -> Target:
    from laminar_runtime import flow_files

    file = flow_files.read(text)
    if deployed:
        from laminar_runtime.command.deployed_target import find_of_file

        return find_of_file(file, text)
    from laminar_runtime.command.local_target import LocalTarget

    return LocalTarget(file, text)


def _of_entry_point(name: str, rest: str) -> Target:
    from importlib.metadata import entry_points  # slow to import, so only for such targets

    known = {one.name: one for one in entry_points(group=GROUP)}
    if name not in known:
        there = f"there are {', '.join(f'{one}:' for one in sorted(known))}" if known else "none is installed"
        raise FlowError(f"'{name}:{rest}' is no target: '{name}:' is no kind of targets, {there}")
    target: Target = known[name].load()(rest)
    return target
