"""What all clients of S3 share: limits, retries, and large objects in ranges."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from laminar_runtime.configurations.datastores.concurrency import concurrently
from laminar_runtime.configurations.datastores.encoding import Buffer

__all__ = [
    "AT_ONCE",
    "CONNECTIONS",
    "PAUSES",
    "PIECE",
    "RANGE",
    "Objects",
    "again",
    "read_ranges",
    "read_whole",
    "slices",
]

Result = TypeVar("Result")

#: Returns the pieces of a range of an object: the first byte, and the byte after the last.
Pieces = Callable[[int, int], Iterable[Buffer]]
Failures = tuple[type[Exception], ...]

#: The bytes of a large object in one request.
RANGE = 8 * 1024 * 1024
#: How many objects are read or written at once.
CONNECTIONS = 64
#: How many parts of a large object: more are not faster, and each needs memory.
AT_ONCE = 8
#: The bytes of the pieces of a range: no more is in memory twice.
PIECE = 1024 * 1024
#: Seconds between attempts after a temporary error: a cut connection, a refusal for the moment.
PAUSES = (0.1, 0.2, 0.4, 0.8)


class Objects(Protocol):
    """A client of S3 for the objects of a bucket. An object that is not there is a `FileNotFoundError`.

    It is a protocol, as its two kinds, by obstore and by boto3, share no code. `Transport` has the same methods with
    keys below a root, and with errors of ours.
    """

    def get(self, key: str) -> bytes:
        """Read an object."""

    def get_buffer(self, key: str) -> bytearray:
        """Read an object, a large one in ranges, into memory that may be written to."""

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read some bytes of an object: fewer if it has not as many."""

    def put(self, key: str, *parts: Buffer) -> None:
        """Write an object that is given in pieces, a large one in parts. It is there when all of it is."""

    def create(self, key: str, content: bytes) -> bool:
        """Write an object unless there is one, and return whether it was written."""

    def exists(self, key: str) -> bool:
        """Return whether there is an object."""

    def size(self, key: str) -> int:
        """Return the bytes of an object."""

    def names(self, prefix: str) -> list[str]:
        """List the names of objects and folders directly below a prefix that ends with a slash."""


def read_whole(size: int, first: Iterable[Buffer], read: Pieces, failures: Failures) -> bytes:
    """Read a large object into bytes, which are in memory once.

    Args:
        size: The object's, in bytes.
        first: The pieces of its first range, of `RANGE` bytes.
        read: Returns the pieces of a range.
        failures: Errors after which a range is read again.

    Raises:
        EOFError: If a range is shorter than it should be, time and again.
    """
    stream = io.BytesIO()
    if size:
        stream.seek(size - 1)
        stream.write(b"\0")
    with stream.getbuffer() as view:
        _fill(view, first, read, failures)
    return stream.getvalue()


def read_ranges(size: int, first: Iterable[Buffer], read: Pieces, failures: Failures) -> bytearray:
    """Read an object in ranges, each of them in pieces, into memory that may be written to.

    Args:
        size: The object's, in bytes.
        first: The pieces of its first range, of `RANGE` bytes.
        read: Returns the pieces of a range.
        failures: Errors after which a range is read again.

    Raises:
        EOFError: If a range is shorter than it should be, time and again.
    """
    content = bytearray(size)
    _fill(memoryview(content), first, read, failures)
    return content


def _fill(view: memoryview, first: Iterable[Buffer], read: Pieces, failures: Failures) -> None:
    size = view.nbytes

    def fill(start: int, pieces: Iterable[Buffer]) -> None:
        at, end = start, min(start + RANGE, size)
        for piece in pieces:
            view[at : at + len(piece)] = piece
            at += len(piece)
        if at != end:
            raise EOFError(f"bytes {start} to {end} were requested, but only {at - start} bytes came")

    def fetch(start: int) -> None:
        again(lambda: fill(start, read(start, min(start + RANGE, size))), failures)

    try:
        fill(0, first)
    except failures:
        fetch(0)
    for _ in concurrently(fetch, range(RANGE, size, RANGE), AT_ONCE):
        pass


def again(attempt: Callable[[], Result], failures: Failures) -> Result:
    """Repeat an attempt to read until it succeeds, with `PAUSES` between the attempts, once more than there are pauses.

    Args:
        attempt: Reads.
        failures: Errors after which it is repeated.
    """
    for pause in PAUSES:
        try:
            return attempt()
        except failures:
            time.sleep(pause)
    return attempt()


def slices(parts: Iterable[Buffer]) -> Iterator[memoryview]:
    """Yield pieces of bytes in pieces that are not larger than a range."""
    for part in parts:
        view = memoryview(part).cast("B")
        for at in range(0, view.nbytes, RANGE):
            yield view[at : at + RANGE]
