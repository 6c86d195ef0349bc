"""The options of containers on AWS Batch: one row for each field of `Container` that not every job definition has.

A new field is a row here, with its properties, its part of the label, and whether Fargate lacks it. No other module has
facts about the field on AWS Batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.ir.expressions import Ref, Value, merge
from laminar_codegen.ir.placement import Container, secret_options
from laminar_codegen.targets.batch.secrets import arn_of

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


def _runtime_platform(architecture: str) -> dict[str, Value]:
    return {"runtimePlatform": {"cpuArchitecture": architecture.upper(), "operatingSystemFamily": "LINUX"}}


def _variables(pairs: Iterable[tuple[str, str]]) -> dict[str, Value]:
    return {"environment": [{"name": name, "value": value} for name, value in pairs]}


def _values(pairs: Iterable[tuple[str, str | Ref]]) -> list[str | Ref]:
    return [value for _, value in pairs]


#: The options by the fields of a container, in the order in which labels have them: a new field comes last. What is not
#: here each job definition has (command, image, log configuration), or each job (size).
OPTIONS: Mapping[str, Option] = {
    "gpu": Option(word=lambda count: f"gpu_{count}", fargate_lacks="GPUs"),
    "architecture": Option(word=str, platform="FARGATE", properties=_runtime_platform),
    "spot": Option(word=lambda _: "spot"),
    "secrets": Option(properties=lambda pairs: {"secrets": named_secrets(pairs)}, secrets=_values),
    "ephemeral_storage": Option(platform="FARGATE", properties=lambda gib: {"ephemeralStorage": {"sizeInGiB": gib}}),
    "log_driver": Option(),
    "log_options": Option(secrets=lambda pairs: _values(secret_options(pairs))),
    "environment": Option(properties=_variables),
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
    return {name: value for option, name, value in _of(container) if option.word is None}


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


def fargate_lacks(container: Container) -> list[str]:
    """Return the options of a container that only EC2 has.

    Args:
        container: The container.
    """
    return [option.fargate_lacks for option, _, _ in _of(container) if option.fargate_lacks]


def _of(container: Container) -> Iterator[tuple[Option, str, Any]]:
    requested = container.requested
    return ((option, name, requested[name]) for name, option in OPTIONS.items() if name in requested)
