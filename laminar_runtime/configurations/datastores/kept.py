"""A transport that keeps in memory what the layers of one job store, so that those after them need not fetch it.

All artifacts are stored as ever: what is kept is a copy of their encoded bytes, in a folder of the memory. They are
named after their bytes, so that a copy is never out of date. Each reader decodes its own.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from contextlib import AbstractContextManager
from typing import Any

from laminar_runtime.configurations.datastores.encoding import Buffer
from laminar_runtime.configurations.datastores.transport import ContentKey, Transport

__all__ = ["KeptTransport", "memory_folder"]

#: The folder of Linux whose files are in memory. In a container it has 64 MiB, unless it asks for more.
_MEMORY = "/dev/shm"  # noqa: S108 - a folder of its own is made in it
#: The share of the free memory there that a copy may take.
_SHARE = 4


def memory_folder() -> str | None:
    """Make a folder whose files are in memory.

    Returns:
        The folder; None where there is none.
    """
    try:
        return tempfile.mkdtemp(prefix="laminar-", dir=_MEMORY)
    except OSError:
        return None


class KeptTransport:
    """A transport, and copies of what was stored by it.

    Args:
        inner: The transport.
        folder: The folder of the copies.
    """

    def __init__(self, inner: Transport, folder: str) -> None:
        self._inner, self._folder = inner, folder

    def __getattr__(self, name: str) -> Any:
        """Return what only some transports have."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._inner, name)

    @property
    def root(self) -> str:
        """Where the bytes are."""
        return self._inner.root

    @property
    def at_once(self) -> int:
        """How many requests to make at once."""
        return self._inner.at_once

    def get(self, key: str) -> bytes:
        """Read an object."""
        kept = self._read(key)
        return self._inner.get(key) if kept is None else bytes(kept)

    def get_buffer(self, key: str) -> Buffer:
        """Read an object into memory that may be written to."""
        kept = self._read(key)
        return self._inner.get_buffer(key) if kept is None else kept

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read some bytes of an object."""
        kept = self._read(key)
        return self._inner.get_range(key, start, end) if kept is None else bytes(kept[start:end])

    def put(self, key: str | ContentKey, *parts: Buffer) -> None:
        """Store an object, and keep a copy if it is named after its bytes."""
        self._inner.put(key, *parts)
        if isinstance(key, ContentKey):
            # Without a copy it is read from where it is stored.
            with contextlib.suppress(OSError):
                self._keep(str(key), parts)

    def create(self, key: str, content: bytes) -> bool:
        """Store an object unless there is one."""
        return self._inner.create(key, content)

    def exists(self, key: str) -> bool:
        """Return whether there is an object."""
        return self._inner.exists(key)

    def names(self, prefix: str) -> list[str]:
        """List the names directly below a prefix."""
        return self._inner.names(prefix)

    def lock(self, key: str) -> AbstractContextManager[bool]:
        """Hold a lock."""
        return self._inner.lock(key)

    def _path(self, key: str) -> str:
        return os.path.join(self._folder, key.replace("/", "_"))  # noqa: PTH118 - before pathlib

    def _read(self, key: str) -> bytearray | None:
        try:
            with open(self._path(key), "rb", buffering=0) as file:  # noqa: PTH123 - before pathlib
                content = bytearray(os.fstat(file.fileno()).st_size)
                read = file.readinto(content)
        except OSError:
            return None
        return content if read == len(content) else None

    def _keep(self, key: str, parts: tuple[Buffer, ...]) -> None:
        free = os.statvfs(self._folder)
        if sum(memoryview(part).nbytes for part in parts) * _SHARE > free.f_bavail * free.f_frsize:
            return
        number, path = tempfile.mkstemp(dir=self._folder)
        try:
            with open(number, "wb") as file:  # noqa: PTH123
                file.writelines(parts)
            os.replace(path, self._path(key))  # noqa: PTH105
        except OSError:
            os.unlink(path)  # noqa: PTH108
            raise
