"""The rules of AWS Batch for containers, on EC2 and on Fargate.

https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from laminar_codegen.limits import FARGATE_STORAGE, JOB_DEFINITION_BYTES
from laminar_codegen.rehearsal.batch_requests import FARGATE, Json, RefusedError, check_environment, check_resources

_STORAGE_GIB = range(FARGATE_STORAGE[0], FARGATE_STORAGE[1] + 1)
_LOG_DRIVERS_OF_FARGATE = frozenset({"awslogs", "splunk"})
_ARCHITECTURES = frozenset({"X86_64", "ARM64"})
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
