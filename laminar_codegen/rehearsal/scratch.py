"""The folder of a rehearsal: the stand-in of the image, and logs. It is removed at the end.

A rehearsal that is killed cannot remove its own. The next one does: the owner of a folder holds a lock on it, which the
operating system releases however the owner ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["folders_in_use", "scratch_folder"]

_PREFIX = "laminar-rehearsal-"
_LOCK, _UNLOCKED = ".lock", ".unlocked"


@contextmanager
def scratch_folder(parent: Path | None = None) -> Iterator[Path]:
    """Make a folder, and remove it at the end. First remove those that killed rehearsals left.

    Args:
        parent: Where it is made; the folder of temporary files unless given.

    Yields:
        The folder. It is readable by its owner only.
    """
    root = Path(tempfile.gettempdir()) if parent is None else parent
    for left in root.glob(f"{_PREFIX}*"):
        _remove_abandoned_folders(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    try:
        with (folder / _UNLOCKED).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # The lock gets its name when it is locked: no other rehearsal takes the folder for one that was left. The
            # folder has its name from the beginning: others see it, and could take another name before it does.
            (folder / _UNLOCKED).rename(folder / _LOCK)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def folders_in_use(parent: Path | None = None) -> Iterator[Path]:
    """Yield the folders of this user's rehearsals that run.

    Args:
        parent: Where they are; the folder of temporary files unless given.
    """
    root = Path(tempfile.gettempdir()) if parent is None else parent
    for folder in root.glob(f"{_PREFIX}*"):
        try:
            if folder.lstat().st_uid != os.getuid() or not folder.is_dir() or folder.is_symlink():
                continue
            with (folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield folder
        except OSError:
            continue


def _remove_abandoned_folders(folder: Path) -> None:
    """Remove a folder of this user whose owner has ended.

    Others may make what has such a name, and exchange it at any moment: what is looked at is opened first.
    """
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return  # it is a link, or of somebody else
    try:
        if os.fstat(opened).st_uid != os.getuid():
            return
        lock = os.open(_LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=opened)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
    except OSError:
        return  # it is locked, or another rehearsal removes it now
    finally:
        os.close(opened)
