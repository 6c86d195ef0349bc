"""A layer runs again after the failures that its retry names, and after no other: here and rehearsed alike."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: The layers that run again, and the number of their runs. Each fails until its last run.
RUNS = {"Named": 2, "Code": 2, "Other": 1, "OtherCode": 1}
FLOW = """
import pathlib, sys
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Retry

RUNS = pathlib.Path({runs!r})


class Again(Flow): ...


ON = Retry(attempts=2, delay=0, on=(LookupError, 75))
BATCH = executors.AWS.Batch(queue="big", share_identifier="research", priority=5, role="loader")


class Failing(Layer):
    def run(self, fail):
        with (RUNS / self.name).open("a") as file:
            file.write("x")
        if len((RUNS / self.name).read_text()) == 1:
            fail()


def no_key(): {{}}["x"]
def no_value(): int("x")


@Again.register(retry=ON, executor={executor})
class {layer}(Failing):
    def __call__(self) -> None:
        self.run({fail})


if flow := Again():
    flow()
"""
FAILURES = {"Named": "no_key", "Code": "lambda: sys.exit(75)", "Other": "no_value", "OtherCode": "lambda: sys.exit(3)"}


def runs(folder: Path, layer: str, executor: str, *words: str) -> tuple[int, int]:
    """Run a flow with one layer, and return its exit code and the number of runs of the layer."""
    text = FLOW.format(runs=str(folder), layer=layer, fail=FAILURES[layer], executor=executor)
    (folder / "flow.py").write_text(text, encoding="utf-8")
    ended = subprocess.run([sys.executable, *words, "flow.py"], cwd=folder, capture_output=True, text=True, check=False)
    return ended.returncode, len((folder / layer).read_text())


@pytest.mark.parametrize("layer", RUNS)
@pytest.mark.parametrize("executor", ["executors.Thread()", "executors.Process()"])
def test_on_this_machine(executor: str, layer: str, tmp_path: Path) -> None:
    """A thread decides by the error; of a process, its exit code says it."""
    assert runs(tmp_path, layer, executor) == (int(RUNS[layer] == 1), RUNS[layer])


@pytest.mark.parametrize("layer", ["Named", "Code", "Other"])
def test_rehearsed(layer: str, tmp_path: Path) -> None:
    """AWS Batch decides by its rules, on a fair-share queue with a name, under a role of the layer's own."""
    words = ("-m", "laminar_codegen", "rehearse", "--quiet")
    assert runs(tmp_path, layer, "BATCH", *words) == (int(RUNS[layer] == 1), RUNS[layer])
    document = json.loads(
        subprocess.run(
            [sys.executable, "-m", "laminar_codegen", "flow.py"], cwd=tmp_path, capture_output=True, check=True
        ).stdout
    )
    assert document["locals"]["layers"][layer]["retry"]["on"] == ["LookupError", 75]
