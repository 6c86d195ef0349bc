"""A layer runs again after the failures that its retry names, and after no other: here and rehearsed alike."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: The layers that run again, and the number of their runs. Each fails until its last run.
RUNS = {"Named": 2, "Code": 2, "Killed": 2, "Other": 1, "OtherCode": 1}
FLOW = """
import os, pathlib, signal, sys
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Retry

RUNS = pathlib.Path({runs!r})


class Again(Flow): ...


ON = Retry(attempts=2, delay=0, on=(LookupError, 75, "out of memory"))
FUNCTION = executors.AWS.Lambda(timeout=60)
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
FAILURES = {
    "Named": "no_key",
    "Code": "lambda: sys.exit(75)",
    "Killed": "lambda: os.kill(os.getpid(), signal.SIGKILL)",
    "Other": "no_value",
    "OtherCode": "lambda: sys.exit(3)",
}


def runs(folder: Path, layer: str, executor: str, *words: str) -> tuple[int, int]:
    """Run a flow with one layer, and return its exit code and the number of runs of the layer."""
    text = FLOW.format(runs=str(folder), layer=layer, fail=FAILURES[layer], executor=executor)
    (folder / "flow.py").write_text(text, encoding="utf-8")
    ended = subprocess.run([sys.executable, *words, "flow.py"], cwd=folder, capture_output=True, text=True, check=False)
    return ended.returncode, len((folder / layer).read_text())


@pytest.mark.parametrize(
    ("executor", "layer"),
    [
        *(("executors.Thread()", layer) for layer in RUNS if layer != "Killed"),
        *(("executors.Process()", layer) for layer in RUNS),
        *(("FUNCTION", layer) for layer in RUNS),
    ],
)
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
    assert document["locals"]["layers"][layer]["retry"]["on"] == ["LookupError", 75, "out of memory"]


@pytest.mark.parametrize("layer", RUNS)
def test_rehearsed_functions(layer: str, tmp_path: Path) -> None:
    """The function says by the name of its error whether it is invoked again."""
    words = ("-m", "laminar_codegen", "rehearse", "--quiet")
    assert runs(tmp_path, layer, "FUNCTION", *words) == (int(RUNS[layer] == 1), RUNS[layer])


def test_a_function_that_is_ended_as_a_whole(tmp_path: Path) -> None:
    """AWS Lambda says that, and not the function: the state knows the name for it."""
    failure = "lambda: os.kill(os.getppid(), signal.SIGKILL)"
    words = ("-m", "laminar_codegen", "rehearse", "--quiet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FAILURES, "Killed", failure)
        assert runs(tmp_path, "Killed", "FUNCTION", *words) == (0, 2)
