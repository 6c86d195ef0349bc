"""The seam between datastores and where they keep bytes.

A transport keeps bytes at keys, and knows nothing of flows. Everything that a datastore does with values, archives,
records and commits is written once, on top of it.

`Transport` is a protocol, not a base class, because its kinds share no code: a dictionary, the files of a folder, and
the objects of a bucket. Another kind, such as a test's own, is a class with these eight methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from laminar_runtime.configurations.datastores.encoding import Buffer
from laminar_runtime.exceptions import MissingError

__all__ = ["ContentKey", "Transport", "address", "map_requests", "missing"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class ContentKey:
    """The key of an object that is named after its bytes, by their hash, which takes as long as writing them.

    A transport that names an object after it has written it calls ``str(key)`` then; others call it first. One that
    finds the same bytes there need not write them.

    Args:
        folder: The prefix of the key, with a slash at its end.
        find: Returns the key, and waits for it if need be.
    """

    __slots__ = ("_find", "_key", "folder")

    def __init__(self, folder: str, find: Callable[[], str]) -> None:
        self.folder, self._find, self._key = folder, find, ""

    def __str__(self) -> str:
        self._key = self._key or self._find()
        return self._key


class Transport(Protocol):
    """Keeps bytes at keys. Keys are paths with slashes, relative to the root."""

    @property
    def root(self) -> str:
        """Where the bytes are: the address of a key is the root, a slash and the key."""

    @property
    def at_once(self) -> int:
        """How many requests to make at once: 1 if they do not wait for a network.

        Where they do, a reader takes what it knows already, and saves a request.
        """

    def get(self, key: str) -> bytes:
        """Read an object.

        Raises:
            MissingError: If there is no object.
        """

    def get_buffer(self, key: str) -> Buffer:
        """Read an object into memory that may be written to, in the fastest way.

        Raises:
            MissingError: If there is no object.
        """

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read bytes `start` to `end - 1` of an object, or as many of them as it has.

        Raises:
            MissingError: If there is no object.
        """

    def put(self, key: str | ContentKey, *parts: Buffer) -> None:
        """Store an object, given in pieces: all of it or, if that fails, nothing."""

    def create(self, key: str, content: bytes) -> bool:
        """Store an object unless there is one, and return whether it was stored: of all who try at once, one succeeds.

        After an error of the network, an object of one's own may be there although this returns False.
        """

    def exists(self, key: str) -> bool:
        """Return whether there is an object."""

    def names(self, prefix: str) -> list[str]:
        """List the names directly below a prefix that ends with a slash, sorted.

        Folders are listed once, without a slash at their end. Names that begin with a dot are left out.
        """

    def lock(self, key: str) -> AbstractContextManager[bool]:
        """Hold a lock during the ``with`` block, and yield whether it is held here, and not by another.

        The system frees it when the process ends. A transport without locks yields True.
        """


def address(transport: Transport, key: str) -> str:
    """Return the address of a key, for people.

    Args:
        transport: The transport.
        key: The key.
    """
    return f"{transport.root}/{key}"


def missing(transport: Transport, key: str) -> MissingError:
    """Return the error of a key without an object.

    Args:
        transport: The transport.
        key: The key.
    """
    return MissingError(f"nothing is stored at {address(transport, key)}")


def map_requests(transport: Transport, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Apply a function that makes requests to each item, as many at once as the transport takes.

    Args:
        transport: The transport.
        function: The function.
        items: The items. They are taken only as far ahead of the results as are worked on at once.

    Returns:
        The results, in the order of the items.
    """
    if transport.at_once == 1:
        return map(function, items)
    from laminar_runtime.configurations.datastores.concurrency import concurrently

    return concurrently(function, items, transport.at_once)
