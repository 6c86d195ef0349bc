"""A datastore on this machine's file system."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from laminar_runtime import values
from laminar_runtime.configurations.datastores.base import DataStore
from laminar_runtime.configurations.datastores.encoding import Buffer
from laminar_runtime.exceptions import MissingError

__all__ = ["Local"]


#: From how many bytes on a file is mapped and not read.
_MAPPED = 1024 * 1024


def _absolute(root: str | Path) -> str:
    return os.path.abspath(root)  # noqa: PTH100 - Path.resolve would follow links


@values.define(eq=False)
class Local(DataStore):
    """Keeps artifacts in a folder.

    Args:
        root: The folder; ``.laminar`` in the working directory unless given.

    Example:
        >>> Local(root="/data/laminar").uri(path="Report/artifacts")
        '/data/laminar/Report/artifacts'
    """

    root: str = values.field(factory=lambda: ".laminar", converter=_absolute)

    def exists(self, *, path: str) -> bool:
        """Whether something is stored under a key."""
        return Path(self.root, path).is_file()

    def read_bytes(self, *, path: str) -> bytes:
        """Read what is stored under a key."""
        try:
            return Path(self.root, path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise MissingError(f"nothing is stored at {self.uri(path=path)}") from None

    def read_buffer(self, *, path: str) -> Buffer:
        """Read what is stored under a key: a large file is mapped, and only what is written to is copied."""
        try:
            with Path(self.root, path).open("rb") as file:
                if os.fstat(file.fileno()).st_size < _MAPPED:
                    return bytearray(file.read())
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        except (FileNotFoundError, NotADirectoryError):
            raise MissingError(f"nothing is stored at {self.uri(path=path)}") from None

    def write_bytes(self, *, path: str, content: bytes) -> None:
        """Store bytes under a key, by a file beside it that is then renamed."""
        self.write_parts(path=path, parts=(content,))

    def write_parts(self, *, path: str, parts: Sequence[Buffer]) -> None:
        """Store pieces of bytes under a key, by a file beside it that is then renamed."""
        target = Path(self.root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(dir=target.parent, prefix=".writing-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(parts)
            Path(aside).replace(target)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise

    def names(self, *, prefix: str) -> list[str]:
        """The names directly below a prefix."""
        folder = Path(self.root, prefix)
        if not folder.is_dir():
            return []
        return sorted(item.name for item in folder.iterdir() if not item.name.startswith("."))
