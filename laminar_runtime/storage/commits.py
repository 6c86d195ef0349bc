"""Commits of splits and records of layers: they mean that these finished."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from laminar_runtime import _records, indexes
from laminar_runtime.storage.archives import FORMAT, Archive, damage_error, read_document, write_document
from laminar_runtime.storage.rows import Rows

__all__ = ["Commit", "Record"]

#: The most artifacts of an archive that its commit holds too, and the most bytes of all of these there: a reader of one
#: attribute reads the whole commit.
_FEW, _SMALL = 16, 8 * 1024


@_records.frozen
class Commit:
    """Says that a split finished, by which attempt, and what the attempt assigned. It is written once.

    Args:
        attempt: The attempt's token; empty in a commit of an earlier release, which has no archives here.
        archives: The archive of each attribute that it assigned; of a large one, where the artifacts are in it.
        seconds: How long it took, if that is known, for profiles.
        layer: The name of its layer, in the commits of fan-outs.
    """

    attempt: str = ""
    archives: Mapping[str, Archive | Rows] = _records.field(factory=dict)
    seconds: float | None = None
    layer: str = ""

    def plain(self) -> dict[str, Any]:
        """Return the commit as a JSON value, without its seconds."""
        found: dict[str, Any] = {}
        room = _SMALL
        for name, archive in self.archives.items():
            plain = archive.plain() if isinstance(archive, Archive) and len(archive) <= _FEW else None
            size = len(json.dumps(plain)) if plain else room
            if plain is None or size >= room:
                where = archive if isinstance(archive, Rows) else archive.rows
                found[name] = {"rows": [where.count, where.start, where.width]}
            else:
                found[name] = plain
                room -= size
        return {"attempt": self.attempt, "archives": found}

    def dumps(self) -> bytes:
        """Return the commit as JSON."""
        named = {"layer": {"name": self.layer}} if self.layer else {}
        return write_document({"version": FORMAT, **named, "seconds": self.seconds, **self.plain()})

    @classmethod
    def parse(cls, document: Mapping[str, Any], seconds: float | None) -> Commit:
        """Read a commit from a JSON value.

        Raises:
            KeyError: If a field is missing.
        """
        archives = {
            name: Rows(*map(int, plain["rows"])) if "rows" in plain else Archive.parse(plain)
            for name, plain in document.get("archives", {}).items()
        }
        return cls(document.get("attempt", ""), archives, seconds)

    @classmethod
    def loads(cls, content: bytes, *, key: str) -> Commit:
        """Read the commit of a split.

        Args:
            content: The JSON.
            key: Its address, for the error.

        Raises:
            DamagedError: If it is not a commit, or has a newer format.
        """
        document = read_document(content, key=key)
        try:
            found = cls.parse(document, document.get("seconds"))
            return _records.evolve(found, layer=document["layer"]["name"]) if "layer" in document else found
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise damage_error(key, f"a commit lacks {error}") from error


@_records.frozen
class Record:
    """Says that a layer finished, and with how many splits.

    Args:
        flow: The flow's name.
        layer: The layer's name.
        splits: The number of splits, from 0.
        seconds: How long the layer took, if that is known, for profiles.
        commit: The commit of the only split, unless the layer is a fan-out or an earlier release wrote the record.
        execution: The execution's id, if it is known: a state machine does not write it.
        failed: The indexes of the splits that failed, of a fan-out that tolerates it.

    Example:
        >>> Record.loads(Record("Report", "Load", 3).dumps(), key="record.json").splits
        3
    """

    flow: str
    layer: str
    splits: int
    seconds: float | None = None
    commit: Commit | None = None
    execution: str = ""
    failed: tuple[int, ...] = ()

    def dumps(self) -> bytes:
        """Return the record as JSON."""
        named = {"id": self.execution} if self.execution else {}
        execution: dict[str, Any] = {**named, "splits": self.splits}
        if self.seconds is not None:
            execution["seconds"] = self.seconds
        if self.failed:
            execution["failed"] = indexes.spell(self.failed)
        flow, layer = {"name": self.flow}, {"name": self.layer}
        commit = self.commit.plain() if self.commit else {}
        return write_document({"version": FORMAT, "flow": flow, "layer": layer, "execution": execution, **commit})

    @classmethod
    def loads(cls, content: bytes, *, key: str) -> Record:
        """Read a record.

        Args:
            content: The JSON.
            key: Its address, for the error.

        Returns:
            The record.

        Raises:
            DamagedError: If it is not a record, or has a newer format.
        """
        document = read_document(content, key=key)
        try:
            seconds = document["execution"].get("seconds")
            said = document["execution"]["splits"]
            splits = int(said)
            if splits < 0 or splits != said:
                raise ValueError(f"its number of splits, which is not {said!r}")
            return cls(
                flow=document["flow"]["name"],
                layer=document["layer"]["name"],
                splits=splits,
                seconds=seconds,
                commit=Commit.parse(document, seconds) if "attempt" in document else None,
                execution=str(document["execution"].get("id", "")),
                failed=tuple(indexes.parse(failed)) if (failed := document["execution"].get("failed")) else (),
            )
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise damage_error(key, f"a record lacks {error}") from error
