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

__all__ = ["scratch_folder"]

_PREFIX, _UNLOCKED = "laminar-rehearsal-", "laminar-unlocked-"
_LOCK = ".lock"


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
    made = Path(tempfile.mkdtemp(prefix=_UNLOCKED, dir=root))
    with (made / _LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # It gets its name with the lock on it: no other rehearsal takes it for one that was left.
        folder = made.rename(root / made.name.replace(_UNLOCKED, _PREFIX, 1))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned_folders(folder: Path) -> None:
    """Remove a folder of this user whose owner has ended."""
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return
        with (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return  # it is locked, or another rehearsal removes it now
