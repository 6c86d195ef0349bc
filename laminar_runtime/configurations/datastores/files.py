"""Files of a local datastore: create, write, link, lock, map and sync them, and report their errors.

Paths are text here, and not those of pathlib, which would have to be loaded for each task.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import sys
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from laminar_runtime.blocks import block
from laminar_runtime.configurations.datastores.encoding import Buffer
from laminar_runtime.exceptions import DatastoreError

__all__ = [
    "create",
    "hold_folder",
    "link",
    "lock",
    "map_file",
    "raising_errors",
    "refresh",
    "replace_value",
    "sync_files",
    "unlock",
    "write",
]

#: The seconds after which a value that is stored again becomes new, so that nobody removes it as an old one. Such a
#: value is removed after a day at the earliest: `laminar_runtime.storage.pruning.GRACE`.
_OLD = 3600
#: How many files are mapped at once where each mapping keeps a file descriptor open: processes have 256 and more.
_MOST_MAPPED = 32
#: From this number of files on, the whole system is synced: one by one takes longer.
_MANY = 64

#: How file systems say that a file cannot have two names there.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}

#: How file systems say that they have no locks.
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}

_CURES = {
    errno.EACCES: "allow this user to read and write there, or choose another root",
    errno.EPERM: "allow this user to read and write there, or choose another root",
    errno.EROFS: "choose another root: this file system is read-only",
    errno.ENOSPC: "free some space, or choose another root",
    errno.EDQUOT: "free some space, or choose another root",
    errno.ENAMETOOLONG: "shorten the root, or the names of execution, layer or attribute",
    errno.ENOTDIR: "a part of the path is a file, not a folder: move it, or choose another root",
    errno.EISDIR: "the path is a folder, not a file: move it, or choose another root",
    errno.EMFILE: "allow the process to open more files (ulimit -n), or keep fewer files open",
    errno.EIO: "the disk fails: read the log of the system",
}

_mapped = 0


@block
def raising_errors(path: str) -> Iterator[None]:
    """Raise an error of the system about a file as ours, with the path and a cure.

    Args:
        path: The file.

    Raises:
        DatastoreError: If the block raises an error of the system, except `FileNotFoundError`.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        cure = _CURES.get(error.errno or 0)
        raise DatastoreError(f"{path}: {error.strerror or error}{f'; {cure}' if cure else ''}") from error
    except ValueError as error:  # a character that a path cannot have, such as a NUL
        raise DatastoreError(f"{path!r} cannot be the path of a file: {error}") from error


def create(path: str) -> int:
    """Create a file, and its folders if need be, with the rights that the umask leaves.

    Args:
        path: The file, which does not exist.

    Returns:
        Its descriptor, open for writing.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o666)


def write(descriptor: int, parts: Sequence[Buffer], *, sync: bool = False) -> None:
    """Write pieces of bytes, and close the file.

    Args:
        descriptor: The file's.
        parts: The pieces.
        sync: Whether to wait until they are on the disk.
    """
    try:
        for part in parts:
            left = memoryview(part).cast("B")
            while left.nbytes:
                left = left[os.write(descriptor, left) :]
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def link(path: str, target: str) -> bool:
    """Give a file a second name, unless a file has that name.

    Args:
        path: The file.
        target: The name.

    Returns:
        Whether the file has it.
    """
    try:
        os.link(path, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _copy(path, target)
    return True


def _copy(path: str, target: str) -> bool:
    """Copy a file, where a file system has no links. A process that is killed here leaves a damaged copy."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        write(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), (content,), sync=True)
    except FileExistsError:
        return False
    return True


#: The descriptors of locks of this process. A forked process does not keep them.
_held: set[int] = set()


def lock(path: str) -> int | None:
    """Create and lock a file. The system frees the lock when the process ends.

    Args:
        path: The file.

    Returns:
        Its descriptor; None if another process or thread has the lock. Without locks in the system or the file
        system, nobody has it.
    """
    while True:
        descriptor = _open_lock(path)
        try:
            if not _lock(descriptor):
                os.close(descriptor)
                return None
            if _is_at(descriptor, path):
                _keep(descriptor)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        # The former owner removed this file, and another file may have its name now.
        os.close(descriptor)


def unlock(path: str, descriptor: int) -> None:
    """Remove a file that this process has locked.

    Args:
        path: The file.
        descriptor: Its descriptor.
    """
    with contextlib.suppress(OSError):
        os.unlink(path)
    _held.discard(descriptor)
    os.close(descriptor)


def _open_lock(path: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o666)


def _lock(descriptor: int) -> bool:
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        return True
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _keep(descriptor: int) -> None:
    """Note a lock: a forked process shares it, and would hold it after this process has ended."""
    if not _held and hasattr(os, "register_at_fork"):
        _register()
    _held.add(descriptor)


@functools.cache
def _register() -> None:
    os.register_at_fork(after_in_child=_release)


def _release() -> None:
    while _held:
        with contextlib.suppress(OSError):
            os.close(_held.pop())


@block
def hold_folder(path: str, *, alone: bool) -> Iterator[bool]:
    """Hold a folder of values during the ``with`` block: who removes values alone, who makes old ones new with others.

    Args:
        path: The folder.
        alone: Whether to wait until nobody else holds it, and to keep others waiting.

    Yields:
        Whether it is held: some file systems have no locks.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    _keep(descriptor)
    try:
        yield _lock_folder(descriptor, alone=alone)
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


def _lock_folder(descriptor: int, *, alone: bool) -> bool:
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
    except ImportError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def replace_value(path: str, target: str) -> None:
    """Give a file the name of a value. It is an own step for who removes values if there is an old file of that name.

    Args:
        path: The file.
        target: The name.
    """
    try:
        old = _is_old(os.stat(target))
    except FileNotFoundError:
        old = False
    if not old:
        _move(path, target)
        return
    with hold_folder(os.path.dirname(target), alone=False):
        os.replace(path, target)


def _move(path: str, target: str) -> None:
    """Give a file another name, whose folder is made if need be: a value may lie deeper than it is written."""
    try:
        os.replace(path, target)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.replace(path, target)


def refresh(descriptor: int, path: str) -> bool:
    """Make a value new that is stored again, if it is old.

    Args:
        descriptor: Its descriptor.
        path: Its file.

    Returns:
        Whether it is there and new. If not, it must be written.
    """
    if not _is_old(os.fstat(descriptor)):
        return True
    with hold_folder(os.path.dirname(path), alone=False):
        if not _is_at(descriptor, path):
            return False
        os.utime(path)
        return True


def _is_old(found: os.stat_result) -> bool:
    return time.time() - found.st_mtime >= _OLD


def sync_files(paths: Iterable[str]) -> None:
    """Write files through to the disk.

    Args:
        paths: The files. Files that are gone are skipped.
    """
    files = list(paths)
    if len(files) > _MANY:
        os.sync()
        return
    for path in files:
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def map_file(descriptor: int) -> memoryview | None:
    """Map a file into memory: pages are copied when they are written to.

    Args:
        descriptor: The descriptor of a file of at least one byte.

    Returns:
        Its bytes; None if too many files are mapped already.
    """
    global _mapped  # noqa: PLW0603 - descriptors are the process's
    import mmap

    if sys.version_info >= (3, 13):
        return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY, trackfd=False))
    if _mapped >= _MOST_MAPPED:
        return None
    found = mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY)
    _mapped += 1
    weakref.finalize(found, _count_unmap).atexit = False
    return memoryview(found)


def _count_unmap(*_: Any) -> None:
    global _mapped  # noqa: PLW0603 - the same
    _mapped -= 1
