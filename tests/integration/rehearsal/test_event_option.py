"""The option ``--event`` of a rehearsal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from laminar_codegen.command.main import main
from tests.support.golden import GOLDEN

FLOW = GOLDEN / "triggers" / "flow.py"
UPLOAD = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "uploads"}, "object": {"key": "in/a.csv", "sequencer": "0062"}},
}


TWICE = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.configurations.triggers import Event

class Shop(Flow): ...

@Shop.register
class A(Layer):
    def __call__(self) -> None:
        self.done = True

order = {"source": ["shop"]}
flow = Shop(scheduler=AWS.StepFunctions(overlap="skip", triggers=[Event(order, name="one"), Event(order, name="two")]))
if flow:
    flow()
"""

DECLARED = """
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.configurations.triggers import Event, FromEvent

class Shop(Flow): ...

@Shop.register
class Inputs(Parameters):
    key: str

@Shop.register
class A(Layer):
    def __call__(self, inputs: Inputs) -> None:
        self.key = inputs.key

order = Event({"source": ["shop"]}, parameters={"key": FromEvent("$.detail.file")})
flow = Shop(scheduler=AWS.StepFunctions(triggers=[order]))
if flow:
    flow(key="x")
"""


def test_the_command_sends_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs what the event starts in what stands in the document, by the roles of the document."""
    monkeypatch.chdir(tmp_path)
    assert main([str(FLOW)]) == 0
    document = json.loads(capsys.readouterr().out)
    folder = tmp_path / "infrastructure"
    folder.mkdir()
    (tmp_path / "event.json").write_text(json.dumps(UPLOAD))

    def rehearse(event: str = "event.json") -> int:
        (folder / "main.tf.json").write_text(json.dumps(document))
        return main(["rehearse", "--quiet", "--event", event, "--document", str(folder), str(FLOW)])

    assert rehearse() == 0
    assert "Take.what = {'bucket': 'uploads'" in capsys.readouterr().out
    document["locals"]["statements"]["events"][0]["Action"] = ["states:StopExecution"]
    assert rehearse() == 1
    assert "may not states:StartExecution" in capsys.readouterr().err
    document["locals"]["statements"]["events"][0]["Action"] = ["states:StartExecution"]
    document["variable"]["object_created_enabled"]["default"] = False
    assert rehearse() == 1
    assert "no rule matches the event" in capsys.readouterr().err
    (tmp_path / "wrong.json").write_text("[]")
    assert rehearse("wrong.json") == 1
    assert "the event must be an object with the texts source and detail-type" in capsys.readouterr().err


def test_an_execution_that_was_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of two executions that an event starts one is skipped: it has no results, and nothing is wrong with it."""
    (tmp_path / "shop.py").write_text(TWICE)
    (tmp_path / "order.json").write_text(json.dumps({"source": "shop", "detail-type": "Order", "id": "7"}))
    assert main(["rehearse", "--quiet", "--event", str(tmp_path / "order.json"), str(tmp_path / "shop.py")]) == 0
    printed = capsys.readouterr()
    assert "warning" not in printed.err
    ran, result, skipped = printed.out.splitlines()
    assert (result, ran.endswith("SUCCEEDED")) == ("  A.done = True", True)
    assert skipped.endswith("-7 of Shop SUCCEEDED: it was skipped, as another one ran")
    assert ran.split()[1] != skipped.split()[1]


def test_an_event_gives_the_declared_parameters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A parameter without a default comes from the event, and need not be given to the command."""
    (tmp_path / "shop.py").write_text(DECLARED)
    event = {"source": "shop", "detail-type": "Order", "id": "7", "detail": {"file": "a.csv"}}
    (tmp_path / "order.json").write_text(json.dumps(event))
    assert main(["rehearse", "--quiet", "--event", str(tmp_path / "order.json"), str(tmp_path / "shop.py")]) == 0
    assert "A.key = 'a.csv'" in capsys.readouterr().out
