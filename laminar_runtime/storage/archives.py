"""Artifacts, and the archives that list the artifacts of an attribute."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any

from laminar_runtime import _records
from laminar_runtime.exceptions import DamagedError
from laminar_runtime.storage import rows
from laminar_runtime.storage.layout import artifact_key
from laminar_runtime.storage.rows import Rows

__all__ = ["FORMAT", "Archive", "Artifact", "Elements", "damage_error", "read_document", "write_document"]

#: The version of the format that this release writes. It reads this version and all earlier ones.
FORMAT = 3


@_records.frozen
class Artifact:
    """One stored value.

    Args:
        dtype: The name of the value's type, such as ``builtins.int``.
        hexdigest: The SHA-256 of the stored bytes, as 64 hexadecimal digits.
        extension: The end of the object's name, which names the protocol that wrote it.

    Example:
        >>> Artifact("builtins.int", "ab" * 32, "json").key("Report").startswith("Report/artifacts/abab")
        True
    """

    dtype: str
    hexdigest: str
    extension: str = "pickle"

    def key(self, flow: str) -> str:
        """Return the key of the value in a datastore.

        Args:
            flow: The flow's name.
        """
        return artifact_key(flow, self.hexdigest, self.extension)

    def dumps(self) -> str:
        """Return the artifact as JSON, as an archive lists it."""
        kind, digest, extension = map(encode_basestring_ascii, (self.dtype, self.hexdigest, self.extension))
        return f'{{"dtype":{kind},"hexdigest":{digest},"extension":{extension}}}'

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> Artifact:
        """Read an artifact as an archive lists it.

        Args:
            item: The artifact as a JSON value.

        Returns:
            The artifact.

        Raises:
            KeyError: If a field is missing.
        """
        return cls(item["dtype"], item["hexdigest"], item.get("extension", "pickle"))


@_records.frozen
class Archive:
    """The artifacts of one attribute.

    Args:
        artifacts: One for a plain value, any number for a sharded one or a fan-out.
        sharded: Whether a reader gets an `Accessor`, also for one artifact.
        missing: In a joined archive, the indexes of the splits that did not assign the attribute.

    Example:
        >>> one, two = Artifact("builtins.int", "a" * 64), Artifact("builtins.int", "b" * 64)
        >>> len(Archive.join([Archive((one,)), Archive((two,))]))
        2
    """

    artifacts: tuple[Artifact, ...] = _records.field(converter=tuple)
    sharded: bool = False
    missing: tuple[int, ...] = _records.field(default=(), converter=tuple)

    def __len__(self) -> int:
        return len(self.artifacts)

    @property
    def unset(self) -> bool:
        """Whether it means that the attribute is not assigned. Earlier releases wrote such archives."""
        return not self.artifacts and not self.sharded

    @classmethod
    def join(cls, archives: Iterable[Archive]) -> Archive:
        """Concatenate the archives of all splits.

        Args:
            archives: The archives, in the order of the splits.

        Returns:
            The joined archive.
        """
        parts = list(archives)
        artifacts = [artifact for part in parts for artifact in part.artifacts]
        return cls(tuple(artifacts), len(parts) != 1 or parts[0].sharded)

    @functools.cached_property
    def rows(self) -> Rows:
        """Where each artifact is in the JSON of the archive."""
        longest = max((len(artifact.dumps()) for artifact in self.artifacts), default=0)
        return rows.measure(self._head(), "artifacts", len(self), longest)

    def _head(self) -> dict[str, Any]:
        return {"version": FORMAT, "sharded": self.sharded, **({"missing": self.missing} if self.missing else {})}

    def dumps(self) -> bytes:
        """Return the archive as JSON."""
        return rows.spell(self._head(), "artifacts", [artifact.dumps() for artifact in self.artifacts])

    def plain(self) -> dict[str, Any]:
        """Return the archive as a JSON value, as a commit holds it."""
        return {"sharded": self.sharded, "artifacts": [_records.plain(artifact) for artifact in self.artifacts]}

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Archive:
        """Read an archive from a JSON value.

        Args:
            document: The JSON value.

        Returns:
            The archive.

        Raises:
            KeyError: If a field is missing.
        """
        artifacts = tuple(map(Artifact.parse, document["artifacts"]))
        return cls(artifacts, document.get("sharded", len(artifacts) != 1), document.get("missing", ()))

    @classmethod
    def loads(cls, content: bytes, *, key: str) -> Archive:
        """Read an archive.

        Args:
            content: The JSON.
            key: Its address, for the error.

        Returns:
            The archive.

        Raises:
            DamagedError: If it is not an archive, or has a newer format.
        """
        document = read_document(content, key=key)
        try:
            return cls.parse(document)
        except (AttributeError, KeyError, TypeError) as error:
            raise damage_error(key, f"an archive lacks {error}") from error


@_records.frozen(eq=False)
class Elements:
    """The artifacts of an archive. Each is read on access, without the others.

    Args:
        count: How many there are.
        read: Returns the artifact at a place, from 0.
    """

    count: int
    read: Callable[[int], Artifact]

    @classmethod
    def of(cls, archive: Archive) -> Elements:
        """Return the artifacts of an archive that was read."""
        return cls(len(archive), archive.artifacts.__getitem__)

    def __len__(self) -> int:
        return self.count


def write_document(document: dict[str, Any]) -> bytes:
    """Write a document of a datastore, as JSON."""
    return json.dumps(document, separators=(",", ":")).encode()


def read_document(content: bytes, *, key: str) -> dict[str, Any]:
    """Read a document of a datastore.

    Args:
        content: The JSON.
        key: Its address, for the error.

    Raises:
        DamagedError: If it is not a JSON object, or has a newer format.
    """
    try:
        document = json.loads(content)
    except (RecursionError, ValueError) as error:
        raise damage_error(key, f"it is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise damage_error(key, "it is not a JSON object")
    # State machines of earlier releases wrote documents without a version. They have version 1.
    version = document.get("version", 1)
    if not isinstance(version, int) or version > FORMAT:
        raise damage_error(key, f"its format is {version!r}, and this release reads up to {FORMAT}")
    return document


def damage_error(key: str, what: str) -> DamagedError:
    """Return the error of a damaged document.

    Args:
        key: Its address.
        what: Says why it is damaged.
    """
    return DamagedError(f"{key} is damaged: {what}")
