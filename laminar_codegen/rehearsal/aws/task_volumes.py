"""The volumes of a Batch job, or of a function: folders of this machine, whose paths stand for mount points.

A task finds a volume by a variable of its job, whose value is a mount point of its container (`Volume.path`). Here the
value becomes the folder. A variable that names no mount point keeps its value, as it does on AWS.

A folder may be given by the name of a volume. Otherwise it is made: one for each file system and access point, with the
root directories in it, and one for each folder of an instance. So jobs that mount one file system share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from laminar_runtime import task_environment

__all__ = ["TaskVolumes", "mount_points"]


@attrs.frozen
class TaskVolumes:
    """The folders of volumes.

    Args:
        made: Where folders are made.
        given: Folders by the names of their volumes.
    """

    made: Path
    given: Mapping[str, Path] = attrs.field(factory=dict)

    def variables(self, container: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of a job that name mount points, with folders for values. Folders are made.

        Args:
            container: The container properties of the job's definition.
            environment: The variables of the job.
        """
        folders = {point.get("containerPath"): self._folder(volume) for point, volume in mount_points(container)}
        return {
            name: str(folders[value])
            for name, value in environment.items()
            if name.startswith(task_environment.VOLUME) and value in folders
        }

    def _folder(self, volume: Mapping[str, Any]) -> Path:
        given = self.given.get(volume["name"])
        if given is not None:
            return given
        folder = self.made.joinpath(*_parts(volume))
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _parts(volume: Mapping[str, Any]) -> Iterator[str]:
    system = volume.get("efsVolumeConfiguration")
    if system is None:
        # Without a path the folder is that of one job; it is kept here.
        yield "host"
        yield _inside((volume.get("host") or {}).get("sourcePath") or volume["name"])
        return
    point = (system.get("authorizationConfig") or {}).get("accessPointId")
    # An access point belongs to one file system, and a function names no other thing.
    yield point or system["fileSystemId"]
    yield _inside(system.get("rootDirectory") or "")


def _inside(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in {"", ".", ".."})


def mount_points(container: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield the mount points of a container, each with its volume.

    Args:
        container: The container properties of a job definition.
    """
    entries: Iterable[Mapping[str, Any]] = container.get("volumes") or ()
    volumes = {volume.get("name"): volume for volume in entries}
    for point in container.get("mountPoints") or ():
        if volume := volumes.get(point.get("sourceVolume")):
            yield point, volume
