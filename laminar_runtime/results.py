"""The results of an execution: by name, in a line for each artifact, as JSON, and saved as files."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.configurations.datastores import Accessor
from laminar_runtime.exceptions import MissingError, UnsetError
from laminar_runtime.tasks.joins import Each, each

if TYPE_CHECKING:
    from pathlib import Path

    from laminar_runtime.execution import Execution

__all__ = ["Result", "Results", "collect", "plain", "read", "save"]

_WIDTH = 60
#: How files of some kinds begin, for artifacts that are plain bytes.
_MAGIC = {b"\x89PNG": "png", b"%PDF": "pdf", b"\xff\xd8\xff": "jpg", b"GIF8": "gif", b"PK\x03\x04": "zip"}


@_records.frozen
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
    results = Results(execution)
    for name in results:
        yield read(results, name)


def read(results: Mapping[str, Any], name: str) -> Result:
    """Read an artifact; of one that some splits did not assign, what the others did.

    Args:
        results: The artifacts of an execution, by ``Layer.attribute``.
        name: Which one.

    Returns:
        The artifact. If it cannot be read, its warning says why.
    """
    layer, _, attribute = name.partition(".")
    try:
        return Result(layer, attribute, results[name])
    except UnsetError as error:
        some = results.some(name) if isinstance(results, Results) and error.splits else None
        return Result(layer, attribute, some, warning=str(error))
    except Exception as error:  # noqa: BLE001 - unpickling runs code of the user's, or of what is not installed here
        return Result(layer, attribute, None, warning=_unreadable(layer, attribute, error))


def _unreadable(layer: str, attribute: str, error: Exception) -> str:
    return f"'{attribute}' of layer '{layer}' cannot be read: {type(error).__name__}: {error}"


class Results(Mapping[str, Any]):
    """The attributes of the layers of an execution by ``Layer.attribute``. Each is read when it is asked for.

    Args:
        execution: The execution.

    Example:
        >>> from laminar_runtime import Flow, Layer
        >>> from laminar_runtime.configurations import datastores, executors
        >>> class Sums(Flow): ...
        >>> @Sums.register
        ... class Add(Layer):
        ...     def __call__(self) -> None:
        ...         self.total = 1 + 2
        >>> results = Results(Sums(datastore=datastores.Memory(), executor=executors.Thread())())
        >>> list(results), results["Add.total"]
        (['Add.total'], 3)
    """

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        store = execution.datastore
        layers = {layer.name: layer for layer in store.list_layers(execution=execution)}
        self._known = [
            f"{name}.{attribute}"
            for name in execution.flow.registry
            if name in layers
            for attribute in store.list_artifacts(layer=layers[name])
        ]

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            raise KeyError(name)
        layer, _, attribute = name.partition(".")
        return getattr(self._execution.layer(layer), attribute)

    def some(self, name: str) -> Each[Any]:
        """Return what those splits assigned that have finished.

        Args:
            name: The attribute, as ``Layer.attribute``.
        """
        layer, _, attribute = name.partition(".")
        return each(self._execution.layer(layer), operator.attrgetter(attribute))

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return f"Results({', '.join(self._known)})"


def plain(value: Any) -> Any:
    """Return a value as JSON can say it: anything else as ``{"type": ..., "text": ...}``.

    Args:
        value: The value. The values of several splits, or of a sharded attribute, become a list.

    Example:
        >>> plain({"rows": 3}), plain({1, 2})
        ({'rows': 3}, {'type': 'set', 'text': '{1, 2}'})
    """
    if isinstance(value, Accessor | Each):
        return [plain(one) for one in value]
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (RecursionError, TypeError, ValueError):
        kind = type(value)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        return {"type": name, "text": _brief(value)}


def save(result: Result, folder: Path) -> Path:
    """Save an artifact as a file.

    Args:
        result: The artifact.
        folder: The folder of all results.

    Returns:
        ``<folder>/<Layer>/<attribute>.<ext>``: bytes as they are, what JSON can say as JSON, else a pickle. The
        values of several splits, or of a sharded attribute, are saved as a list.

    Raises:
        MissingError: If one of its values cannot be read.
    """
    try:
        value = list(result.value) if isinstance(result.value, Accessor | Each) else result.value
    except Exception as error:
        raise MissingError(_unreadable(result.layer, result.attribute, error)) from error
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
