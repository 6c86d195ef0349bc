"""Executions that are redriven, resumed, and redriven again: each start has a name of its own."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.identifiers import LONGEST_DEPLOYED

CHAIN = """
from pathlib import Path
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import Retry

HERE = Path(__file__).resolve().parent

class First(Flow): ...

class Second(Flow): ...

@First.register(retry=Retry(attempts=2, delay=0.01, jitter=0))
class Work(Layer):
    def __call__(self) -> None:
        with (HERE / "attempts.txt").open("a") as log:
            log.write(f"{self.attempt}\\n")
        if (HERE / "broken").exists() or self.attempt < 2:
            raise RuntimeError("broken")
        self.tried = self.attempt

@Second.register
class After(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.got = parameters.tried

if flow := First():
    flow().next(flow=Second(), linker=lambda done: Parameters(tried=done.layer(Work).tried))
"""


def test_a_resume_after_a_redrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redrive and a resume have names of their own: machines that others start, and attempts, are distinct."""
    (tmp_path / "flow.py").write_text(CHAIN)
    (tmp_path / "broken").touch()
    image = tmp_path / "image"
    image.mkdir()
    with EmbeddedAws(workspace=Workspace(directory=lay_out(tmp_path / "flow.py", image))) as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        compilation = compile_flow(str(tmp_path / "flow.py"))
        flow, deployment = compilation.source.flow, deploy(compilation, aws)
        flow.configuration.scheduler = AWS.StepFunctions()
        flow._datastore = None
        execution = flow("x" * LONGEST_DEPLOYED)
        for _ in range(2):
            with pytest.raises(ExecutionError, match="ended FAILED"):
                execution.wait(timeout=120)
            flow.execution(str(execution.id)).resume()
        with pytest.raises(ExecutionError, match="ended FAILED"):
            execution.wait(timeout=120)
        assert (tmp_path / "attempts.txt").read_text().split() == ["1", "2"] * 3

        started = boto3.client("stepfunctions").start_execution(
            stateMachineArn=deployment.state_machine_arn, name=f"{execution.id}@resume-1", input="{}"
        )
        with pytest.raises(ExecutionError, match="ended FAILED"):
            execution.wait(timeout=120)
        (tmp_path / "broken").unlink()
        boto3.client("stepfunctions").redrive_execution(executionArn=started["executionArn"])
        execution.wait(timeout=120)
    assert (tmp_path / "attempts.txt").read_text().split() == ["1", "2"] * 5
