"""A task that does not end within its timeout runs again as its retry says: here, and on the embedded AWS.

AWS Batch accepts no timeout below a minute. So the flow's file, which a job reads before it runs its layer, sets a
shorter one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from laminar_codegen.ir.plan import Packing
from laminar_codegen.pipeline import Scheduling, compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime import Execution, Flow
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.failures.record import Failure
from laminar_runtime.storage import failures

FLOW = """
import ctypes, os, time
from pathlib import Path
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors, hooks
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry

LOG = Path(__file__).resolve().parent / "log.txt"
IN_JOB = "AWS_BATCH_JOB_ID" in os.environ
if "LAMINAR_LAYER_TIMEOUT" in os.environ:
    os.environ["LAMINAR_LAYER_TIMEOUT"] = "1"
BATCH = executors.AWS.Batch(timeout=1 if IN_JOB else 60)
FUNCTION = executors.AWS.Lambda(timeout=3)
NAMED = Retry(attempts=2, delay=0, on=("timed out",))
ALL = Retry(attempts=2, delay=0)


class Slow(Flow): ...


def work(layer, until=1):
    with LOG.open("a") as log:
        log.write(f"{layer.index}.{layer.attempt} ")
    if layer.index == 0 and layer.attempt <= until:
        ctypes.PyDLL(None).sleep(30)  # it keeps the lock of the interpreter


@Slow.register
class Load(Layer):
    def __call__(self):
        self.shard(rows=[1, 2])


EACH = ForEach([Parameter(Load, "rows")])
"""
LAYER = """
@Slow.register(%s)
class Work(Layer):
    def __call__(self, load: Load):
        work(self, %d)
        self.x = self.attempt


if flow := Slow():
    flow()
"""
IN_HOOK = """
    @hooks.execution
    def before(self):
        work(self)
        yield
"""
#: The ways to run a layer, each with the runs of its first split and of the other one, and the packing.
WAYS: dict[str, tuple[str, list[str], Packing]] = {
    "once": ("retry=NAMED, executor=BATCH", ["0.1", "0.2"], "off"),
    "split": ("retry=ALL, executor=BATCH, foreach=EACH", ["0.1", "0.2", "1.1"], "off"),
    "named split": ("retry=NAMED, executor=BATCH, foreach=EACH", ["0.1", "0.2", "1.1"], "off"),
    "packed": ("retry=NAMED, executor=BATCH", ["0.1", "0.2"], "chains"),
    "function": ("retry=ALL, executor=FUNCTION", ["0.1", "0.2"], "off"),
}


@contextlib.contextmanager
def deployed(folder: Path, text: str, pack: Packing = "off") -> Iterator[tuple[Flow, Deployment]]:
    """Deploy a flow to an embedded AWS, and yield it as an application has it, and the deployment."""
    (folder / "flow.py").write_text(text, encoding="utf-8")
    (folder / "image").mkdir()
    workspace = Workspace(directory=lay_out(folder / "flow.py", folder / "image"))
    with EmbeddedAws(workspace=workspace) as aws, pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        compilation = compile_flow(str(folder / "flow.py"), Scheduling(pack=pack))
        deployment = deploy(compilation, aws)
        flow = compilation.source.flow
        flow.configuration.scheduler = AWS.StepFunctions()
        flow._datastore = None
        yield flow, deployment


def runs(folder: Path) -> list[str]:
    """Return the split and the attempt of each run of the layer."""
    return sorted((folder / "log.txt").read_text(encoding="utf-8").split())


def recorded(execution: Execution) -> list[Failure]:
    """Return the records of the failed attempts at the layer."""
    return [*failures.read(execution.datastore.transport, execution.key("Work"), every=True)]


@pytest.mark.parametrize("way", WAYS)
def test_a_task_that_is_late_runs_again(way: str, tmp_path: Path) -> None:
    """Its second attempt is in time, and its result is that of the layer."""
    register, expected, pack = WAYS[way]
    with deployed(tmp_path, FLOW + LAYER % (register, 1), pack) as (flow, _):
        execution = flow().wait(timeout=120)
        found = execution.layer("Work").x
        assert [found] if isinstance(found, int) else [*found] == ([2, 1] if "EACH" in register else [2])
        assert runs(tmp_path) == expected
        if way != "function":  # a function that AWS Lambda stops leaves no record
            (failure,) = recorded(execution)
            assert (failure.kind, failure.index, failure.attempt) == ("timed out", 0, 1)
            assert failure.reason == "it did not end within 1 seconds and was stopped"


@pytest.mark.parametrize("way", WAYS)
def test_a_task_that_is_always_late_fails(way: str, tmp_path: Path) -> None:
    """After its last attempt, and the failure says so, whoever stopped it."""
    register, _, pack = WAYS[way]
    with deployed(tmp_path, FLOW + LAYER % (register, 9), pack) as (flow, deployment):
        execution = flow()
        with pytest.raises(ExecutionError):
            execution.wait(timeout=120)
        (failure,) = deployment.execution(str(execution.id)).failures()
        assert (failure.layer, failure.kind, failure.index, failure.attempt) == ("Work", "timed out", 0, 2)
        assert [run for run in runs(tmp_path) if run.startswith("0.")] == ["0.1", "0.2"]


def test_an_execution_hook_that_hangs(tmp_path: Path) -> None:
    """It is a part of its task. A fork may be unsafe: then the container's command runs again for the task."""
    body, end = (LAYER % ("retry=NAMED, executor=BATCH", 0)).split("\n\n\nif")
    head = f'os.environ["LAMINAR_FORKS"] = "0"\n{FLOW}'.replace(
        "import ctypes, os, time", "import ctypes, time"
    ).strip()
    with deployed(tmp_path, f"import os\n{head}{body}\n{IN_HOOK}\n\nif{end}") as (flow, _):
        execution = flow().wait(timeout=120)
        assert [failure.kind for failure in recorded(execution)] == ["timed out"]
        assert execution.layer("Work").x == 2
