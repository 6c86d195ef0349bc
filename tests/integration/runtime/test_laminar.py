"""The command ``laminar`` as a process: runs in the background, the output of tasks, signals, and its start."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

FLOW = """
import time

from helper import WORD
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import ForEach, Parameter


class Report(Flow): ...


@Report.register
class Inputs(Parameters):
    sleep: float = 0.0
    bad: int = -1


@Report.register
class Load(Layer):
    def __call__(self, inputs: Inputs) -> None:
        print("loading", WORD)
        time.sleep(inputs.sleep)
        self.shard(rows=[0, 1])


@Report.register(foreach=ForEach(parameters=[Parameter(Load, "rows")], max_concurrency=1))
class Work(Layer):
    def __call__(self, load: Load, inputs: Inputs) -> None:
        print("working on", load.rows, flush=True)
        assert load.rows != inputs.bad
        self.square = load.rows**2


if flow := Report():
    flow()
"""
Laminar = Callable[..., subprocess.CompletedProcess[str]]
COMMAND = [sys.executable, "-m", "laminar_runtime.command.main"]


@pytest.fixture
def laminar(tmp_path: Path) -> Laminar:
    """The command, in a folder with ``flow.py`` and what it imports."""
    (tmp_path / "flow.py").write_text(FLOW)
    (tmp_path / "helper.py").write_text("WORD = 'words'\n")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, *words], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    return run


def test_a_run_by_processes(laminar: Laminar) -> None:
    """The id stands first; tasks import what is beside the file; their output is kept, split by split."""
    ended = laminar("run", "--id", "e1", "--param", "bad=1", "flow.py")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[0] == "laminar: flow Report: execution e1"
    assert ended.stderr.splitlines()[-1] == "Resume it with: laminar resume flow.py e1"
    assert "[Work/0] working on 0" in ended.stdout
    assert laminar("logs", "flow.py", "Work[0]").stdout == "working on 0\n"
    assert laminar("logs", "flow.py", "e1", "Load").stdout == "loading words\n"
    assert laminar("logs", "flow.py").stdout.splitlines()[0] == "working on 1"
    for task, said in (
        ("Load[9]", "layer 'Load' has one task, Load[0]"),
        ("Work[7]", "its splits are Work[0] to Work["),
    ):
        missing = laminar("logs", "flow.py", "e1", task)
        assert (missing.returncode, missing.stdout) == (5, "")
        assert said in missing.stderr


def test_json_is_alone_on_standard_output(laminar: Laminar) -> None:
    """What tasks print is on standard error then."""
    ended = laminar("run", "--json", "--id", "e1", "flow.py")
    assert json.loads(ended.stdout)["status"] == "SUCCEEDED"
    assert "[Work/0] working on 0" in ended.stderr


def test_a_run_in_the_background(laminar: Laminar) -> None:
    """It continues after the command that started it; it is waited for, and stopped, from elsewhere."""
    name = laminar("start", "--param", "sleep=30", "flow.py").stdout.strip()
    running = json.loads(laminar("status", "--json", "flow.py").stdout)
    assert (running["id"], running["status"], running["started_by"]) == (name, "RUNNING", "command")
    again = laminar("run", "--id", name, "flow.py")
    assert "is already running in another process" in again.stderr
    stopped = laminar("stop", "flow.py", name, "--reason", "enough")
    assert (stopped.returncode, stopped.stdout) == (0, f"execution {name} of Report: ABORTED\n")
    assert laminar("wait", "flow.py", name).returncode == 1


def test_a_run_that_cannot_begin(laminar: Laminar) -> None:
    """The error of the process in the background is that of the command, and so is the kind of it."""
    first = laminar("run", "--id", "e1", "flow.py")
    assert first.returncode == 0
    again = laminar("start", "--id", "e1", "flow.py")
    assert again.returncode == 2
    assert "the run did not begin: execution e1 of flow 'Report' already has results: resume it" in again.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped(laminar: Laminar, tmp_path: Path, number: signal.Signals) -> None:
    """One line says so, with the id and the command that resumes; the exit code is that of a shell."""
    words = [*COMMAND, "run", "--id", "e1", "--param", "sleep=30", "flow.py"]
    process = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not (tmp_path / ".laminar/Report/.cache/e1/.run.json").exists():
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    last = "laminar: flow Report: execution e1 was stopped. Resume it with: laminar resume flow.py e1"
    assert (said.splitlines()[-1], said.count("Traceback")) == (last, 0)
    assert laminar("status", "flow.py", "e1").stdout.startswith("execution e1 of Report: ABORTED after")


@pytest.mark.parametrize("heavy", ["asyncio", "botocore", "cattrs", "laminar_codegen", "rich", "importlib.metadata"])
def test_help_is_light(heavy: str) -> None:
    """Who asks for help waits for nothing that only a run or AWS needs."""
    code = f"""
import contextlib, io, sys
from laminar_runtime.command.main import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(["--help"])
print({heavy!r} in sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"
