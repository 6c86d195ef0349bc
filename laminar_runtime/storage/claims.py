"""Notes on splits: claims, which one a child claimed last, and which began: see `laminar_runtime.splits.claims`."""

from __future__ import annotations

import json
from collections.abc import Callable

from laminar_runtime import _records
from laminar_runtime.storage.layout import LayerKey

__all__ = ["FAILED", "Owner", "note_begin", "open_claim"]

#: The end of the key of a claim whose split failed for good.
FAILED = ".failed"


@_records.frozen
class Owner:
    """Names who claims splits.

    Args:
        child: The job, or the child of an array job.
        start: The number of its start, from 1. Another start of the same child may still run, if it was taken for dead.
    """

    child: str
    start: int = 1

    def dumps(self) -> bytes:
        """Return the content of a claim."""
        return json.dumps({"child": self.child, "start": self.start}).encode()

    @classmethod
    def loads(cls, content: bytes) -> Owner:
        """Read the content of a claim.

        Args:
            content: The content.
        """
        found = json.loads(content)
        return cls(found["child"], found["start"])


def note_begin(put: Callable[[str, bytes], None], key: LayerKey, drive: str, index: int) -> None:
    """Note that a split began, or that it failed before: of those without a commit, a fan-out tolerates no others.

    Args:
        put: Stores an object.
        key: The layer.
        drive: The resume or redrive of the execution.
        index: The split.
    """
    put(f"{key.beginnings(drive)}{index}", b"{}")


def open_claim(
    get: Callable[[str], bytes], names: Callable[[str], list[str]], key: LayerKey, prefix: str, child: str
) -> int | None:
    """Return the split that a child claimed, and that neither finished nor failed; None if there is none.

    Args:
        get: Reads an object.
        names: Lists the names directly below a prefix.
        key: The layer.
        prefix: The prefix of the claims.
        child: The job, or the child of an array job.
    """
    claimed = names(prefix)
    ended = {name.removesuffix(FAILED) for name in claimed if name.endswith(FAILED)}
    ended.update(name.removesuffix(".json") for name in names(key.splits))
    left = [name for name in claimed if not name.endswith(FAILED) and name not in ended]
    return next((int(name) for name in left if Owner.loads(get(f"{prefix}{name}")).child == child), None)
