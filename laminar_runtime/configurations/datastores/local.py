"""A datastore on this machine's file system.

Paths are text here, and not those of pathlib, which would have to be loaded for each task.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from laminar_runtime import _records
from laminar_runtime.configurations.datastores import files
from laminar_runtime.configurations.datastores.base import DataStore
from laminar_runtime.configurations.datastores.encoding import Buffer, size_of
from laminar_runtime.exceptions import DatastoreError, MissingError
from laminar_runtime.storage.layout import states_facts

__all__ = ["Local"]


#: From how many bytes on a file is mapped and not read.
_MAPPED = 1024 * 1024
#: Seconds after which a system has what was written on the disk, also if nobody asked for that: Linux by 30 and 5.
#: https://docs.kernel.org/admin-guide/sysctl/vm.html#dirty-expire-centisecs
_WRITTEN_BACK = 120
#: What an address begins with, as that of a datastore in S3 does, also one that pathlib took for a path: it makes one
#: slash of two. A single letter is a drive.
_ADDRESS = r"[A-Za-z][A-Za-z0-9+.-]+:/"


def _root(root: Any) -> Any:
    """An absolute path, of one that may begin with ``~``."""
    path = os.fspath(root) if isinstance(root, os.PathLike) else root
    if not _is_path(path):
        return path
    found = os.path.expanduser(path)
    return found if found.startswith("~") else os.path.abspath(found)


def _is_path(root: Any) -> bool:
    if not (isinstance(root, str) and root.strip() and "\0" not in root):
        return False
    return ":/" not in root or re.match(_ADDRESS, root) is None


def _check_root(_: object, __: _records.Field, root: object) -> None:
    unknown = str(root).startswith("~")  # the home of a user that there is not
    if unknown or not _is_path(root):
        fix = "use datastores.AWS.S3(root=...)" if str(root).startswith("s3:/") else "name one, such as '.laminar'"
        raise DatastoreError(f"the root of a Local datastore is the path of a folder, not {root!r}: {fix}")


@_records.define(eq=False)
class Local(DataStore):
    """Keeps artifacts in a folder.

    Args:
        root: The folder; ``.laminar`` in the working directory unless given. ``~`` is the user's home.

    Files have the rights that the umask leaves. What states that a task or a layer finished is written when all that
    was written before is on the disk.

    Raises:
        DatastoreError: If the root is no path of a folder.

    Example:
        >>> Local(root="/data/laminar").uri(path="Report/artifacts")
        '/data/laminar/Report/artifacts'
    """

    root: str = _records.field(factory=lambda: os.path.abspath(".laminar"), converter=_root, validator=_check_root)
    #: The files that were written since files were last synced.
    _unsynced: list[str] = _records.field(factory=list, init=False, repr=False)

    def exists(self, *, path: str) -> bool:
        """Whether something is stored under a key."""
        return os.path.isfile(self._file(path))

    def read_bytes(self, *, path: str) -> bytes:
        """Read what is stored under a key."""
        with self._open(path) as file, files.reported(self.uri(path=path)):
            return file.read()

    def read_buffer(self, *, path: str) -> Buffer:
        """Read what is stored under a key: a large file is mapped, and only what is written to is copied."""
        with self._open(path) as file, files.reported(self.uri(path=path)):
            size = os.fstat(file.fileno()).st_size
            if size >= _MAPPED and (mapped := files.map_file(file.fileno())) is not None:
                return mapped
            content = bytearray(size)
            read = file.readinto(content)
            return content if read == size else content[:read] + file.read()

    def read_range(self, *, path: str, start: int, end: int) -> bytes:
        """Read some of the bytes that are stored under a key."""
        with self._open(path) as file, files.reported(self.uri(path=path)):
            return os.pread(file.fileno(), end - start, start)

    def _open(self, path: str) -> io.BufferedReader:
        try:
            with files.reported(self.uri(path=path)):
                return open(self._file(path), "rb")
        except FileNotFoundError:
            raise MissingError(f"nothing is stored at {self.uri(path=path)}") from None

    def write_bytes(self, *, path: str, content: bytes) -> None:
        """Store bytes under a key, by a file beside it that is then renamed."""
        self.write_parts(path=path, parts=(content,))

    def write_parts(self, *, path: str, parts: Sequence[Buffer]) -> None:
        """Store pieces of bytes under a key, by a file beside it that is then renamed."""
        self.write_late(path=lambda: path, folder=f"{os.path.dirname(path)}/", parts=parts)

    def write_late(self, *, path: Callable[[], str], folder: str, parts: Sequence[Buffer]) -> None:
        """Store pieces of bytes under a key that is asked for when they are in the file that is to be renamed."""
        aside, facts = self._aside(folder), states_facts(folder)
        with files.reported(f"{self.root}/{folder}"):
            if facts:
                self._sync()
            try:
                files.write(files.create(aside), parts, sync=facts)
                target = self._file(path())
                os.replace(aside, target)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(aside)
                raise
            if not facts:
                self._unsynced.append(target)

    def create_bytes(self, *, path: str, content: bytes) -> bool:
        """Store bytes under a key, unless something is stored there: by a second name for a file beside it."""
        folder, target = f"{os.path.dirname(path)}/", self._file(path)
        aside = self._aside(folder)
        with files.reported(target):
            if states_facts(folder):
                self._sync()
            try:
                files.write(files.create(aside), (content,), sync=True)
                return files.link(aside, target)
            finally:
                with contextlib.suppress(OSError):
                    os.unlink(aside)

    @contextlib.contextmanager
    def hold(self, *, path: str) -> Iterator[bool]:
        """Hold a lock, if no other process or thread does: that of a file, which is gone afterwards."""
        target = self._file(path)
        with files.reported(target):
            descriptor = files.lock(target)
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                files.unlock(target, descriptor)

    def _aside(self, folder: str) -> str:
        """The name of a file that is written before it is given the name of a key."""
        return f"{self._file(folder.lstrip('/'))}.writing-{os.urandom(8).hex()}"

    def _file(self, path: str) -> str:
        """The file, or folder, of a key.

        Raises:
            DatastoreError: If it is not below the root.
        """
        parts = f"/{path}/"
        if "/../" in parts or "/./" in parts or "//" in parts[:-1]:
            raise DatastoreError(f"{path!r} is no key: it is not below the datastore's root, {self.root}")
        return f"{self.root}/{path}"

    def _sync(self) -> None:
        """Have all that was written be on the disk."""
        written, self._unsynced = self._unsynced, []
        files.sync_files(written)

    def holds(self, *, path: str, parts: Sequence[Buffer]) -> bool:
        """Whether these very bytes are stored under a key: of a small file, which takes longer to make than to read."""
        if size_of(parts) >= _MAPPED:
            return False
        target = self._file(path)
        try:
            with open(target, "rb") as file:
                found = file.read() == b"".join(parts)
                new = time.time() - os.fstat(file.fileno()).st_mtime < _WRITTEN_BACK
        except OSError:  # writing it says what is wrong
            return False
        if found and new:
            # Whoever wrote it may not have had it on the disk yet, or was killed before that.
            self._unsynced.append(target)
        return found

    def names(self, *, prefix: str) -> list[str]:
        """The names directly below a prefix."""
        try:
            with files.reported(self.uri(path=prefix)):
                return sorted(name for name in os.listdir(self._file(prefix)) if not name.startswith("."))
        except FileNotFoundError:
            return []
