"""A datastore on this machine's file system.

Paths are text here, and not those of pathlib, which would have to be loaded for each task.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import BinaryIO

from laminar_runtime import values
from laminar_runtime.configurations.datastores.base import DataStore
from laminar_runtime.configurations.datastores.encoding import Buffer, size_of
from laminar_runtime.exceptions import MissingError

__all__ = ["Local"]


#: From how many bytes on a file is mapped and not read.
_MAPPED = 1024 * 1024


@values.define(eq=False)
class Local(DataStore):
    """Keeps artifacts in a folder.

    Args:
        root: The folder; ``.laminar`` in the working directory unless given.

    Example:
        >>> Local(root="/data/laminar").uri(path="Report/artifacts")
        '/data/laminar/Report/artifacts'
    """

    root: str = values.field(factory=lambda: os.path.abspath(".laminar"), converter=os.path.abspath)

    def exists(self, *, path: str) -> bool:
        """Whether something is stored under a key."""
        return os.path.isfile(f"{self.root}/{path}")

    def read_bytes(self, *, path: str) -> bytes:
        """Read what is stored under a key."""
        with self._open(path) as file:
            return file.read()

    def read_buffer(self, *, path: str) -> Buffer:
        """Read what is stored under a key: a large file is mapped, and only what is written to is copied."""
        with self._open(path) as file:
            if os.fstat(file.fileno()).st_size < _MAPPED:
                return bytearray(file.read())
            import mmap

            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))

    def _open(self, path: str) -> BinaryIO:
        try:
            return open(f"{self.root}/{path}", "rb")
        except (FileNotFoundError, NotADirectoryError):
            raise MissingError(f"nothing is stored at {self.uri(path=path)}") from None

    def write_bytes(self, *, path: str, content: bytes) -> None:
        """Store bytes under a key, by a file beside it that is then renamed."""
        self.write_parts(path=path, parts=(content,))

    def write_parts(self, *, path: str, parts: Sequence[Buffer]) -> None:
        """Store pieces of bytes under a key, by a file beside it that is then renamed."""
        self.write_late(path=lambda: path, folder=f"{os.path.dirname(path)}/", parts=parts)

    def write_late(self, *, path: Callable[[], str], folder: str, parts: Sequence[Buffer]) -> None:
        """Store pieces of bytes under a key that is asked for when they are in the file that is to be renamed."""
        aside = f"{self.root}/{folder}.writing-{os.urandom(8).hex()}"
        try:
            _write(_create(aside), parts)
            os.replace(aside, f"{self.root}/{path()}")
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(aside)
            raise

    def holds(self, *, path: str, parts: Sequence[Buffer]) -> bool:
        """Whether these very bytes are stored under a key: of a small file, which takes longer to make than to read."""
        if size_of(parts) >= _MAPPED:
            return False
        try:
            with open(f"{self.root}/{path}", "rb") as file:
                return file.read() == b"".join(parts)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def names(self, *, prefix: str) -> list[str]:
        """The names directly below a prefix."""
        try:
            return sorted(name for name in os.listdir(f"{self.root}/{prefix}") if not name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return []


def _write(file: int, parts: Sequence[Buffer]) -> None:
    """Write all of some pieces of bytes, and close the file."""
    try:
        for part in parts:
            left = memoryview(part).cast("B")
            while left.nbytes:
                left = left[os.write(file, left) :]
    finally:
        os.close(file)


def _create(path: str) -> int:
    """Create a file, and the folders that it is in if they are not there, for its owner only."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o600)
