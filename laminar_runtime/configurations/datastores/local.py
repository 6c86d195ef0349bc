"""A datastore on this machine's file system.

Paths are text here, and not those of pathlib, which would have to be loaded for each task.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from laminar_runtime import _records
from laminar_runtime.blocks import block
from laminar_runtime.configurations.datastores import files
from laminar_runtime.configurations.datastores.base import DataStore
from laminar_runtime.configurations.datastores.encoding import Buffer, size_of
from laminar_runtime.configurations.datastores.transport import ContentKey, Transport, address, missing
from laminar_runtime.exceptions import DatastoreError
from laminar_runtime.storage.layout import states_facts

__all__ = ["FileTransport", "Local"]


#: From this number of bytes on, a file is mapped, not read.
_MAPPED = 1024 * 1024
#: Seconds after which the system has written a file to the disk by itself: Linux after 30 and 5.
#: https://docs.kernel.org/admin-guide/sysctl/vm.html#dirty-expire-centisecs
_WRITTEN_BACK = 120
#: The beginning of a URL, such as that of a datastore in S3. pathlib makes one slash of two. One letter is a drive.
_ADDRESS = r"[A-Za-z][A-Za-z0-9+.-]+:/"


def _root(root: Any) -> Any:
    """Return an absolute path for one that may begin with ``~``."""
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
    unknown = str(root).startswith("~")  # the home of an unknown user
    if unknown or not _is_path(root):
        fix = (
            "use datastores.AWS.S3(root=...)" if str(root).startswith("s3:/") else "use a path, for example '.laminar'"
        )
        raise DatastoreError(f"the root of a Local datastore must be the path of a folder, not {root!r}: {fix}")


class FileTransport:
    """Keeps objects as files of a folder, and their keys as paths below it.

    A file is written beside its place and then renamed, so that no reader sees a part of it. Files have the rights that
    the umask leaves. An object that states facts about others, such as a record, is named when those are on the disk.

    Args:
        root: The folder, as an absolute path.
    """

    at_once = 1

    def __init__(self, root: str) -> None:
        self.root = root
        #: The files that were written since files were last synced.
        self._unsynced: list[str] = []

    def get(self, key: str) -> bytes:
        """Read an object."""
        with self._open(key) as file, files.raising_errors(address(self, key)):
            return file.read()

    def get_buffer(self, key: str) -> Buffer:
        """Read an object: a large file is mapped, and its pages are copied when they are written to."""
        with self._open(key) as file, files.raising_errors(address(self, key)):
            size = os.fstat(file.fileno()).st_size
            if size >= _MAPPED and (mapped := files.map_file(file.fileno())) is not None:
                return mapped
            content = bytearray(size)
            read = file.readinto(content)
            return content if read == size else content[:read] + file.read()

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read some bytes of an object."""
        with self._open(key) as file, files.raising_errors(address(self, key)):
            return os.pread(file.fileno(), end - start, start)

    def _open(self, key: str) -> io.BufferedReader:
        try:
            with files.raising_errors(address(self, key)):
                return open(self._file(key), "rb")
        except FileNotFoundError:
            raise missing(self, key) from None

    def put(self, key: str | ContentKey, *parts: Buffer) -> None:
        """Store an object. Of a small one that is named after its bytes, look first: to write it would take longer."""
        if not isinstance(key, ContentKey):
            folder = f"{os.path.dirname(key)}/"
        elif size_of(parts) < _MAPPED and self._holds(str(key), parts):
            return
        else:
            folder = key.folder
        aside, facts = self._aside(folder), states_facts(folder)
        with files.raising_errors(f"{self.root}/{folder}"):
            if facts:
                self._sync()
            try:
                files.write(files.create(aside), parts, sync=facts)
                target = self._file(str(key))
                (files.replace_value if isinstance(key, ContentKey) else os.replace)(aside, target)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(aside)
                raise
            if not facts:
                self._unsynced.append(target)

    def _holds(self, key: str, parts: Sequence[Buffer]) -> bool:
        target = self._file(key)
        try:
            with open(target, "rb") as file:
                found = file.read() == b"".join(parts)
                new = time.time() - os.fstat(file.fileno()).st_mtime < _WRITTEN_BACK
                found = found and files.refresh(file.fileno(), target)
        except OSError:  # an attempt to write reports what is wrong
            return False
        if found and new:
            # Whoever wrote it may not have had it on the disk yet, or was killed before that.
            self._unsynced.append(target)
        return found

    def create(self, key: str, content: bytes) -> bool:
        """Store an object unless there is one: a file is written beside its place, and linked to it."""
        folder, target = f"{os.path.dirname(key)}/", self._file(key)
        aside = self._aside(folder)
        with files.raising_errors(target):
            if states_facts(folder):
                self._sync()
            try:
                files.write(files.create(aside), (content,), sync=True)
                return files.link(aside, target)
            finally:
                with contextlib.suppress(OSError):
                    os.unlink(aside)

    def exists(self, key: str) -> bool:
        """Return whether there is an object."""
        return os.path.isfile(self._file(key))

    def size(self, key: str) -> int:
        """Return the bytes of an object."""
        try:
            with files.raising_errors(address(self, key)):
                return os.stat(self._file(key)).st_size
        except FileNotFoundError:
            raise missing(self, key) from None

    def delete(self, prefix: str) -> None:
        """Delete all objects below a prefix."""
        import shutil

        with files.raising_errors(address(self, prefix)), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._file(prefix))

    def names(self, prefix: str) -> list[str]:
        """List the names directly below a prefix."""
        try:
            with files.raising_errors(address(self, prefix)):
                return sorted(name for name in os.listdir(self._file(prefix)) if not name.startswith("."))
        except FileNotFoundError:
            return []

    @block
    def lock(self, key: str) -> Iterator[bool]:
        """Hold a lock, if no other process or thread does: that of a file, which is gone afterwards."""
        target = self._file(key)
        with files.raising_errors(target):
            descriptor = files.lock(target)
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                files.unlock(target, descriptor)

    def _aside(self, folder: str) -> str:
        """Return the name of a file that is written before it is renamed."""
        return f"{self._file(folder.lstrip('/'))}.writing-{os.urandom(8).hex()}"

    def _file(self, key: str) -> str:
        """Return the file, or folder, of a key.

        Raises:
            DatastoreError: If it is not below the root.
        """
        parts = f"/{key}/"
        if "/../" in parts or "/./" in parts or "//" in parts[:-1]:
            raise DatastoreError(f"{key!r} is not a key: it is not below the datastore's root, {self.root}")
        return f"{self.root}/{key}"

    def _sync(self) -> None:
        """Sync all files that were written before to the disk."""
        written, self._unsynced = self._unsynced, []
        files.sync_files(written)


@_records.define(eq=False)
class Local(DataStore):
    """Keeps artifacts in a folder.

    Files have the rights that the umask leaves. A task or a layer counts as finished when all that was written before
    is on the disk.

    Args:
        root: The folder; ``.laminar`` in the working directory unless given. ``~`` is the user's home.

    Raises:
        DatastoreError: If the root is not the path of a folder.

    Example:
        >>> Local(root="/data/laminar").uri(path="Report/artifacts")
        '/data/laminar/Report/artifacts'
    """

    root: str = _records.field(factory=lambda: os.path.abspath(".laminar"), converter=_root, validator=_check_root)
    transport: Transport = _records.field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.transport = FileTransport(self.root)
