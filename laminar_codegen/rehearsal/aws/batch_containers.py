"""The rules of AWS Batch for containers, on EC2 and on Fargate.

https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from laminar_codegen.limits import FARGATE_STORAGE, JOB_DEFINITION_BYTES
from laminar_codegen.rehearsal.batch_requests import FARGATE, Json, RefusedError, check_environment, check_resources

_STORAGE_GIB = range(FARGATE_STORAGE[0], FARGATE_STORAGE[1] + 1)
_LOG_DRIVERS_OF_FARGATE = frozenset({"awslogs", "splunk"})
_ARCHITECTURES = frozenset({"X86_64", "ARM64"})
_VOLUME = re.compile("[A-Za-z0-9_-]{1,255}")
_FILE_SYSTEM, _ACCESS_POINT = re.compile("fs-[0-9a-f]{8,40}"), re.compile("fsap-[0-9a-f]{8,40}")
#: The platform versions of Fargate before Amazon EFS.
_WITHOUT_EFS = ("1.0.", "1.1.", "1.2.", "1.3.")
_ONLY_ON_EC2 = ("privileged", "ulimits", "instanceType")
_ONLY_ON_FARGATE = ("networkConfiguration", "fargatePlatformConfiguration")
_LINUX_ONLY_ON_EC2 = ("devices", "maxSwap", "sharedMemorySize", "swappiness", "tmpfs")


def check_definition(container: Json, capabilities: Sequence[str]) -> None:
    """Check the container of a job definition. Raises RefusedError."""
    if len(json.dumps(container)) > JOB_DEFINITION_BYTES:
        raise RefusedError(f"A job definition has at most {JOB_DEFINITION_BYTES} bytes")
    check_environment(container.get("environment") or [])
    _check_secrets(container.get("secrets") or [])
    _check_platform(container)
    _check_volumes(container)
    if FARGATE in capabilities:
        _refuse(container, _ONLY_ON_EC2, "cannot be used on Fargate")
        _refuse(container.get("linuxParameters") or {}, _LINUX_ONLY_ON_EC2, "cannot be used on Fargate")
        _check_fargate(container)
    else:
        _refuse(container, _ONLY_ON_FARGATE, "cannot be used on EC2")
    check_resources(container.get("resourceRequirements") or [], capabilities)


def _check_fargate(container: Json) -> None:
    if not container.get("executionRoleArn"):
        raise RefusedError("executionRoleArn is required on Fargate")
    driver = (container.get("logConfiguration") or {}).get("logDriver", "awslogs")
    if driver not in _LOG_DRIVERS_OF_FARGATE:
        raise RefusedError(f"Fargate has the log drivers awslogs and splunk, not {driver}")
    volumes: Sequence[Json] = container.get("volumes") or []
    for volume in volumes:
        if "host" in volume:
            raise RefusedError(f"The volume {volume.get('name')} has a host, which cannot be used on Fargate")
    version = (container.get("fargatePlatformConfiguration") or {}).get("platformVersion", "LATEST")
    if any("efsVolumeConfiguration" in volume for volume in volumes) and version.startswith(_WITHOUT_EFS):
        raise RefusedError(f"The platform version {version} of Fargate has no Amazon EFS volumes")


def _check_volumes(container: Json) -> None:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_EFSVolumeConfiguration.html."""
    volumes: Sequence[Json] = container.get("volumes") or []
    for volume in volumes:
        if not _VOLUME.fullmatch(volume.get("name") or ""):
            raise RefusedError(f"A volume cannot have the name {volume.get('name')}")
        if (system := volume.get("efsVolumeConfiguration")) is not None:
            _check_file_system(system, container)
    names = [volume["name"] for volume in volumes]
    points: Sequence[Json] = container.get("mountPoints") or []
    paths = [point.get("containerPath") for point in points]
    for what, found in (("volume", names), ("mount point", paths)):
        if twice := {one for one in found if found.count(one) > 1}:
            raise RefusedError(f"The {what} {min(map(str, twice))} is there twice")
    for point in points:
        if point.get("sourceVolume") not in names:
            raise RefusedError(f"The mount point {point.get('containerPath')} names no volume of the container")


def _check_file_system(system: Json, container: Json) -> None:
    asked = system.get("authorizationConfig") or {}
    if not _FILE_SYSTEM.fullmatch(system.get("fileSystemId") or ""):
        raise RefusedError(f"{system.get('fileSystemId')} is not the id of a file system")
    point, iam = asked.get("accessPointId"), asked.get("iam", "DISABLED") == "ENABLED"
    if point is not None and not _ACCESS_POINT.fullmatch(point):
        raise RefusedError(f"{point} is not the id of an access point")
    if point is not None and system.get("rootDirectory", "/") != "/":
        raise RefusedError("rootDirectory must be omitted or / with an access point")
    if (point is not None or iam) and system.get("transitEncryption", "DISABLED") != "ENABLED":
        raise RefusedError("transitEncryption must be ENABLED with an access point or with IAM authorization")
    if iam and not container.get("jobRoleArn"):
        raise RefusedError("IAM authorization of a file system needs a jobRoleArn")


def _check_platform(container: Json) -> None:
    size = (container.get("ephemeralStorage") or {}).get("sizeInGiB")
    if size is not None and size not in _STORAGE_GIB:
        raise RefusedError(f"ephemeralStorage must be between 21 and 200 GiB, not {size}")
    architecture = (container.get("runtimePlatform") or {}).get("cpuArchitecture", "X86_64")
    if architecture not in _ARCHITECTURES:
        raise RefusedError(f"cpuArchitecture must be X86_64 or ARM64, not {architecture}")
    system = (container.get("runtimePlatform") or {}).get("operatingSystemFamily", "LINUX")
    if system != "LINUX" and not system.startswith("WINDOWS_SERVER_"):
        raise RefusedError(f"operatingSystemFamily must be LINUX or a WINDOWS_SERVER_, not {system}")
    address = (container.get("networkConfiguration") or {}).get("assignPublicIp", "DISABLED")
    if address not in ("ENABLED", "DISABLED"):
        raise RefusedError(f"assignPublicIp must be ENABLED or DISABLED, not {address}")


def _check_secrets(entries: Sequence[Json]) -> None:
    for entry in entries:
        if not entry.get("name") or not entry.get("valueFrom"):
            raise RefusedError(f"A secret needs name and valueFrom: {dict(entry)}")


def _refuse(settings: Json, names: Sequence[str], why: str) -> None:
    for name in names:
        if settings.get(name):
            raise RefusedError(f"{name} {why}")
