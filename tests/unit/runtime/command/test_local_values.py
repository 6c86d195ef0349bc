"""The options ``--var`` and ``--volume`` of commands that run a flow on this machine."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import pytest

from laminar_runtime.command.local_values import set_values
from laminar_runtime.exceptions import FlowError
from tests.unit.runtime.command.conftest import Laminar

FLOW = """
import os

from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import EFS, Container

MODELS = EFS("fs-0123456789abcdef0", mount="/mnt/models")


class Report(Flow): ...


@Report.register(container=Container(environment={"STAGE": Variable("stage")}, volumes=[MODELS]))
class Load(Layer):
    def __call__(self) -> None:
        self.stage, self.model = os.environ["TF_VAR_stage"], (MODELS.path / "model.txt").read_text()


if flow := Report(executor=executors.Thread()):
    flow()
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take out what a command sets, here and after the test, and give it a flow and a folder."""
    for name in ("TF_VAR_stage", "LAMINAR_VOLUME_models"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    (tmp_path / "values.py").write_text(FLOW)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "model.txt").write_text("3")


def test_a_run_and_its_resume(laminar: Laminar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks find the value and the folder that the command line gives. A resume is given them again."""
    folder, value = ("--volume", "models=weights"), ("--var", "stage=a=b")
    assert laminar("run", *folder, *value, "--id", "e1", "values.py").code == 0
    shown = laminar("results", "values.py", "e1").out
    assert "Load.stage = 'a=b'" in shown
    assert "Load.model = '3'" in shown
    monkeypatch.delenv("TF_VAR_stage")
    assert laminar("run", *folder, "--id", "e2", "values.py").code == 1
    assert laminar("resume", *folder, *value, "values.py", "e2").code == 0
    assert "Load.stage = 'a=b'" in laminar("results", "values.py", "e2").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--var", "stag=prod"),
            "--var stag: no container of the flow has such a Variable; those of the flow are stage",
        ),
        (("--volume", "model=weights"), "--volume model: no container of the flow has such a volume; those of the"),
        (("--volume", "models=gone"), "the folder of the volume 'models' does not exist"),
        (("--var", "stage"), "'stage' is not of the form NAME=VALUE"),
        (("--volume", "models"), "needs the name of a volume and a folder"),
    ],
)
@pytest.mark.parametrize("command", [("run",), ("start",), ("resume", "--from", "Load")])
def test_mistakes(laminar: Laminar, command: tuple[str, ...], words: tuple[str, ...], message: str) -> None:
    """A name that the flow does not have, and a folder that is not there, end the command before anything runs."""
    target = ("values.py", "e1") if command[0] == "resume" else ("values.py",)
    ended = laminar(*command, *words, *target)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


def test_what_does_not_run_here() -> None:
    """A deployment has values of its own: the options are refused, and nothing is set."""
    deployment: Any = object()
    with pytest.raises(FlowError, match="a deployment has the values of its Terraform variables"):
        set_values(deployment, argparse.Namespace(var=[("stage", "prod")], volume=[]))
    assert "TF_VAR_stage" not in os.environ
    set_values(deployment, argparse.Namespace(var=[], volume=[]))
