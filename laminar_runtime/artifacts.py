"""What a datastore holds besides values, and the only place that knows where it lies.

::

    <Flow>/artifacts/<sha256>.<ext>                                a value, by the hash of its bytes
    <Flow>/archives/<execution>/<Layer>/<index>/<attribute>.json   an `Archive`
    <Flow>/.cache/<execution>/<Layer>/<attribute>.json             the `Archive` of all splits, joined
    <Flow>/.cache/<execution>/<Layer>/.some/<attribute>.json       the same, of the splits that assigned the attribute
    <Flow>/.cache/<execution>/<Layer>/.record.json                 a `Record`: the layer finished
    <Flow>/.cache/<execution>/<Layer>/.splits/<index>.json         a split of a fan-out finished
    <Flow>/.cache/<execution>/.input.json                          the input that a state machine was started with
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from laminar_runtime import values
from laminar_runtime.exceptions import DamagedError

__all__ = ["Archive", "Artifact", "LayerKey", "Record"]

#: The version of the format that this release writes. It reads this and all before.
FORMAT = 2


@values.frozen
class LayerKey:
    """Names one layer of one execution of one flow: what a datastore needs to know of a layer.

    Args:
        flow: The flow's name.
        execution: The execution's id.
        layer: The layer's name.

    Example:
        >>> LayerKey("Report", "e1", "Load").record
        'Report/.cache/e1/Load/.record.json'
    """

    flow: str
    execution: str
    layer: str

    @property
    def record(self) -> str:
        """The key of the layer's record."""
        return f"{self.flow}/.cache/{self.execution}/{self.layer}/.record.json"

    @property
    def archives(self) -> str:
        """The prefix of all the layer's archives, with a slash at its end."""
        return f"{self.flow}/archives/{self.execution}/{self.layer}/"

    def archives_of(self, index: int) -> str:
        """The prefix of the archives that split `index` wrote, with a slash at its end."""
        return f"{self.archives}{index}/"

    def archive(self, index: int, attribute: str) -> str:
        """The key of the archive of an attribute that split `index` wrote."""
        return f"{self.archives_of(index)}{attribute}.json"

    def joined(self, attribute: str) -> str:
        """The key of the archive of an attribute over all splits."""
        return f"{self.flow}/.cache/{self.execution}/{self.layer}/{attribute}.json"

    def joined_some(self, attribute: str) -> str:
        """The key of the archive of an attribute over those splits that assigned it, if others did not."""
        return f"{self.flow}/.cache/{self.execution}/{self.layer}/.some/{attribute}.json"

    def split(self, index: int) -> str:
        """The key that says that split `index` finished."""
        return f"{self.splits}{index}.json"

    @property
    def splits(self) -> str:
        """The prefix under which each split that finished has an object."""
        return f"{self.flow}/.cache/{self.execution}/{self.layer}/.splits/"

    def listed(self, name: str) -> str:
        """The key of a list of indexes of the layer's plan."""
        return f"{self.flow}/.cache/{self.execution}/{self.layer}/.plan/{name}.txt"


def artifacts_prefix(flow: str) -> str:
    """The prefix of all values of a flow."""
    return f"{flow}/artifacts/"


def executions_prefix(flow: str) -> str:
    """The prefix under which each execution of a flow has a folder."""
    return f"{flow}/archives/"


def layers_prefix(flow: str, execution: str) -> str:
    """The prefix under which each layer of an execution that wrote something has a folder."""
    return f"{flow}/archives/{execution}/"


def cache_prefix(flow: str, execution: str | None = None) -> str:
    """The prefix under which each layer of an execution of which something finished has a folder.

    Args:
        flow: The flow's name.
        execution: The execution's id; None for the prefix under which each execution has a folder.
    """
    return f"{flow}/.cache/" if execution is None else f"{flow}/.cache/{execution}/"


def input_key(flow: str, execution: str) -> str:
    """The key of the input that a state machine was started with."""
    return f"{flow}/.cache/{execution}/.input.json"


@values.frozen
class Artifact:
    """One stored value.

    Args:
        dtype: The name of the value's type, such as ``builtins.int``.
        hexdigest: The SHA-256 of the stored bytes, as 64 hexadecimal digits.
        extension: The end of the object's name, which tells the protocol that wrote it.
    """

    dtype: str
    hexdigest: str
    extension: str = "pickle"

    def key(self, flow: str) -> str:
        """The key of the value in the datastore of `flow`."""
        return f"{artifacts_prefix(flow)}{self.hexdigest}.{self.extension}"


@values.frozen
class Archive:
    """The artifacts behind one attribute.

    Args:
        artifacts: One for a plain value, any number for a sharded one or a fan-out.
        sharded: Whether a reader gets an `Accessor`, also if there is one artifact.
        each: Whether it is joined of archives of one artifact each: that of split i is artifact i.
        missing: If it is joined of the archives of some splits: the indexes of those that did not assign the attribute.
    """

    artifacts: tuple[Artifact, ...] = values.field(converter=tuple)
    sharded: bool = False
    each: bool = False
    missing: tuple[int, ...] = values.field(default=(), converter=tuple)

    def __len__(self) -> int:
        return len(self.artifacts)

    @property
    def unset(self) -> bool:
        """Whether it says that the attribute is not assigned after all: it is no plain value, and not sharded."""
        return not self.artifacts and not self.sharded

    @classmethod
    def join(cls, archives: Iterable[Archive]) -> Archive:
        """Put the archives of all splits, in their order, behind each other."""
        parts = list(archives)
        artifacts = [artifact for part in parts for artifact in part.artifacts]
        return cls(tuple(artifacts), len(parts) != 1 or parts[0].sharded, all(len(part) == 1 for part in parts))

    def dumps(self) -> bytes:
        """The archive as JSON."""
        artifacts = [values.plain(artifact) for artifact in self.artifacts]
        each = {"each": True} if self.each else {}
        missing = {"missing": self.missing} if self.missing else {}
        return _dumps({"version": FORMAT, "sharded": self.sharded, **each, **missing, "artifacts": artifacts})

    @classmethod
    def loads(cls, content: bytes, *, key: str) -> Archive:
        """Read an archive.

        Args:
            content: The JSON.
            key: Where it comes from, for the error.

        Raises:
            DamagedError: If it is not an archive, or of a newer format.
        """
        document = _loads(content, key=key)
        try:
            artifacts = [
                Artifact(item["dtype"], item["hexdigest"], item.get("extension", "pickle"))
                for item in document["artifacts"]
            ]
            sharded, each = document.get("sharded", len(artifacts) != 1), document.get("each", False)
            return cls(tuple(artifacts), sharded, each, document.get("missing", ()))
        except (AttributeError, KeyError, TypeError) as error:
            raise _damaged(key, f"an archive lacks {error}") from error


@values.frozen
class Record:
    """Says that a layer finished, and with how many splits.

    Args:
        flow: The flow's name.
        layer: The layer's name.
        splits: The number of splits, from 0.
        seconds: How long the layer took, if that is known: what a profile is made of.
    """

    flow: str
    layer: str
    splits: int
    seconds: float | None = None

    def dumps(self) -> bytes:
        """The record as JSON."""
        execution: dict[str, Any] = {"splits": self.splits}
        if self.seconds is not None:
            execution["seconds"] = self.seconds
        flow, layer = {"name": self.flow}, {"name": self.layer}
        return _dumps({"version": FORMAT, "flow": flow, "layer": layer, "execution": execution})

    @classmethod
    def loads(cls, content: bytes, *, key: str) -> Record:
        """Read a record.

        Args:
            content: The JSON.
            key: Where it comes from, for the error.

        Raises:
            DamagedError: If it is not a record, or of a newer format.
        """
        document = _loads(content, key=key)
        try:
            return cls(
                flow=document["flow"]["name"],
                layer=document["layer"]["name"],
                splits=int(document["execution"]["splits"]),
                seconds=document["execution"].get("seconds"),
            )
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise _damaged(key, f"a record lacks {error}") from error


def _dumps(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _loads(content: bytes, *, key: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (RecursionError, ValueError) as error:
        raise _damaged(key, f"it is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise _damaged(key, "it is not a JSON object")
    # What a state machine writes carries no version: it is of version 1.
    version = document.get("version", 1)
    if not isinstance(version, int) or version > FORMAT:
        raise _damaged(key, f"its format is {version!r}, and this release reads up to {FORMAT}")
    return document


def _damaged(key: str, what: str) -> DamagedError:
    return DamagedError(f"{key} is damaged: {what}")
