"""How many objects are read and written at once, and large ones in ranges, whichever client of S3 does it."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from laminar_runtime.configurations.datastores.encoding import Buffer

__all__ = ["AT_ONCE", "CONNECTIONS", "PIECE", "RANGE", "concurrently", "read_ranges", "slices"]

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Bytes that one request reads or writes of a large object.
RANGE = 8 * 1024 * 1024
#: How many objects are read or written at once.
CONNECTIONS = 64
#: How many parts of a large object are: more gain nothing, and each takes memory.
AT_ONCE = 8
#: Bytes of the pieces that a range is read in: the rest of it is not in memory twice.
PIECE = 1024 * 1024


def concurrently(function: Callable[[Item], Result], items: Iterable[Item], most: int) -> Iterator[Result]:
    """Apply a function to each item, so many at once; the results come in order.

    Args:
        function: The function.
        items: The items. They are taken only so far ahead of who takes the results.
        most: How many at once.
    """
    source = iter(items)
    ahead = list(itertools.islice(source, most))
    if len(ahead) <= 1:
        yield from map(function, ahead)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=len(ahead)) as pool:
        waiting = deque(pool.submit(function, item) for item in ahead)
        del ahead
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(function, item) for item in itertools.islice(source, 1))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def read_ranges(first: Iterable[Buffer], size: int, read: Callable[[int, int], Iterable[Buffer]]) -> bytearray:
    """Read an object in ranges, each of them in pieces.

    Args:
        first: The pieces of the first range.
        size: The object's.
        read: Gives the pieces of a range, from its start to before its end.

    Raises:
        EOFError: If a range is shorter than it is to be.
    """
    content = bytearray(size)
    view = memoryview(content)

    def fill(start: int, pieces: Iterable[Buffer]) -> None:
        at, end = start, min(start + RANGE, size)
        for piece in pieces:
            view[at : at + len(piece)] = piece
            at += len(piece)
        if at != end:
            raise EOFError(f"bytes {start} to {end} were asked for, and {at - start} came")

    fill(0, first)
    rest = range(RANGE, size, RANGE)
    for _ in concurrently(lambda start: fill(start, read(start, min(start + RANGE, size))), rest, AT_ONCE):
        pass
    return content


def slices(parts: Iterable[Buffer]) -> Iterator[memoryview]:
    """Pieces of bytes in pieces that are not larger than a range."""
    for part in parts:
        view = memoryview(part).cast("B")
        for at in range(0, view.nbytes, RANGE):
            yield view[at : at + RANGE]
