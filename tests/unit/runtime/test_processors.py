"""How many processors a process may use, read from folders as Linux has them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from laminar_runtime.process.processors import available

#: What the process may use where no group limits it.
MOST = available("there-is-no-such-folder")


def files(root: Path, contents: dict[str, str]) -> str:
    """Write files below a folder."""
    for name, content in contents.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return str(root)


@pytest.mark.parametrize(
    ("contents", "most"),
    [
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "150000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "max 100000\n"}, MOST),
        (
            {
                "proc/self/cgroup": "3:cpu,cpuacct:/docker/1\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "100000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            1,
        ),
        (
            {
                "proc/self/cgroup": "3:cpuset:/\n1:cpu:/job\n",
                "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "20000\n",
                "sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000\n",
            },
            1,
        ),
        ({"proc/self/cgroup": "1:cpu:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n"}, MOST),
        ({}, MOST),
    ],
)
def test_quotas_of_control_groups(contents: dict[str, str], most: int, tmp_path: Path) -> None:
    """The lowest quota of the process' group and of those above it counts, rounded up; no quota changes nothing."""
    assert available(files(tmp_path, contents)) == min(most, MOST)


@pytest.mark.integration
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system pins no processes")
def test_affinity() -> None:
    """A process that may use one processor runs one task at a time."""
    script = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "from laminar_runtime.configurations import executors\n"
        "print(executors.Process().concurrency, executors.AWS.Batch().concurrency, executors.AWS.Lambda()._at_once())"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "1 1 1\n"
