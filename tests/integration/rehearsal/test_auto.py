"""Layers whose target the compiler chooses: the same results on this machine and, on both services, in a rehearsal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors, hooks
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry


class Report(Flow): ...


@Report.register
class Load(Layer):
    def __call__(self) -> None:
        self.shard(row=[1, 2, 3])


@Report.register(foreach=ForEach(parameters=[Parameter(Load, "row")]))
class Square(Layer):
    @hooks.submission
    def size(self) -> None:
        self.configuration.container.memory = 4096

    def __call__(self, load: Load) -> None:
        self.squared = load.row**2


@Report.register(container=Container(cpu=4, memory=8192))
class Train(Layer):
    def __call__(self, square: Square) -> None:
        self.model = sum(square.squared)


@Report.register(retry=Retry(attempts=2, delay=1, jitter=0))
class Check(Layer):
    @hooks.entry
    def large(self, train: Train) -> bool:
        return train.model > 10

    def __call__(self, train: Train) -> None:
        if self.attempt == 1:
            raise ValueError("no luck")
        self.checked = train.model + self.attempt


@Report.register
class Publish(Layer):
    def __call__(self, check: Check) -> None:
        self.text = f"{check.checked} is ready"


flow = Report(executor=executors.AWS.Auto(function=executors.AWS.Lambda(timeout=120)))

if __name__ == "__main__" and flow:
    print(flow().layer(Publish).text)
"""
SECONDS = {"Load": 1, "Square": 2, "Train": 600, "Check": 2, "Publish": 1}


def test_here_and_in_a_rehearsal(tmp_path: Path) -> None:
    """A function does what a process does, with its entry hook and its attempts; and the other layers are jobs."""
    (tmp_path / "flow.py").write_text(FLOW)
    (tmp_path / "profile.json").write_text(json.dumps({"Report": SECONDS}))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        ran = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran

    command = ("-m", "laminar_codegen")
    assert run("flow.py").stdout == "16 is ready\n"
    ended = run(*command, "rehearse", "--profile", "profile.json", "flow.py")
    assert "  Publish.text = '16 is ready'\n" in ended.stdout
    document = json.loads(run(*command, "--profile", "profile.json", "flow.py").stdout)
    functions = document["resource"]["aws_lambda_function"]
    assert {"check", "load", "publish"} <= {name.rpartition("_")[2] for name in functions if "planner" not in name}
    assert not [name for name in functions if "train" in name]
    # The document itself, with the profile by which it was compiled.
    (tmp_path / "main.tf.json").write_text(json.dumps(document))
    ended = run(*command, "rehearse", "--profile", "profile.json", "--document", "main.tf.json", "flow.py")
    assert "  Publish.text = '16 is ready'\n" in ended.stdout
