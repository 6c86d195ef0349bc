"""Times commands as whole processes, candidate and baselines in turn, so that a machine's drift hits all of them."""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from benchmarks.rows import Row, Target

__all__ = [
    "NOTHING",
    "Command",
    "Timed",
    "check",
    "compare",
    "compare_all",
    "environment",
    "figures",
    "interleave",
    "output",
    "prepare",
    "python",
]

#: Seconds. What takes longer than the first needs no run to warm up; what takes longer than the second is run once.
_LONG, _VERY_LONG = 5.0, 8.0
#: Bytes at the end of what a command prints, in which its figures are.
_TOLD = 4096


@attrs.frozen
class Command:
    """A command to time.

    Args:
        name: Its name for people.
        words: Its words; ``{turn}`` in them is the number of the run, so that each has something of its own.
        environment: Variables besides those of this process.
        folder: Where it runs, here unless given.
        fresh: A folder that is emptied before each run, if any.
    """

    name: str
    words: Sequence[str]
    environment: Mapping[str, str] = attrs.field(factory=dict)
    folder: Path | None = None
    fresh: Path | None = None


@attrs.define
class Timed:
    """The times of the runs of a command.

    Args:
        seconds: Of each run.
        processor: The processor seconds of each run, which vary less than the others on a busy machine.
        memory: The largest peak memory of a process of it, in MiB.
        figures: The figures that each run printed, if any: a JSON object of numbers on its last line.
    """

    seconds: list[float] = attrs.field(factory=list)
    processor: list[float] = attrs.field(factory=list)
    memory: float = 0.0
    figures: list[dict[str, float]] = attrs.field(factory=list)

    def enough(self, runs: int) -> bool:
        """Return whether it ran the requested number of times, or took so long that once is enough."""
        return len(self.seconds) >= (1 if max(self.seconds, default=0.0) > _VERY_LONG else runs)

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds)

    @property
    def processor_median(self) -> float:
        """The median of the seconds of a processor."""
        return statistics.median(self.processor)

    def figure(self, name: str) -> float:
        """Return the median of one of the figures that the runs printed."""
        return statistics.median(figures[name] for figures in self.figures)


def python(name: str, *words: str, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Command:
    """Return a command of the running interpreter.

    Args:
        name: Its name for people.
        *words: The interpreter's arguments.
        environment: Variables besides those of this process.
        folder: Where it runs, here unless given.
    """
    return Command(name, [sys.executable, *words], environment or {}, folder)


#: The command that measures the start of any Python process.
NOTHING = python("python -c pass", "-c", "pass")


def interleave(commands: Sequence[Command], runs: int) -> list[Timed]:
    """Run commands in turn.

    Args:
        commands: The commands.
        runs: The number of runs of each, after one run that does not count. Slow commands are run less often.

    Returns:
        What each took, in the order of the commands.

    Raises:
        subprocess.CalledProcessError: If a command fails.
    """
    timed = [Timed() for _ in commands]
    for turn in range(runs + 1):
        for command, found in zip(commands, timed, strict=True):
            if found.enough(runs):
                continue
            seconds, usage, figures = _run(command, turn)
            found.memory = max(found.memory, usage.ru_maxrss / 1024)
            if turn or seconds > _LONG:
                found.seconds.append(seconds)
                found.processor.append(usage.ru_utime + usage.ru_stime)
                found.figures.append(figures)
    return timed


def compare(subject: str, candidate: Command, baseline: Command, runs: int, target: Target | None = None) -> Row:
    """Time two commands in turn.

    Args:
        subject: The subject of the measurement.
        candidate: The command in question.
        baseline: The command to compare it with.
        runs: The number of runs of each, after one run that does not count.
        target: The goal.

    Returns:
        The medians.

    Raises:
        subprocess.CalledProcessError: If a command fails.
    """
    return compare_all(subject, candidate, [(baseline, target)], runs)[0]


def compare_all(
    subject: str, candidate: Command, baselines: Sequence[tuple[Command, Target | None]], runs: int
) -> list[Row]:
    """Time a command and several others in turn.

    Args:
        subject: The subject of the measurement.
        candidate: The command in question.
        baselines: The commands to compare it with, each with a goal.
        runs: The number of runs of each, after one run that does not count.

    Returns:
        A row for each baseline.

    Raises:
        subprocess.CalledProcessError: If a command fails.
    """
    own, *others = interleave([candidate, *(command for command, _ in baselines)], runs)
    return [
        Row(
            subject,
            own.median,
            other.median,
            command.name,
            own.memory,
            against_memory=other.memory,
            target=target,
            runs=(len(own.seconds), len(other.seconds)),
            processor=(own.processor_median, other.processor_median),
        )
        for (command, target), other in zip(baselines, others, strict=True)
    ]


def output(command: Command) -> str:
    """Run a command once, untimed.

    Args:
        command: The command.

    Returns:
        What it printed.

    Raises:
        subprocess.CalledProcessError: If it fails; its standard error is printed.
    """
    prepare(command)
    ended = subprocess.run(
        list(command.words),
        env=environment(command),
        cwd=command.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    check(command, ended.returncode, ended.stderr)
    return ended.stdout


def check(command: Command, code: int, said: str) -> None:
    """Raise if a command failed, and print its standard error.

    Args:
        command: The command.
        code: Its exit code.
        said: Its output on standard error.

    Raises:
        subprocess.CalledProcessError: If it failed.
    """
    if code:
        sys.stderr.write(said)
        raise subprocess.CalledProcessError(code, list(command.words))


def environment(command: Command) -> dict[str, str]:
    """Return the environment of a command.

    Args:
        command: The command.
    """
    # Installed packages have their bytecode; ours is written at the first run.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, **command.environment}


def prepare(command: Command) -> None:
    """Empty the folder that a command wants to be fresh.

    Args:
        command: The command.
    """
    if command.fresh is not None:
        shutil.rmtree(command.fresh, ignore_errors=True)
        command.fresh.mkdir(parents=True)


def _run(command: Command, turn: int) -> tuple[float, resource.struct_rusage, dict[str, float]]:
    prepare(command)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            [word.replace("{turn}", str(turn)) for word in command.words],
            env=environment(command),
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        # The end is enough: a process starts with the peak memory of the one that starts it, which is to stay small.
        out.seek(max(0, out.seek(0, os.SEEK_END) - _TOLD))
        err.seek(0)
        printed = out.read()
        check(command, process.returncode, err.read().decode(errors="replace"))
    return seconds, usage, figures(printed.decode(errors="replace"))


def figures(printed: str) -> dict[str, float]:
    """Return the figures that a command printed as a JSON object on its last line, if there is one.

    Args:
        printed: The output of the command.
    """
    last = printed.rstrip().rpartition("\n")[2]
    if not last.startswith("{") or not last.endswith("}"):
        return {}
    found: dict[str, float] = json.loads(last)
    return found
