"""Layers that run item by item, deployed by Terraform: started, stopped, failed, and gone on with."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.frontend.loader import load
from laminar_runtime import Execution
from laminar_runtime.configurations import datastores
from laminar_runtime.identifiers import RESUMED
from tests.e2e.conftest import Platform

FLOW = """
import time
from pathlib import Path

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import ForEach, Parameter

HERE = Path(__file__).resolve().parent


def came_by(layer):
    with (HERE / "log.txt").open("a") as log:
        log.write(f"{layer.name} {layer.index}\\n")


class Items(Flow): ...


@Items.register
class Find(Layer):
    def __call__(self) -> None:
        self.shard(item=[0, 1, 2])


@Items.register(foreach=ForEach([Parameter(Find, "item")]))
class Fetch(Layer):
    def __call__(self, find: Find) -> None:
        if self.index == 1 and (HERE / "slow").exists():
            time.sleep(600)
        came_by(self)
        self.text, self.total = "x" * find.item, find.item


@Items.register(foreach=ForEach([Parameter(Fetch, "text", index=None)], pipelined=True))
class Clean(Layer):
    def __call__(self, fetch: Fetch) -> None:
        if self.index == 2 and (HERE / "broken").exists():
            raise RuntimeError("broken")
        if (HERE / "curious").exists():
            try:
                self.share = fetch.total
            except BaseException:
                self.share = None
        came_by(self)
        self.text = fetch.text.upper()


@Items.register
class Merge(Layer):
    def __call__(self, clean: Clean) -> None:
        self.texts = list(clean.text)


if flow := Items():
    flow()
"""
ALL = sorted(f"{layer} {index}" for layer in ("Fetch", "Clean") for index in range(3))


@attrs.frozen
class Pipeline:
    """The flow, deployed.

    Args:
        made: Where it is deployed.
        folder: The folder of its file.
        machine: The ARN of its state machine.
        execution: What gives an execution's results.
    """

    made: Platform
    folder: Path
    machine: str
    execution: Callable[[str], Execution]

    @property
    def ran(self) -> list[str]:
        """The splits that ran to their ends, sorted."""
        log = self.folder / "log.txt"
        return sorted(log.read_text().split("\n")[:-1]) if log.exists() else []

    def start(self, name: str) -> str:
        """Start an execution; gives its ARN."""
        states = self.made.aws.client("stepfunctions")
        return str(states.start_execution(stateMachineArn=self.machine, name=name, input="{}")["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        """Return an execution, once it has ended."""
        states = self.made.aws.client("stepfunctions")
        until(lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
        found: dict[str, Any] = states.describe_execution(executionArn=execution)
        return found

    def job(self, layer: str) -> dict[str, Any]:
        """Return the newest job of a layer, with how many of its children are in which state."""
        batch = self.made.aws.client("batch")
        listed = batch.list_jobs(jobQueue="spare")["jobSummaryList"]
        ids = [job["jobId"] for job in listed if job["jobName"].endswith(f"-{layer}")]
        return dict(batch.describe_jobs(jobs=ids[-1:])["jobs"][0]) if ids else {}


def until(done: Callable[[], bool]) -> None:
    """Wait until something holds, and no longer than two minutes."""
    given_up = time.monotonic() + 120
    while not done():
        assert time.monotonic() < given_up
        time.sleep(0.05)


@pytest.fixture
def pipeline(platform: Callable[[Path], Platform], tmp_path: Path) -> Pipeline:
    file = tmp_path / "flow.py"
    file.write_text(FLOW, encoding="utf-8")
    made = platform(file)
    made.terraform.init()
    made.terraform.apply(**made.variables)
    flow = load(str(file)).flow
    flow.configuration.datastore = datastores.AWS.S3(root=made.variables["datastore_root"])
    machine = str(made.terraform.output()["state_machine_arn"])
    return Pipeline(made, tmp_path, machine, flow.execution)


def half_way(pipeline: Pipeline, name: str) -> str:
    """Start an execution of which one split takes long, and wait until the others have ended in all layers."""
    (pipeline.folder / "slow").touch()
    execution = pipeline.start(name)
    until(lambda: bool(pipeline.job("Clean")))
    until(lambda: pipeline.job("Clean")["arrayProperties"]["statusSummary"].get("SUCCEEDED") == 2)
    assert pipeline.ran == ["Clean 0", "Clean 2", "Fetch 0", "Fetch 2"]
    return execution


def test_each_split_goes_on_where_the_one_before_ended(pipeline: Pipeline) -> None:
    """Others do not wait for a slow one; nothing runs twice."""
    execution = half_way(pipeline, "slow")
    assert pipeline.job("Fetch")["arrayProperties"]["statusSummary"]["RUNNING"] == 1
    stop(pipeline, execution)
    (pipeline.folder / "slow").unlink()
    pipeline.made.aws.client("stepfunctions").redrive_execution(executionArn=execution)
    ended = pipeline.ended(execution)
    assert (ended["status"], ended["redriveCount"]) == ("SUCCEEDED", 1), ended
    assert pipeline.ran == ALL
    assert pipeline.execution("slow").layer("Merge").texts == ["", "X", "XX"]


def stop(pipeline: Pipeline, execution: str) -> None:
    """Stop an execution, and wait until the job that no state waited for has ended with it."""
    pipeline.made.aws.client("stepfunctions").stop_execution(executionArn=execution)
    until(lambda: pipeline.job("Fetch")["status"] == "FAILED")
    assert pipeline.job("Fetch")["statusReason"] == "The execution ended before the job did"
    assert pipeline.ended(execution)["status"] == "ABORTED"


def test_a_stopped_execution_goes_on_under_another_name(pipeline: Pipeline) -> None:
    """As one does that is too old to be redriven: splits that finished are not run again."""
    execution = half_way(pipeline, "old")
    stop(pipeline, execution)
    (pipeline.folder / "slow").unlink()
    assert pipeline.ended(pipeline.start(f"old{RESUMED}1"))["status"] == "SUCCEEDED"
    assert pipeline.ran == ALL
    assert pipeline.execution("old").layer("Merge").texts == ["", "X", "XX"]


def test_a_failed_execution_goes_on(pipeline: Pipeline) -> None:
    """The error names the layer that failed; what is left is run after a redrive."""
    (pipeline.folder / "broken").touch()
    execution = pipeline.start("broken")
    ended = pipeline.ended(execution)
    assert ended["status"] == "FAILED"
    assert "layer 'Clean' of a pipeline failed" in json.loads(ended["cause"])["errorMessage"]
    assert "Clean 2" not in pipeline.ran
    (pipeline.folder / "broken").unlink()
    pipeline.made.aws.client("stepfunctions").redrive_execution(executionArn=execution)
    assert pipeline.ended(execution)["status"] == "SUCCEEDED"
    assert pipeline.ran == ALL


def test_a_split_that_reads_more_fails_its_execution(pipeline: Pipeline) -> None:
    """Whatever it does with the error: no result comes of what was not there."""
    (pipeline.folder / "curious").touch()
    assert pipeline.ended(pipeline.start("curious"))["status"] == "FAILED"
    assert not pipeline.execution("curious").layer("Clean").state.finished
