"""A datastore in this process, for tests and for trying things out."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Iterator
from typing import ClassVar

from laminar_runtime import _records
from laminar_runtime.blocks import block
from laminar_runtime.configurations.datastores.base import DataStore
from laminar_runtime.configurations.datastores.encoding import Buffer
from laminar_runtime.configurations.datastores.transport import ContentKey, missing

__all__ = ["Memory", "MemoryTransport"]

#: Held while a key is looked up and then stored or locked.
_creating = allocate_lock()


class MemoryTransport:
    """Keeps bytes in a dictionary."""

    root = "memory://"
    at_once = 1

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self._locked: set[str] = set()

    def get(self, key: str) -> bytes:
        """Read an object."""
        try:
            return self.objects[key]
        except KeyError:
            raise missing(self, key) from None

    def get_buffer(self, key: str) -> Buffer:
        """Read an object into memory of its own."""
        return bytearray(self.get(key))

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read some bytes of an object."""
        return self.get(key)[start:end]

    def put(self, key: str | ContentKey, *parts: Buffer) -> None:
        """Store an object."""
        self.objects[str(key)] = b"".join(parts)

    def create(self, key: str, content: bytes) -> bool:
        """Store an object unless there is one."""
        with _creating:
            if key in self.objects:
                return False
            self.objects[key] = content
            return True

    def exists(self, key: str) -> bool:
        """Return whether there is an object."""
        return key in self.objects

    def size(self, key: str) -> int:
        """Return the bytes of an object."""
        return len(self.get(key))

    def delete(self, prefix: str) -> None:
        """Delete all objects below a prefix."""
        for key in [key for key in self.objects if key.startswith(prefix)]:
            del self.objects[key]

    def names(self, prefix: str) -> list[str]:
        """List the names directly below a prefix."""
        rest = (key.removeprefix(prefix) for key in list(self.objects) if key.startswith(prefix))
        names = {name.partition("/")[0] for name in rest}
        return sorted(name for name in names if not name.startswith("."))

    @block
    def lock(self, key: str) -> Iterator[bool]:
        """Hold a lock, if no other thread does."""
        with _creating:
            free = key not in self._locked
            if free:
                self._locked.add(key)
        try:
            yield free
        finally:
            if free:
                self._locked.discard(key)


@_records.define(eq=False)
class Memory(DataStore):
    """Keeps artifacts in memory. Only the `Thread` executor can use it: its layers run in this process.

    Args:
        protocols: The protocols by the name of the type that they are registered for.
        pickle: Whether types without a protocol are pickled, and pickles loaded.

    Example:
        >>> Memory().transport.exists("Report/artifacts")
        False
    """

    in_process: ClassVar[bool] = True

    transport: MemoryTransport = _records.field(factory=MemoryTransport, init=False, repr=False)

    @property
    def workspace(self) -> dict[str, bytes]:
        """What is stored, by key."""
        return self.transport.objects
