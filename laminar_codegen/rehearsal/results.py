"""What a rehearsed execution left: shown in a line for each artifact, and saved as files."""

from __future__ import annotations

import json
import operator
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from laminar_runtime import Execution, Layer, each
from laminar_runtime.configurations.datastores import Accessor
from laminar_runtime.exceptions import UnsetError
from laminar_runtime.tasks.joins import Each

__all__ = ["Result", "collect", "save"]

_WIDTH = 60
#: How files of some kinds begin, for artifacts that are plain bytes.
_MAGIC = {b"\x89PNG": "png", b"%PDF": "pdf", b"\xff\xd8\xff": "jpg", b"GIF8": "gif", b"PK\x03\x04": "zip"}


@attrs.frozen
class Result:
    """One artifact.

    Args:
        layer: The layer that assigned it.
        attribute: Its name.
        value: Its value, a sequence that reads them if it has several, None if there is none.
        warning: What of it is absent, if anything is.
    """

    layer: str
    attribute: str
    value: Any
    warning: str = ""

    def __str__(self) -> str:
        return f"{self.layer}.{self.attribute} = {_brief(self.value)}"


def _brief(value: Any) -> str:
    if isinstance(value, Accessor | Each):
        splits = f", of {len(value.indexes)} of {value.splits} splits" if isinstance(value, Each) else ""
        return f"{len(value)} value{'s' if len(value) != 1 else ''}{splits}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = " ".join(repr(value).split())
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def collect(execution: Execution) -> Iterator[Result]:
    """Yield the artifacts of an execution, layer by layer in the order of registration.

    Args:
        execution: The execution.
    """
    store = execution.datastore
    written = {layer.name for layer in store.list_layers(execution=execution)}
    for name in execution.flow.registry:
        if name in written:
            layer = execution.layer(name)
            for attribute in store.list_artifacts(layer=layer):
                yield _result(layer, attribute)


def _result(layer: Layer, attribute: str) -> Result:
    """Return an artifact; of one that some splits did not assign, what the others did."""
    try:
        return Result(layer.name, attribute, getattr(layer, attribute))
    except UnsetError as error:
        value = each(layer, operator.attrgetter(attribute)) if error.splits else None
        return Result(layer.name, attribute, value, warning=str(error))
    except Exception as error:  # noqa: BLE001 - unpickling runs code of the user's, or of what is not installed here
        return Result(layer.name, attribute, None, warning=_unreadable(layer.name, attribute, error))


def _unreadable(layer: str, attribute: str, error: Exception) -> str:
    return f"'{attribute}' of layer '{layer}' cannot be read: {type(error).__name__}: {error}"


def save(result: Result, folder: Path) -> Path | None:
    """Save an artifact as a file.

    Args:
        result: The artifact.
        folder: The folder of all results.

    Returns:
        ``<folder>/<Layer>/<attribute>.<ext>``: bytes as they are, what JSON can say as JSON, else a pickle. The
        values of several splits, or of a sharded attribute, are saved as a list. None if one of them cannot be read,
        which is warned of.
    """
    try:
        value = list(result.value) if isinstance(result.value, Accessor | Each) else result.value
    except Exception as error:  # noqa: BLE001 - the same
        print(f"laminar-codegen: warning: {_unreadable(result.layer, result.attribute, error)}", file=sys.stderr)
        return None
    content, extension = _encode(value)
    path = folder / result.layer / f"{result.attribute}.{extension}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _encode(value: Any) -> tuple[bytes, str]:
    if isinstance(value, bytes):
        return value, next((name for magic, name in _MAGIC.items() if value.startswith(magic)), "bin")
    try:
        return f"{json.dumps(value, indent=2, allow_nan=False)}\n".encode(), "json"
    except (RecursionError, TypeError, ValueError):
        import cloudpickle

        pickled: bytes = cloudpickle.dumps(value)
        return pickled, "pickle"
