"""The command ``rehearse``: how it ends, and what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAD = """
from laminar_runtime import Flow, Layer

class F(Flow): ...

"""
BRANCHES = """
import time

@F.register
class Bad(Layer):
    def __call__(self) -> None:
        raise ValueError("the culprit")

@F.register
class Beside(Layer):
    def __call__(self) -> None:
        print("innocent", flush=True)
        time.sleep(60)

if flow := F():
    flow()
"""
UNCALLED = """
@F.register
class A(Layer):
    def __call__(self) -> None:
        self.x = 1
"""


def rehearse(folder: Path, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "flow.py").write_text(HEAD + script, encoding="utf-8")
    command = [sys.executable, "-m", "laminar_codegen", "rehearse", "flow.py", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_culprit_is_named(tmp_path: Path) -> None:
    """Of layers beside each other the one that failed is named and shown, not one that was stopped for it."""
    ended = rehearse(tmp_path, BRANCHES)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "ended FAILED in state 'Bad'" in ended.stderr
    assert "ValueError: the culprit" in ended.stderr
    assert "innocent" not in ended.stderr


def test_a_task_that_runs_nothing_fails(tmp_path: Path) -> None:
    """A file that never calls its flow cannot run its tasks, and is told so."""
    ended = rehearse(tmp_path, UNCALLED)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "layer 'A' was not run: does the file call its flow" in ended.stderr


def test_results_that_cannot_be_saved(tmp_path: Path) -> None:
    """A folder that cannot be written to is told without a traceback."""
    ended = rehearse(tmp_path, f"{UNCALLED}\nif flow := F():\n    flow()\n", "--save", "/dev/null/results")
    assert ended.returncode == 2
    assert "laminar-codegen: [Errno 20] Not a directory: '/dev/null/results" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_wrong_usage(tmp_path: Path) -> None:
    """What is not of the form NAME=JSON is refused before anything is run."""
    for words in (["--param", "x"], ["--param", "x=y"], ["--concurrency", "0"]):
        ended = rehearse(tmp_path, UNCALLED, *words)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "usage: laminar-codegen rehearse" in ended.stderr
