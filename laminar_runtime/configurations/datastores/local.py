"""A datastore on this machine's file system."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import attrs

from laminar_runtime.configurations.datastores.base import DataStore
from laminar_runtime.exceptions import MissingError

__all__ = ["Local"]


def _absolute(root: str | Path) -> str:
    return os.path.abspath(root)  # noqa: PTH100 - Path.resolve would follow links


@attrs.define(slots=False, eq=False)
class Local(DataStore):
    """Keeps artifacts in a folder.

    Args:
        root: The folder; ``.laminar`` in the working directory unless given.

    Example:
        >>> Local(root="/data/laminar").uri(path="Report/artifacts")
        '/data/laminar/Report/artifacts'
    """

    root: str = attrs.field(factory=lambda: ".laminar", converter=_absolute)

    def exists(self, *, path: str) -> bool:
        """Whether something is stored under a key."""
        return Path(self.root, path).is_file()

    def read_bytes(self, *, path: str) -> bytes:
        """Read what is stored under a key."""
        try:
            return Path(self.root, path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise MissingError(f"nothing is stored at {self.uri(path=path)}") from None

    def write_bytes(self, *, path: str, content: bytes) -> None:
        """Store bytes under a key, by a file beside it that is then renamed."""
        target = Path(self.root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(dir=target.parent, prefix=".writing-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
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
