"""The options of containers on AWS Batch: one row for each field of `Container` that not every job definition has.

A new field is a row here, with its properties, its part of the label, and whether Fargate lacks it. No other module has
facts about the field on AWS Batch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.ir.expressions import Ref, Value, merge
from laminar_codegen.ir.placement import Container, properties_of, secret_options
from laminar_codegen.targets.batch.secrets import arn_of
from laminar_codegen.targets.volumes import id_of
from laminar_runtime.configurations import linux
from laminar_runtime.failures import redaction

__all__ = ["OPTIONS", "Option", "fargate_lacks", "in_digest", "named_secrets", "properties", "secrets_in", "words"]


def _nothing(_: Any) -> Mapping[str, Value]:
    return {}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Option:
    """An option of containers on AWS Batch.

    Args:
        properties: Returns the container properties that a job definition has for a value of it.
        platform: The only platform whose job definitions have these properties, None for both.
        word: Returns the word for a value in the label of a job definition. Without it the digest has the value.
        fargate_lacks: The name of the option, to follow "requests", if only EC2 has it.
        secrets: Returns the secrets in a value: ARNs, names or variables. The execution role reads them.
    """

    properties: Callable[[Any], Mapping[str, Value]] = _nothing
    platform: str | None = None
    word: Callable[[Any], str] | None = None
    fargate_lacks: str = ""
    secrets: Callable[[Any], Iterable[str | Ref]] = lambda _: ()


def named_secrets(pairs: Iterable[tuple[str, str | Ref]]) -> list[Value]:
    """Return secrets in the form of AWS Batch.

    Args:
        pairs: The names of variables, or of options, each with a secret.
    """
    return [{"name": name, "valueFrom": arn_of(secret)} for name, secret in pairs]


def _volume_members(volumes: Iterable[Iterable[tuple[str, Any]]]) -> Mapping[str, Value]:
    from laminar_runtime.configurations import mounts  # few containers have volumes

    return mounts.job_members(map(dict, volumes), id_of)


def _runtime_platform(architecture: str) -> dict[str, Value]:
    return {"runtimePlatform": {"cpuArchitecture": architecture.upper(), "operatingSystemFamily": "LINUX"}}


def _variables(pairs: Iterable[tuple[str, str]]) -> dict[str, Value]:
    return {"environment": [{"name": name, "value": value} for name, value in pairs]}


def _secrets(pairs: Iterable[tuple[str, str | Ref]]) -> dict[str, Value]:
    """Return secrets, and a variable with their names: errors show `***` in place of their values."""
    listed = [*pairs]
    return {"secrets": named_secrets(listed), **_variables(redaction.variable(name for name, _ in listed).items())}


def _values(pairs: Iterable[tuple[str, str | Ref]]) -> list[str | Ref]:
    return [value for _, value in pairs]


def _linux(member: str) -> Callable[[Any], Mapping[str, Value]]:
    return lambda value: {"linuxParameters": {member: value}}


def _tmpfs(pairs: Iterable[tuple[str, int]]) -> dict[str, Value]:
    return {"linuxParameters": {"tmpfs": [{"containerPath": path, "size": size} for path, size in pairs]}}


def _ulimits(pairs: Iterable[tuple[str, tuple[int, int]]]) -> dict[str, Value]:
    return {"ulimits": [{"hardLimit": hard, "name": name, "softLimit": soft} for name, (soft, hard) in pairs]}


_PERMISSIONS = {"r": "READ", "w": "WRITE", "m": "MKNOD"}


def _devices(devices: Iterable[str]) -> dict[str, Value]:
    found: list[Value] = []
    for host, inside, permissions in map(linux.device_parts, devices):
        words: list[Value] = [word for letter, word in _PERMISSIONS.items() if letter in permissions]
        found.append({"containerPath": inside, "hostPath": host, "permissions": words})
    return {"linuxParameters": {"devices": found}}


def _credentials(secret: str | Ref) -> dict[str, Value]:
    return {"repositoryCredentials": {"credentialsParameter": arn_of(secret)}}


#: The options by the fields of a container, in the order in which labels have them: a new field comes last. What is not
#: here each job definition has (command, image, log configuration), or each job (size).
OPTIONS: Mapping[str, Option] = {
    "gpu": Option(word=lambda count: f"gpu_{count}", fargate_lacks="GPUs"),
    "architecture": Option(word=str, platform="FARGATE", properties=_runtime_platform),
    "spot": Option(word=lambda _: "spot"),
    "secrets": Option(properties=_secrets, secrets=_values),
    "ephemeral_storage": Option(platform="FARGATE", properties=lambda gib: {"ephemeralStorage": {"sizeInGiB": gib}}),
    "log_driver": Option(),
    "log_options": Option(secrets=lambda pairs: _values(secret_options(pairs))),
    "environment": Option(properties=_variables),
    "shared_memory": Option(properties=_linux("sharedMemorySize"), fargate_lacks="shared memory"),
    "tmpfs": Option(properties=_tmpfs, fargate_lacks="file systems in memory (tmpfs)"),
    "swap": Option(properties=_linux("maxSwap"), fargate_lacks="swap space"),
    "ulimits": Option(properties=_ulimits, fargate_lacks="limits of resources (ulimits)"),
    "devices": Option(properties=_devices, fargate_lacks="devices"),
    "init": Option(properties=_linux("initProcessEnabled")),
    "user": Option(properties=lambda name: {"user": name}),
    "read_only_root": Option(properties=lambda value: {"readonlyRootFilesystem": value}),
    "privileged": Option(properties=lambda value: {"privileged": value}, fargate_lacks="a privileged container"),
    # No job definition has them: a rule refuses them.
    "capabilities": Option(),
    "accelerator": Option(
        properties=lambda name: _devices(linux.accelerator_devices(name)), fargate_lacks="an accelerator"
    ),
    "efa": Option(properties=lambda count: _devices(linux.efa_devices(count)), fargate_lacks="EFA devices"),
    "registry_credentials": Option(properties=_credentials, secrets=lambda secret: [secret]),
    "volumes": Option(properties=_volume_members),
    # Merged last.
    "properties": Option(properties=lambda given: properties_of(given, lambda item: item)),
    # The job definition itself has them.
    "tags": Option(),
}


def words(container: Container) -> list[str]:
    """Return the words for a container in the label of its job definition.

    Args:
        container: The container.
    """
    return [option.word(value) for option, _, value in _of(container) if option.word is not None]


def in_digest(container: Container) -> dict[str, object]:
    """Return the values that the digest in the label of a job definition has, by field.

    Args:
        container: The container.
    """
    # A label leaves out what is not set; a 0 that was requested is.
    return {name: value or str(value) for option, name, value in _of(container) if option.word is None}


def properties(container: Container, platform: str) -> dict[str, Value]:
    """Return the container properties of a job definition for the options of its container.

    Args:
        container: The container.
        platform: The platform of the job definition.
    """
    found: dict[str, Value] = {}
    for option, _, value in _of(container):
        if option.platform in {None, platform}:
            found = merge(found, option.properties(value))
    return found


def secrets_in(container: Container) -> list[str | Ref]:
    """Return the secrets that a container names: ARNs, names, or variables of these.

    Args:
        container: The container.
    """
    return [secret for option, _, value in _of(container) for secret in option.secrets(value)]


@functools.cache
def fargate_lacks(container: Container) -> tuple[str, ...]:
    """Return the options of a container that only EC2 has.

    Args:
        container: The container.
    """
    return tuple(option.fargate_lacks for option, _, _ in _of(container) if option.fargate_lacks)


def _of(container: Container) -> Iterator[tuple[Option, str, Any]]:
    requested = container.requested
    return ((option, name, requested[name]) for name, option in OPTIONS.items() if name in requested)
