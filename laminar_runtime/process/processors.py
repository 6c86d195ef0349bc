"""The number of processors that this process may use, by the scheduler and the control groups of the system.

The machine may have more processors, if a container, a job of a batch system or ``taskset`` limits the process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

__all__ = ["available"]

#: The folders of the controller in version 1: https://docs.kernel.org/scheduler/sched-bwc.html
_FOLDERS = ("cpu", "cpu,cpuacct")


def available(root: str = "/") -> int:
    """Count the processors that this process may use, at least 1.

    A fractional quota is rounded up, as in Java and Go.

    Args:
        root: The folder that holds ``proc`` and ``sys``.

    Example:
        >>> 1 <= available() <= (os.cpu_count() or 1)
        True
    """
    return max(1, min([_schedulable(), *_quotas(root)]))


def _schedulable() -> int:
    """Return the processors that the process may be scheduled on."""
    if hasattr(os, "process_cpu_count"):  # from Python 3.13 on; it obeys PYTHON_CPU_COUNT too
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(root: str) -> Iterator[int]:
    """Yield the quota of each control group of the process, in processors."""
    for line in _read(root, "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:  # version 2: https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
            for group in _up(path):
                quota, _, period = _read(root, f"sys/fs/cgroup{group}/cpu.max").partition(" ")
                yield from _whole(quota, period)
        elif "cpu" in controllers.split(","):
            for folder in _FOLDERS:
                for group in _up(path):
                    place = f"sys/fs/cgroup/{folder}{group}/cpu.cfs_"
                    yield from _whole(_read(root, f"{place}quota_us"), _read(root, f"{place}period_us"))


def _up(path: str) -> Iterator[str]:
    """Yield a control group and its ancestors. In a container its own group may be the root."""
    path = path.rstrip("/")
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


def _whole(quota: str, period: str) -> Iterator[int]:
    """Yield a quota, rounded up to processors. Without a limit it is ``max``, negative or missing."""
    with contextlib.suppress(ValueError):
        time, every = int(quota), int(period)
        if time > 0 and every > 0:
            yield -(-time // every)


def _read(root: str, name: str) -> str:
    with contextlib.suppress(OSError), open(f"{root}/{name}", encoding="utf-8") as file:  # noqa: PTH123 - a task's start
        return file.read()
    return ""
