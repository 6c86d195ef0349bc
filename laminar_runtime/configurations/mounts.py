"""Mount points: what a container cannot have, and the members of a job definition for its volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from laminar_runtime.configurations import volume_folders

__all__ = ["job_members", "mount_faults"]

#: The folders of an image that a volume would hide, and those of the system, in which there are no mount points.
_OF_IMAGES = frozenset(
    """
    / /bin /boot /etc /etc/pki /etc/ssl /etc/ssl/certs /lib /lib32 /lib64 /opt /run /sbin /usr /usr/share
    /usr/local/share /var /var/lib /var/run
    """.split()  # noqa: SIM905 - a list of many lines would hide the rest
)
#: The folders with programs and libraries, in which every folder may have some: Python is in /usr/local/lib.
_OF_PROGRAMS = ("/bin", "/boot", "/lib", "/lib32", "/lib64", "/sbin", "/usr")
#: The folders among them that are for data.
_OF_DATA = ("/usr/share", "/usr/local/share")
_OF_SYSTEM = ("/dev", "/proc", "/sys")
#: The folders that may well be in memory: no file of an image that is needed is in them.
_OF_MEMORY = frozenset({"/dev/shm", "/run", "/tmp", "/var/run"})  # noqa: S108 - paths in the container
#: The folder of a task's own temporary files.
_TEMPORARY = "/tmp"  # noqa: S108 - the path in the container


def mount_faults(
    places: Iterable[tuple[str, str]],
    workdir: str,
    taken: Iterable[str],
    named: Iterable[str] = (),
    memory: Iterable[str] = (),
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with mount points of a container, and how to fix it.

    Args:
        places: The names of volumes, each with its mount point.
        workdir: The working directory, which has the flow.
        taken: The mount points that the container has otherwise.
        named: The names of volumes that it has otherwise.
        memory: The folders of its file systems in memory.

    Example:
        >>> [what for what, _ in mount_faults([("data", "/laminar")], "/laminar", [])]
        ["the volume 'data' is mounted at /laminar, which hides the files of the flow"]
    """
    taken, memory = ([path.rstrip("/") or "/" for path in paths] for paths in (taken, memory))
    for path in dict.fromkeys((*taken, *memory)):
        hidden = "" if path in memory and path in _OF_MEMORY else _files_under(path, workdir)
        if hidden:
            what = "a file system in memory (tmpfs)" if path in memory else "a mount point of its properties"
            yield f"{what} is at {path}, which hides {hidden}", "choose a folder that the image does not need"
    at = dict.fromkeys((*taken, *memory), "another setting of the container")
    names = dict.fromkeys(named, "as its properties say")
    for name, mount in places:
        what = f"the volume '{name}' is mounted at {mount}"
        if mount in at:
            yield f"{what}, and so is {at[mount]}", "give one of them another mount point"
        elif name in names:
            fix = "give one of them a name: EFS(..., name=...) or Host(..., name=...)"
            yield f"two volumes have the name '{name}': mounted at {mount}, and {names[name]}", fix
        at.setdefault(mount, f"the volume '{name}'")
        names.setdefault(name, f"at {mount}")
        hidden = _files_under(mount, workdir)
        if hidden:
            yield f"{what}, which hides {hidden}", "choose a folder that the image does not need, such as /mnt/data"


def _files_under(mount: str, workdir: str) -> str:
    if mount in _OF_IMAGES or (_is_in(mount, _OF_PROGRAMS) and not _is_in(mount, _OF_DATA)):
        return "files of the image"
    if _is_in(mount, _OF_SYSTEM):
        return "files of the system"
    if f"{workdir}/".startswith(f"{mount}/"):
        return "the files of the flow"
    return "the temporary files of a task" if mount == _TEMPORARY else ""


def _is_in(mount: str, folders: Iterable[str]) -> bool:
    return any(f"{mount}/".startswith(f"{folder}/") for folder in folders)


def job_members(given: Iterable[Mapping[str, Any]], id_of: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the members of a container of AWS Batch for its volumes.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html

    Args:
        given: The fields of the volumes, without those that are None or False, if you like.
        id_of: Returns the id of a file system or an access point, given its id or ARN.
    """
    given = [*given]
    return {
        "environment": [{"name": volume_folders.variable_of(one["name"]), "value": one["mount"]} for one in given],
        "mountPoints": [
            {"containerPath": one["mount"], "readOnly": bool(one.get("read_only")), "sourceVolume": one["name"]}
            for one in given
        ],
        "volumes": [{**_source(one, id_of), "name": one["name"]} for one in given],
    }


def _source(volume: Mapping[str, Any], id_of: Callable[[Any], Any]) -> dict[str, Any]:
    if "source" in volume:
        return {"host": {"sourcePath": volume["source"]}}
    point, root = volume.get("access_point"), volume.get("root")
    asked = {
        **({} if point is None else {"accessPointId": id_of(point)}),
        **({"iam": "ENABLED"} if volume.get("iam") else {}),
    }
    configuration = {
        **({"authorizationConfig": asked} if asked else {}),
        "fileSystemId": id_of(volume["file_system"]),
        **({} if root is None else {"rootDirectory": root}),
        "transitEncryption": "ENABLED" if volume.get("transit_encryption") else "DISABLED",
    }
    return {"efsVolumeConfiguration": configuration}
