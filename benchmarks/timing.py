"""Times commands as whole processes, a baseline and a candidate in turn, so that a machine's drift hits both."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

__all__ = ["Command", "Row", "compare"]


@attrs.frozen
class Command:
    """A command to time.

    Args:
        name: What it is, for people.
        words: Its words.
        environment: Variables besides those of this process.
        folder: Where it runs, here unless given.
    """

    name: str
    words: Sequence[str]
    environment: Mapping[str, str] = attrs.field(factory=dict)
    folder: Path | None = None


@attrs.frozen
class Row:
    """One comparison.

    Args:
        subject: What was measured.
        candidate: The candidate's median, in seconds.
        baseline: The baseline's median, in seconds.
        against: What the baseline is.
        memory: The candidate's largest peak memory, in MiB.
    """

    subject: str
    candidate: float
    baseline: float
    against: str
    memory: float

    def plain(self) -> dict[str, Any]:
        """The row as plain values."""
        return {**attrs.asdict(self), "ratio": self.candidate / self.baseline}

    def __str__(self) -> str:
        figures = f"{self.candidate * 1000:8.0f} ms, {self.memory:4.0f} MiB"
        return f"{self.subject:<28} {figures}   {self.candidate / self.baseline:6.2f} x {self.against}"


def compare(subject: str, candidate: Command, baseline: Command, runs: int) -> Row:
    """Time two commands in turn.

    Args:
        subject: What is measured.
        candidate: The command in question.
        baseline: What it is compared to.
        runs: How often each is run, after one run that does not count.

    Returns:
        The medians.

    Raises:
        subprocess.CalledProcessError: If a command fails.
    """
    timed: dict[str, list[float]] = {"candidate": [], "baseline": []}
    memory = 0.0
    for run in range(runs + 1):
        for role, command in (("candidate", candidate), ("baseline", baseline)):
            seconds, peak = _run(command)
            if run:
                timed[role].append(seconds)
            if role == "candidate":
                memory = max(memory, peak)
    medians = {role: statistics.median(seconds) for role, seconds in timed.items()}
    return Row(subject, medians["candidate"], medians["baseline"], baseline.name, memory)


def _run(command: Command) -> tuple[float, float]:
    environment = {**os.environ, **command.environment}
    started = time.perf_counter()
    process = subprocess.Popen(
        list(command.words), env=environment, cwd=command.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command.words))
    return seconds, usage.ru_maxrss / 1024
