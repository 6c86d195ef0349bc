"""The volumes of containers, whatever target mounts them: their fields, and the forms of what they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laminar_codegen.ir.expressions import Ref
from laminar_codegen.ir.placement import Container
from laminar_codegen.targets.forms import Form

__all__ = ["id_of", "places", "volumes_of"]


def volumes_of(container: Container) -> list[dict[str, Any]]:
    """Return the fields of the volumes of a container.

    Args:
        container: The container.
    """
    return [dict(pairs) for pairs in container.requested.get("volumes", ())]


def id_of(named: str | Ref) -> str | Ref:
    """Return the id of a resource that is named by its id or its ARN. Targets take the id.

    Args:
        named: The resource, or a variable of it.
    """
    return Ref(f'reverse(split("/", {named.expression}))[0]') if isinstance(named, Ref) else named.rpartition("/")[2]


def places(volumes: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Any, Form]]:
    """Yield what volumes name, each with its form.

    Args:
        volumes: The fields of the volumes.
    """
    for volume in volumes:
        from laminar_runtime.configurations.volumes import ACCESS_POINT, FILE_SYSTEM

        yield volume.get("file_system"), _form(FILE_SYSTEM, "a file system: fs-...")
        yield volume.get("access_point"), _form(ACCESS_POINT, "an access point: fsap-...")
        yield volume.get("root"), _FOLDER
        yield volume.get("source"), _FOLDER


def _is_folder(text: str) -> bool:
    parts = text.split("/")[1:]
    plain = text == "/" or (text.startswith("/") and {"", ".", ".."}.isdisjoint(parts))
    return plain and not {",", ":", "\\", '"'} & {*text} and len(text) <= _LONGEST


#: A folder of a file system or of an instance, without the slash at its end that a flow's file may have.
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_EFSVolumeConfiguration.html
_LONGEST = 4096
_FOLDER = Form(
    lambda reference: (
        f'can(regex("^/$|^(/[^/,:\\\\x22\\\\x5c]+)+$", {reference})) && length({reference}) <= {_LONGEST} '
        f'&& !can(regex("/[.][.]?(/|$)", {reference}))'
    ),
    _is_folder,
    "The value must be an absolute folder such as /models, without '..', commas, colons, quotes and a / at its end.",
)


def _form(pattern: str, what: str) -> Form:
    return Form(
        lambda reference: f'can(regex("^({pattern})$", {reference}))',
        lambda text: re.fullmatch(pattern, text) is not None,
        f"The value must be the id or the ARN of {what}",
    )
