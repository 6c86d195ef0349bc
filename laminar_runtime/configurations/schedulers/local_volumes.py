"""Volumes on this machine: a run checks them before anything starts, and says once where they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from laminar_runtime.configurations import mounts, volume_folders
from laminar_runtime.configurations.containers import Container
from laminar_runtime.exceptions import FlowError

if TYPE_CHECKING:
    from laminar_runtime.configurations.volumes import Volume
    from laminar_runtime.flow import Flow

__all__ = ["notes"]


def notes(flow: Flow) -> Iterator[str]:
    """Yield a line that says where volumes are on this machine, and one with names of the command line that none has.

    Args:
        flow: The flow.

    Raises:
        FlowError: If mount points cannot be, or the folder of a volume does not exist.
    """
    found: dict[Volume, bool] = {}
    problems: list[str] = []
    for name, definition in flow.registry.items():
        container: Container = definition.configuration.container
        if not (container.volumes or container.tmpfs):
            continue
        places = [(volume.name, volume.mount) for volume in container.volumes]
        faults = mounts.mount_faults(places, container.workdir, (), memory=container.tmpfs)
        problems += [f"layer '{name}' of flow '{flow.name}': {what}; {fix}" for what, fix in faults]
        executor = definition.configuration.executor or flow.configuration.executor
        # A runner of the user's own need not be an `Executor`.
        finds = getattr(executor, "finds_volumes", lambda: "folder")()
        if finds != "aws":
            for volume in container.volumes:
                found[volume] = found.get(volume, True) and finds == "mount"
    if problems:
        raise FlowError("\n".join(problems))
    yield from _folders(found)
    known = {volume.name for volume in found}
    if known and (unknown := volume_folders.folders_in(sys.argv[1:]).keys() - known):
        names = ", ".join(sorted(unknown))
        yield f"{volume_folders.OPTION} names {names}; the volumes of flow '{flow.name}' are {', '.join(sorted(known))}"


def _folders(found: dict[Volume, bool]) -> Iterator[str]:
    """Yield the line.

    Args:
        found: The volumes, each with whether all tasks find it at its mount point.
    """
    places, missing = [], list[str]()
    for volume, mounted in sorted(found.items(), key=lambda item: (item[0].name, item[0].mount)):
        given = volume_folders.find_folder(volume.name)
        if given is None:
            missing += [] if volume.name in missing else [volume.name]
        if given is None or not mounted:
            places.append(f"{volume.name} is {volume_folders.folder_of(volume.name)} instead of {volume.mount}")
    if places:
        own = " ".join(f"{volume_folders.OPTION} {name}=DIR" for name in missing)
        yield (
            f"volumes are folders of this machine, which their path names: {', '.join(places)}"
            f"{f'. Other folders: {own}' if missing else ''}"
        )
