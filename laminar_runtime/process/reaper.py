"""A reaper, which ends the tasks' processes if this process dies, even by SIGKILL or for lack of memory.

The process of a task has a process group of its own, so nothing else ends it. The reaper is a small process that starts
with the first task. It reads the numbers of the groups from a pipe, whose other end only this process has. When the
pipe closes, the reaper ends the groups that are left: first with SIGTERM, so that a Docker client can stop its
container, then with SIGKILL.

The reaper learns of a group a moment after the group starts. If this process is killed in that moment, the task
continues.

The reaper is a shell: it starts in one millisecond; Python needs ten.
"""

from __future__ import annotations

import contextlib
import os
import threading

__all__ = ["forget", "prepare", "watch"]

#: The program of the reaper. The variable `left` has the groups, each with a space on both sides. A group has two
#: seconds between SIGTERM and SIGKILL.
_PROGRAM = """
trap '' INT TERM HUP QUIT
left=' '
while read -r sign group; do
    case $sign in
        +) left="$left$group " ;;
        -) left="${left%% $group *} ${left#* $group }" ;;
    esac
done
test "$left" = ' ' && exit
for group in $left; do kill -s TERM -- "-$group"; done
sleep 2
for group in $left; do kill -s KILL -- "-$group"; done
"""


class _Reaper:
    """The reaper, as seen from this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._owner, self._pipe = 0, -1

    def prepare(self) -> None:
        with self._lock:
            # A forked process has copies of its parent's pipe and groups.
            if self._owner != os.getpid():
                self._groups = set()
                self._start()

    def watch(self, group: int) -> None:
        self.prepare()
        with self._lock:
            self._groups.add(group)
            self._say(f"+ {group}\n")

    def forget(self, group: int) -> None:
        with self._lock:
            self._groups.discard(group)
            if self._owner == os.getpid():
                self._say(f"- {group}\n")

    def _say(self, line: str) -> None:
        try:
            os.write(self._pipe, line.encode())
        except OSError:  # the reaper was killed
            with contextlib.suppress(OSError):
                os.close(self._pipe)
            self._start()
            with contextlib.suppress(OSError):
                os.write(self._pipe, "".join(f"+ {group}\n" for group in self._groups).encode())

    def _start(self) -> None:
        reading, writing = os.pipe()
        self._owner, self._pipe = os.getpid(), writing
        files = [
            (os.POSIX_SPAWN_DUP2, reading, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        words = ["/bin/sh", "-c", _PROGRAM, "laminar reaper"]
        # If the system cannot start another process, the task itself reports that. The reaper has its own group, so
        # that signals to this process' group, for example from a terminal, do not reach it.
        with contextlib.suppress(OSError):
            os.posix_spawn(words[0], words, os.environ, file_actions=files, setpgroup=0)
        os.close(reading)


_reaper = _Reaper()


def prepare() -> None:
    """Start the reaper before the first task, so that it learns of the task's process group sooner."""
    _reaper.prepare()


def watch(group: int) -> None:
    """End a process group when this process ends.

    Args:
        group: The number of the group, which is that of its leading process.
    """
    _reaper.watch(group)


def forget(group: int) -> None:
    """Stop watching a process group that has ended: the system may reuse its number.

    Args:
        group: The number of the group.
    """
    _reaper.forget(group)
