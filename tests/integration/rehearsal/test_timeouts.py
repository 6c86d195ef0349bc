"""A task that does not end within its timeout runs again as its retry says: here, and on the embedded AWS.

AWS Batch accepts no timeout below a minute. So the flow's file, which a job reads before it runs its layer, sets a
shorter one.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from laminar_codegen.ir.plan import Packing
from laminar_codegen.pipeline import Scheduling, compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime import Execution, Flow
from laminar_runtime.configurations.datastores import Local
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.failures.record import Failure
from laminar_runtime.storage import failures
from laminar_runtime.storage.layout import LayerKey

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
BATCH = executors.AWS.Batch(timeout=1 if IN_JOB else float(os.environ.get("SECONDS", 60)))
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
TOLERANT = ForEach([Parameter(Load, "rows")], tolerated_failures=1)


@Slow.register(foreach=EACH)
class Before(Layer):
    def __call__(self, load: Load):
        self.row = load.rows


PIPELINED = ForEach([Parameter(Before, "row", index=None)], pipelined=True)
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
    "tolerated split": ("retry=ALL, executor=BATCH, foreach=TOLERANT", ["0.1", "0.2", "1.1"], "off"),
    "pipelined split": ("retry=ALL, executor=BATCH, foreach=PIPELINED", ["0.1", "0.2", "1.1"], "off"),
    "packed": ("retry=NAMED, executor=BATCH", ["0.1", "0.2"], "chains"),
    "function": ("retry=ALL, executor=FUNCTION", ["0.1", "0.2"], "off"),
    "named function": ("retry=NAMED, executor=FUNCTION", ["0.1", "0.2"], "off"),
    "named split of functions": ("retry=NAMED, executor=FUNCTION, foreach=EACH", ["0.1", "0.2", "1.1"], "off"),
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
        assert ([found] if isinstance(found, int) else [*found]) == ([2, 1] if "foreach" in register else [2])
        assert runs(tmp_path) == expected
        if way != "function":  # a function that AWS Lambda stops leaves no record
            (failure,) = recorded(execution)
            assert (failure.kind, failure.index, failure.attempt) == ("timed out", 0, 1)
            seconds = 3 if "FUNCTION" in register else 1
            assert failure.reason == f"it did not end within {seconds} seconds and was stopped"


@pytest.mark.parametrize("way", ["once", "split"])
def test_a_task_that_is_late_on_this_machine(way: str, tmp_path: Path) -> None:
    """It runs again as on AWS, and leaves the same record."""
    register, expected, _ = WAYS[way]
    (tmp_path / "flow.py").write_text(FLOW + LAYER % (register, 1), encoding="utf-8")
    subprocess.run([sys.executable, "flow.py"], cwd=tmp_path, env={**os.environ, "SECONDS": "4"}, check=True)
    assert runs(tmp_path) == expected
    transport = Local(tmp_path / ".laminar").transport
    (execution,) = transport.names("Slow/archives/")
    (failure,) = failures.read(transport, LayerKey("Slow", execution, "Work"), every=True)
    assert (failure.kind, failure.index, failure.attempt) == ("timed out", 0, 1)
    assert failure.reason == "it did not end within 4 seconds and was stopped"


@pytest.mark.parametrize("way", [way for way in WAYS if way != "tolerated split"])
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


def test_a_split_that_is_always_late_and_may_fail(tmp_path: Path) -> None:
    """The fan-out goes on without it."""
    with deployed(tmp_path, FLOW + LAYER % (WAYS["tolerated split"][0], 9)) as (flow, _):
        execution = flow().wait(timeout=120)
        assert runs(tmp_path) == ["0.1", "0.2", "1.1"]
        assert execution.layer("Work").state.failed == (0,)


def test_the_only_split_of_a_fan_out(tmp_path: Path) -> None:
    """It is a job of its own, and writes the record of its layer."""
    text = FLOW.replace("rows=[1, 2]", "rows=[1]")
    with deployed(tmp_path, text + LAYER % (WAYS["split"][0], 1)) as (flow, _):
        execution = flow().wait(timeout=120)
        assert runs(tmp_path) == ["0.1", "0.2"]
        assert (execution.layer("Work").x, execution.layer("Work").state.finished) == (2, True)


def test_a_resume_counts_attempts_from_one(tmp_path: Path) -> None:
    """Those that were late before it do not count."""
    register = WAYS["once"][0]
    with deployed(tmp_path, FLOW + LAYER % (register, 9)) as (flow, _):
        execution = flow()
        with pytest.raises(ExecutionError):
            execution.wait(timeout=120)
        (tmp_path / "flow.py").write_text(FLOW + LAYER % (register, 0), encoding="utf-8")
        resumed = flow.execution(str(execution.id)).resume().wait(timeout=120)
        assert (runs(tmp_path), resumed.layer("Work").x) == (["0.1", "0.1", "0.2"], 1)


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
