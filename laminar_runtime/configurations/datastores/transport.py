"""How bytes get into a datastore and out of it: what a kind of datastore defines."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar, TypeVar

from laminar_runtime import _records
from laminar_runtime.configurations.datastores.encoding import Buffer

__all__ = ["Transport"]

Item = TypeVar("Item")
Result = TypeVar("Result")


@_records.define(eq=False)
class Transport:
    """Base of what moves bytes.

    Args:
        root: Where they are.
    """

    root: str

    #: Whether to ask for something takes so long that what is known need not be read where it lies.
    distant: ClassVar[bool] = False

    def exists(self, *, path: str) -> bool:
        """Whether something is stored under a key.

        Args:
            path: The key, relative to the root.
        """
        raise self._no_kind()

    def read_bytes(self, *, path: str) -> bytes:
        """Read what is stored under a key.

        Args:
            path: The key, relative to the root.

        Raises:
            MissingError: If nothing is stored there.
        """
        raise self._no_kind()

    def write_bytes(self, *, path: str, content: bytes) -> None:
        """Store bytes under a key: all of them, or none.

        Args:
            path: The key, relative to the root.
            content: The bytes.
        """
        raise self._no_kind()

    def read_buffer(self, *, path: str) -> Buffer:
        """Read what is stored under a key into memory that may be written to, by the fastest way there is.

        Args:
            path: The key, relative to the root.

        Raises:
            MissingError: If nothing is stored there.
        """
        return bytearray(self.read_bytes(path=path))

    def read_range(self, *, path: str, start: int, end: int) -> bytes:
        """Read some of the bytes that are stored under a key: fewer if it has not as many.

        Args:
            path: The key, relative to the root.
            start: The first byte, from 0.
            end: The byte behind the last.

        Raises:
            MissingError: If nothing is stored there.
        """
        return self.read_bytes(path=path)[start:end]

    def create_bytes(self, *, path: str, content: bytes) -> bool:
        """Store bytes under a key, unless something is stored there: of all who try, one succeeds.

        A kind of datastore that does not define it looks first, and then writes: two may succeed that try at once.

        Args:
            path: The key, relative to the root.
            content: The bytes.

        Returns:
            Whether they were stored.
        """
        if self.exists(path=path):
            return False
        self.write_bytes(path=path, content=content)
        return True

    def write_parts(self, *, path: str, parts: Sequence[Buffer]) -> None:
        """Store bytes that are given in pieces under a key: all of them, or none.

        Args:
            path: The key, relative to the root.
            parts: The pieces.
        """
        self.write_bytes(path=path, content=b"".join(parts))

    def write_late(self, *, path: Callable[[], str], folder: str, parts: Sequence[Buffer]) -> None:
        """Store bytes under a key that is known only when they have been looked at, which may take as long as writing.

        Args:
            path: Gives the key, relative to the root.
            folder: What the key begins with, with a slash at its end.
            parts: The bytes, in pieces.
        """
        self.write_parts(path=path(), parts=parts)

    def holds(self, *, path: str, parts: Sequence[Buffer]) -> bool:
        """Whether these very bytes are stored under a key, as far as looking costs less than writing them.

        Args:
            path: The key, relative to the root.
            parts: The bytes, in pieces.
        """
        return False

    @contextlib.contextmanager
    def hold(self, *, path: str) -> Iterator[bool]:
        """Hold a lock while the ``with`` block runs, where there are locks: the system frees it with the process.

        Args:
            path: Its key, relative to the root.

        Yields:
            Whether it is held here, and not by another; True where there are no locks.
        """
        yield True

    def names(self, *, prefix: str) -> list[str]:
        """The names directly below a prefix, sorted.

        Args:
            prefix: A key that ends in a slash.

        Returns:
            The names of objects, and of what is like a folder without a slash.
        """
        raise self._no_kind()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Apply a function that reads or writes to each item, in order; concurrently where that is faster."""
        return map(function, items)

    def _no_kind(self) -> TypeError:
        return TypeError(f"{type(self).__name__} is no kind of datastore: use Local, Memory or AWS.S3")

    def uri(self, *, path: str) -> str:
        """The address of a key.

        Args:
            path: The key, relative to the root.
        """
        return f"{self.root}/{path}"
