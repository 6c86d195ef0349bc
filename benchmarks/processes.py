"""Counts the processes that a command starts, by looking at the system's table of processes again and again."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from benchmarks.timing import Command, check, environment, prepare

__all__ = ["count"]


def count(command: Command) -> int:
    """Run a command and count its processes, itself among them.

    What lives for less than a millisecond may be missed. Linux only.

    Args:
        command: The command.

    Raises:
        subprocess.CalledProcessError: If it fails.
    """
    prepare(command)
    seen: set[str] = set()
    with (
        tempfile.TemporaryFile() as err,
        subprocess.Popen(
            list(command.words),
            env=environment(command),
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=err,
            start_new_session=True,
        ) as process,
    ):
        while process.poll() is None:
            seen |= _of_session(str(process.pid))
        err.seek(0)
        check(command, process.returncode, err.read().decode(errors="replace"))
    return len(seen | {str(process.pid)})


def _of_session(session: str) -> set[str]:
    """Return the processes of a session that run now."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text(encoding="utf-8")
        except OSError:
            continue  # it ended meanwhile
        # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the session is the fourth field after the name.
        if text.rpartition(")")[2].split()[3] == session:
            found.add(folder.name)
    return found
