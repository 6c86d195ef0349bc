"""Deployed executions go on where they stopped: redriven, or started anew under the same id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import boto3
import pytest

from laminar_codegen.pipeline import Scheduling, compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime import Flow
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import ExecutionError

FLOW = """
from pathlib import Path
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry

HERE = Path(__file__).resolve().parent

def came_by(name):
    with (HERE / "log.txt").open("a") as log:
        log.write(f"{name}\\n")

def broken():
    return (HERE / "broken").exists()

class Report(Flow): ...

@Report.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        came_by("Load")
        self.shard(part=parameters.parts)

@Report.register
class Beside(Layer):
    def __call__(self, parameters: Parameters) -> None:
        came_by("Beside")
        self.seen = len(parameters.parts)

@Report.register(foreach=ForEach(parameters=[Parameter(Load, "part")]))
class Work(Layer):
    def __call__(self, load: Load) -> None:
        if broken() and self.index == 1:
            raise RuntimeError("broken")
        came_by(f"Work {self.index}")
        self.done = load.part * 2

@Report.register(retry=Retry(attempts=2))
class Sized(Layer):
    def __call__(self, beside: Beside) -> None:
        if broken():
            raise RuntimeError("broken")
        came_by("Sized")
        self.size = beside.seen

    @hooks.retry
    def more(self) -> None:
        self.configuration.container.memory *= 2

@Report.register
class Merge(Layer):
    def __call__(self, load: Load, sized: Sized) -> None:
        came_by("Merge")
        self.parts = [sized.size, len(load.part)]

@Report.register
class End(Layer):
    def __call__(self, work: Work, merge: Merge) -> None:
        came_by("End")
        self.total = sum(work.done) + sum(merge.parts)

if flow := Report():
    flow()
"""
LAYERS = ["Beside", "End", "Load", "Merge", "Sized", "Work 0", "Work 1", "Work 2"]


@attrs.frozen
class Deployed:
    """The flow, deployed."""

    flow: Flow
    folder: Path
    deployment: Deployment

    @property
    def ran(self) -> list[str]:
        """What ran to its end, in order."""
        return (self.folder / "log.txt").read_text().split("\n")[:-1]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    folder = tmp_path_factory.mktemp("resume")
    (folder / "flow.py").write_text(FLOW)
    image = folder / "image"
    image.mkdir()
    with EmbeddedAws(workspace=Workspace(directory=lay_out(folder / "flow.py", image))) as opened:
        yield opened


@pytest.fixture(scope="module")
def deployed(aws: EmbeddedAws) -> Deployed:
    folder = Path(aws.workspace.directory).parent
    compilation = compile_flow(str(folder / "flow.py"), Scheduling(joins="exact"))
    return Deployed(compilation.source.flow, folder, deploy(compilation, aws))


@pytest.fixture
def failed(deployed: Deployed, aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """The flow, and an execution of it that failed in two layers."""
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    deployed.flow.configuration.scheduler = AWS.StepFunctions()
    deployed.flow._datastore = None
    (deployed.folder / "log.txt").write_text("")
    (deployed.folder / "broken").touch()
    yield deployed
    (deployed.folder / "broken").unlink(missing_ok=True)


def test_a_redrive_goes_on_where_it_failed(failed: Deployed) -> None:
    """What finished is not run again, what waits for other branches is woken, and each layer finishes once."""
    execution = failed.flow(parts=[1, 2, 3])
    with pytest.raises(ExecutionError, match=r"broken|failed"):
        execution.wait(timeout=120)
    assert "End" not in failed.ran
    (failed.folder / "broken").unlink()
    resumed = failed.flow.execution(str(execution.id)).resume().wait(timeout=120)
    assert resumed.layer("End").total == 12 + 6
    assert sorted(failed.ran) == LAYERS
    described = boto3.client("stepfunctions").describe_execution(
        executionArn=failed.deployment.execution_arn(str(execution.id))
    )
    assert described["redriveCount"] == 1


def test_an_execution_goes_on_under_another_name(failed: Deployed) -> None:
    """One that cannot be redriven any more is started anew: tasks of what finished end at once."""
    execution = failed.flow(parts=[4, 5, 6])
    with pytest.raises(ExecutionError, match=r"broken|failed"):
        execution.wait(timeout=120)
    (failed.folder / "broken").unlink()
    boto3.client("stepfunctions").start_execution(
        stateMachineArn=failed.deployment.state_machine_arn, name=f"{execution.id}@resume-1", input="{}"
    )
    assert failed.flow.execution(str(execution.id)).wait(timeout=120).layer("End").total == 30 + 6
    assert sorted(failed.ran) == LAYERS
    # What has succeeded is left as it is.
    failed.flow.execution(str(execution.id)).resume()
    assert failed.flow.execution(str(execution.id)).wait(timeout=10).id == execution.id
