"""Ends what this process started if this process dies, in whatever way: also by SIGKILL, or for lack of memory.

Processes of tasks have process groups of their own, so nothing else ends them. A small process, started with the first
of them, reads their numbers from a pipe whose other end only this process holds. When that is closed and groups are
left, it ends them: kindly first, as a client of Docker then stops its container, and then by force.

A group is known a moment after it began: of a process that is killed in that moment, what it just started runs on.

It is a shell, which every machine with a terminal has: it starts in a millisecond, where Python takes ten.
"""

from __future__ import annotations

import contextlib
import os
import threading

__all__ = ["forget", "prepare", "watch"]

#: The program of the small process: the groups are in `left`, each with a space on both sides. They have two seconds to
#: end by themselves.
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
    """The small process, as this process sees it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._owner, self._pipe = 0, -1

    def prepare(self) -> None:
        with self._lock:
            # A process that was forked has a copy of the pipe, and of the groups: they are its parent's.
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
        except OSError:  # somebody ended it
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
        # Where there is no room for one more process, the task itself says so. A group of its own has what is sent to
        # this process' group, as by a terminal, not reach it.
        with contextlib.suppress(OSError):
            os.posix_spawn(words[0], words, os.environ, file_actions=files, setpgroup=0)
        os.close(reading)


_reaper = _Reaper()


def prepare() -> None:
    """Be ready to watch: a process group is known the sooner after it began."""
    _reaper.prepare()


def watch(group: int) -> None:
    """Have a process group end with this process.

    Args:
        group: Its number, that of the process that leads it.
    """
    _reaper.watch(group)


def forget(group: int) -> None:
    """Leave a process group alone, which has ended: its number may be given to another.

    Args:
        group: Its number.
    """
    _reaper.forget(group)
