"""A process that ends with exit code 0 before its layer finished has not run it, whatever AWS makes of that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import boto3
import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime import Flow
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import ExecutionError

FLOW = """
import os
from pathlib import Path
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import ForEach, Parameter

HERE = Path(__file__).resolve().parent

def end(name):
    if (HERE / "broken").read_text() == name:
        os.execvp("true", ["true"])
    with (HERE / "log.txt").open("a") as log:
        log.write(f"{name}\\n")

class Report(Flow): ...

@Report.register
class Load(Layer):
    def __call__(self) -> None:
        end("Load")
        self.shard(part=[1, 2, 3])

@Report.register(foreach=ForEach(parameters=[Parameter(Load, "part")]))
class Work(Layer):
    def __call__(self, load: Load) -> None:
        end(f"Work {self.index}")
        self.done = load.part * 2

@Report.register(foreach=ForEach(parameters=[Parameter(Work, "done", index=None)], pipelined=True))
class Check(Layer):
    def __call__(self, work: Work) -> None:
        end(f"Check {self.index}")
        self.ok = work.done > 0

@Report.register(foreach=ForEach(parameters=[Parameter(Load, "part")]))
class Each(Layer):
    def __call__(self, load: Load, check: Check) -> None:
        end(f"Each {self.index}")
        self.done = load.part * 2

@Report.register
class Sum(Layer):
    def __call__(self, each: Each) -> None:
        end("Sum")
        self.total = sum(each.done)

@Report.register
class Print(Layer):
    def __call__(self, sum: Sum) -> None:
        end("Print")
        self.text = f"{sum.total}"

@Report.register(executor=executors.AWS.Lambda())
class Tell(Layer):
    def __call__(self, print: Print) -> None:
        end("Tell")
        self.text = print.text

if flow := Report():
    flow()
"""
TASKS = sorted(
    [*(f"{layer} {index}" for layer in ("Check", "Each", "Work") for index in range(3)), "Load", "Print", "Sum", "Tell"]
)


@attrs.frozen
class Deployed:
    """The flow, deployed."""

    flow: Flow
    folder: Path
    deployment: Deployment


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    folder = tmp_path_factory.mktemp("exit-zero")
    (folder / "flow.py").write_text(FLOW)
    image = folder / "image"
    image.mkdir()
    with EmbeddedAws(workspace=Workspace(directory=lay_out(folder / "flow.py", image))) as opened:
        yield opened


@pytest.fixture(scope="module")
def made(aws: EmbeddedAws) -> Deployed:
    folder = Path(aws.workspace.directory).parent
    compilation = compile_flow(str(folder / "flow.py"))
    return Deployed(compilation.source.flow, folder, deploy(compilation, aws))


@pytest.fixture
def deployed(made: Deployed, aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """The same, of which nothing has run."""
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    made.flow.configuration.scheduler = AWS.StepFunctions()
    made.flow._datastore = None
    (made.folder / "log.txt").write_text("")
    return made


@pytest.mark.parametrize(
    ("broken", "message", "anew"),
    [
        ("Load", "UnfinishedError: layer 'Work' .*depends on layer 'Load', which has not finished", True),
        # That of what runs item by item is found when the split that follows does not find its element.
        ("Work 1", "layer 'Check' .*: split 1 of layer 'Work' of flow 'Report' has not finished", False),
        ("Check 1", "layer 'Check' of flow 'Report' has not .*: split 1 of 0 to 2 ended with exit code 0", True),
        ("Each 2", "layer 'Each' of flow 'Report' has not .*: split 2 of 0 to 2 ended with exit code 0", True),
        ("Sum", "layer 'Print' .*: UnfinishedError: layer 'Print' depends on layer 'Sum', which has not", True),
        ("Print", "UnfinishedError: layer 'Tell' depends on layer 'Print', which has not finished", True),
        ("Tell", "its process ended with exit code 0 before its layer finished", False),
    ],
)
def test_what_ended_as_if_it_had_finished(broken: str, message: str, *, anew: bool, deployed: Deployed) -> None:
    """The execution fails and names it, and a resume runs what did not finish, and nothing else."""
    (deployed.folder / "broken").write_text(broken)
    execution = deployed.flow()
    with pytest.raises(ExecutionError, match=message):
        execution.wait(timeout=120)
    (deployed.folder / "broken").write_text("")
    resumed = deployed.flow.execution(str(execution.id)).resume().wait(timeout=120)
    assert resumed.layer("Tell").text == "12"
    assert sorted((deployed.folder / "log.txt").read_text().splitlines()) == TASKS
    first = deployed.deployment.execution_arn(str(execution.id))
    described = boto3.client("stepfunctions").describe_execution(executionArn=first)
    assert described.get("redriveCount", 0) == (0 if anew else 1)
