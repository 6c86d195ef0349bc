"""The processes of splits that a child of an array job runs: they are stopped in time, with all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from laminar_runtime.process.fresh import Fresh
from laminar_runtime.tasks.worker import Ending, StoppedError
from laminar_runtime.tasks.worker_process import Processes


def processes(script: str, folder: Path, timeout: float = 20, *, named: bool = False) -> Processes:
    environment = {**os.environ, "FOLDER": str(folder)}
    return Processes(Fresh(["/bin/sh", "-c", script]), environment, timeout, grace=0.2, named=named)


@pytest.fixture
def _handlers() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_a_process_knows_its_split(tmp_path: Path) -> None:
    """The index and the attempt are in its environment, and its exit code is its ending."""
    script = 'echo "$LAMINAR_LAYER_INDEX $LAMINAR_LAYER_ATTEMPT" > "$FOLDER/split"; exit 3'
    assert processes(script, tmp_path).run(7, 2) == Ending(3)
    assert (tmp_path / "split").read_text() == "7 2\n"


def test_lines_name_the_split_where_several_run_beside_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also the last one, and those of the error stream."""
    assert processes("echo one; echo two >&2; printf three", tmp_path, named=True).run(7, 1) == Ending(0)
    assert capsys.readouterr().out.splitlines() == ["[split 7] one", "[split 7] two", "[split 7] three"]


@pytest.mark.parametrize("before", ["", "trap '' TERM;"])
def test_a_split_that_does_not_end_in_time_is_stopped(before: str, tmp_path: Path) -> None:
    """First it is asked to end, and then it is killed."""
    started = time.monotonic()
    ending = processes(f"{before} sleep 30 & wait; sleep 30", tmp_path, 0.2).run(0, 1)
    assert ending == Ending(-signal.SIGKILL if before else -signal.SIGTERM, late=True, limit=0.2)
    assert time.monotonic() - started < 10


def test_what_a_split_leaves_running_is_stopped(tmp_path: Path) -> None:
    """The next split of the same container has it for itself."""
    assert processes('sleep 30 & echo $! > "$FOLDER/left"', tmp_path).run(0, 1) == Ending(0)
    left = int((tmp_path / "left").read_text())
    for _ in range(100):
        try:
            os.kill(left, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    # A container may have no process that takes over orphans: then it is left as a zombie.
    assert Path(f"/proc/{left}/stat").read_text().split()[2] == "Z"


@pytest.mark.usefixtures("_handlers")
def test_a_signal_to_stop_reaches_the_split_and_ends_the_child(tmp_path: Path) -> None:
    """AWS sends it two minutes before it reclaims capacity: a layer may store what it has."""
    script = 'trap "echo stored > $FOLDER/stored; exit 5" TERM; touch "$FOLDER/ready"; while :; do sleep 0.05; done'
    child = processes(script, tmp_path)
    child.listen()

    def stop() -> None:
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop).start()
    with pytest.raises(StoppedError):
        child.run(0, 1)
    assert (tmp_path / "stored").read_text() == "stored\n"
    with pytest.raises(StoppedError):
        child.pause(60)


@pytest.mark.usefixtures("_handlers")
def test_a_signal_that_comes_while_a_split_starts_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not known yet which process to pass it on to."""
    child, start = processes("sleep 30", tmp_path), subprocess.Popen

    def start_and_signal(*arguments: Any, **options: Any) -> Any:
        process = start(*arguments, **options)
        os.kill(os.getpid(), signal.SIGTERM)
        return process

    child.listen()
    monkeypatch.setattr(subprocess, "Popen", start_and_signal)
    started = time.monotonic()
    with pytest.raises(StoppedError):
        child.run(0, 1)
    assert time.monotonic() - started < 10


def test_signals_wait_until_the_child_listens() -> None:
    """They are blocked before this process replaces itself, and what comes meanwhile is not lost."""
    script = """
import os, signal
from laminar_runtime.process.fresh import Fresh
from laminar_runtime.tasks.worker import StoppedError
from laminar_runtime.tasks.worker_process import Processes

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
os.kill(os.getpid(), signal.SIGTERM)
child = Processes(Fresh([]), {}, 1)
child.listen()
try:
    child.check()
except StoppedError:
    print("stopped")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout == "stopped\n"
