"""Files of a local datastore: how they are made, mapped and synced, and how their errors are reported.

Paths are text here, and not those of pathlib, which would have to be loaded for each task.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import sys
import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from laminar_runtime.configurations.datastores.encoding import Buffer
from laminar_runtime.exceptions import DatastoreError

__all__ = ["create", "link", "lock", "map_file", "reported", "sync_files", "unlock", "write"]

#: How many files are mapped at once where each mapping keeps a file descriptor open: processes have 256 and more.
_MOST_MAPPED = 32
#: From how many files on the whole system is asked to write what it holds back: each file by itself takes longer.
_MANY = 64

#: How file systems say that a file cannot have two names there.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}

#: How file systems say that they have no locks.
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}

_CURES = {
    errno.EACCES: "let this user read and write there, or choose another root",
    errno.EPERM: "let this user read and write there, or choose another root",
    errno.EROFS: "choose another root: that file system can only be read",
    errno.ENOSPC: "free some space, or choose another root",
    errno.EDQUOT: "free some space, or choose another root",
    errno.ENAMETOOLONG: "shorten the root, or the names of execution, layer or attribute",
    errno.ENOTDIR: "a file stands where a folder belongs: move it, or choose another root",
    errno.EISDIR: "a folder stands where a file belongs: move it, or choose another root",
    errno.EMFILE: "let the process open more files (ulimit -n), or keep fewer of them open",
    errno.EIO: "the disk does not work: look into the log of the system",
}

_mapped = 0


@contextlib.contextmanager
def reported(path: str) -> Iterator[None]:
    """Report an error of the system about a file as ours, with the path and a cure.

    Args:
        path: The file.

    Raises:
        DatastoreError: If the block raises an error of the system, except that there is no such file.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        cure = _CURES.get(error.errno or 0)
        raise DatastoreError(f"{path}: {error.strerror or error}{f'; {cure}' if cure else ''}") from error
    except ValueError as error:  # what no path can hold, such as a NUL
        raise DatastoreError(f"{path!r} cannot be the path of a file: {error}") from error


def create(path: str) -> int:
    """Create a file, and the folders that it is in if they are not there, with the rights that the umask leaves.

    Args:
        path: The file, which is not there yet.

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
    """Write all of some pieces of bytes, and close the file.

    Args:
        descriptor: The file's.
        parts: The pieces.
        sync: Whether they are on the disk when this returns.
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
    """Give a file a second name, if no file has it.

    Args:
        path: The file.
        target: The name.

    Returns:
        Whether it is the file's.
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
    """Copy a file where each has one name: who is killed meanwhile leaves a part of it, which reads as damaged."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        write(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), (content,), sync=True)
    except FileExistsError:
        return False
    return True


#: The descriptors of locks that are held here. A process that is forked from this one does not keep them.
_held: set[int] = set()


def lock(path: str) -> int | None:
    """Lock a file for this process, which is made if it is not there. The system frees the lock with the process.

    Args:
        path: The file.

    Returns:
        Its descriptor; None if another process, or thread, has the lock. Where a file system, or the system, has no
        locks, nobody has.
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
        # Who had it removed it, and a file of that name is another one.
        os.close(descriptor)


def unlock(path: str, descriptor: int) -> None:
    """Remove a file that is locked here.

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
    """Note a lock. What is forked shares it, and would have it be held when this process has ended."""
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


def sync_files(paths: Iterable[str]) -> None:
    """Have files be on the disk.

    Args:
        paths: The files. One that is gone is passed over.
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
    """Map a file: only what is written to is copied.

    Args:
        descriptor: The file's, of one byte or more.

    Returns:
        Its bytes, None if as many files are mapped as may be.
    """
    global _mapped  # noqa: PLW0603 - descriptors are the process's
    import mmap

    if sys.version_info >= (3, 13):
        return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY, trackfd=False))
    if _mapped >= _MOST_MAPPED:
        return None
    found = mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY)
    _mapped += 1
    weakref.finalize(found, _unmapped).atexit = False
    return memoryview(found)


def _unmapped(*_: Any) -> None:
    global _mapped  # noqa: PLW0603 - the same
    _mapped -= 1
