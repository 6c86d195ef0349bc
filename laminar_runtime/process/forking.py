"""Whether a process may be forked: its child has the memory of all threads, and only one of them."""

from __future__ import annotations

import os
import stat
import sys
import warnings

__all__ = ["is_safe"]

_FDS, _THREADS = "/proc/self/fd", "/proc/self/task"
#: The beginnings of the devices of accelerators. What a process keeps on one is lost in its child.
_ACCELERATORS = ("/dev/nvidia", "/dev/neuron", "/dev/kfd", "/dev/dri/", "/dev/accel")
#: The standard streams may be sockets.
_STANDARD = 3


def is_safe() -> bool:
    """Return whether children that are forked from this process can go on as if they had made its memory themselves.

    They cannot if a thread runs besides, or the process has a connection or an accelerator. Threads of libraries that
    end them at a fork, such as those of OpenBLAS, do not count: a child is forked to see which are left.
    """
    if sys.platform != "linux" or not os.path.isdir(_THREADS) or _has_connections():  # noqa: PTH112 - before pathlib
        return False
    if len(os.listdir(_THREADS)) > 1:  # noqa: PTH208 - before pathlib
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    return len(os.listdir(_THREADS)) == 1  # noqa: PTH208


def _has_connections() -> bool:
    """Return whether the process has a socket or an accelerator open."""
    for name in os.listdir(_FDS):  # noqa: PTH208
        try:
            if int(name) >= _STANDARD and stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                return True
            if os.readlink(f"{_FDS}/{name}").startswith(_ACCELERATORS):  # noqa: PTH115
                return True
        except OSError:  # the folder itself, which is closed by now
            continue
    return False
