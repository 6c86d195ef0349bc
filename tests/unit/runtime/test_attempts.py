"""Attempts of deployed tasks: those of the layer, whatever the services count."""

from __future__ import annotations

import os
import textwrap
import time
from pathlib import Path

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.datastores import Memory
from laminar_runtime.configurations.layers import Container, Retry
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks.attempts import NoAttemptLeftError, begin_attempt, failing
from tests.support.harness import Folder, in_memory

KEY = LayerKey("F", "e1", "A")


class F(Flow): ...


@F.register(retry=Retry(attempts=3, delay=0, jitter=0))
class A(Layer):
    def __call__(self) -> None: ...


@F.register(retry=Retry(attempts=3, delay=0.2, jitter=0), container=Container(spot=True))
class Spot(Layer):
    def __call__(self) -> None: ...


@F.register
class Once(Layer):
    def __call__(self) -> None: ...


@pytest.fixture
def store() -> Memory:
    return Memory()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run notes in the environment is of its test."""
    monkeypatch.setenv("LAMINAR_LAYER_ATTEMPT", "")


def run(store: Memory, name: str, *, layer: type[Layer] = A, fails: bool = False, drive: str = "") -> int:
    """Begin a run of a job, and give the attempt that it is."""
    context = TaskContext(execution="e1", flow="F", layer=layer.__name__, run=name, drive=drive)
    instance = in_memory(F).execution("e1").layer(layer)
    key = LayerKey("F", "e1", layer.__name__)
    found = begin_attempt(store, key, context, instance)
    if fails:
        with pytest.raises(ValueError, match="x"), failing(store, key, found, instance):
            raise ValueError("x")
    return found.attempt


def test_failures_and_other_jobs_count(store: Memory) -> None:
    """A run in which the layer failed counts, and so does a job that was stopped; a throttled call does not."""
    assert run(store, "a.1", fails=True) == 1
    assert run(store, "b.1") == 2  # stopped from outside, such as for its memory
    assert run(store, "c.1") == 3
    assert os.environ["LAMINAR_LAYER_ATTEMPT"] == "3"
    with pytest.raises(NoAttemptLeftError, match="layer 'A' has no attempt left: 3 of 3 failed or were stopped"):
        run(store, "d.1")


def test_a_start_that_ran_nothing_does_not_count(store: Memory) -> None:
    """The first run is the first attempt, whatever number of start AWS Batch gives it."""
    assert run(store, "a.3") == 1


def test_reclaims_do_not_count(store: Memory) -> None:
    """On spot capacity a run without a note of failure was taken back; with one, the wait of the layer is kept."""
    assert run(store, "a.1", layer=Spot) == 1
    assert run(store, "a.2", layer=Spot, fails=True) == 1
    started = time.monotonic()
    assert run(store, "a.3", layer=Spot) == 2
    assert time.monotonic() - started >= 0.2


def test_reclaims_of_jobs_before_do_not_count(store: Memory) -> None:
    """What was taken back is no attempt in the next job either; the last run of a job that was stopped is one."""
    assert run(store, "a.1", layer=Spot) == 1
    assert run(store, "a.2", layer=Spot, fails=True) == 1
    assert run(store, "b.1", layer=Spot) == 2  # taken back
    assert run(store, "b.3", layer=Spot) == 2  # stopped from outside: the job did not run again
    assert run(store, "c.1", layer=Spot) == 3


def test_resumes_and_splits_count_for_themselves(store: Memory) -> None:
    """A resumed execution, and one that is redriven, has all attempts anew."""
    assert run(store, "a.1", fails=True) == 1
    assert run(store, "b.1", drive="1") == 1
    assert run(store, "c.1") == 2


def test_a_layer_with_one_attempt_notes_nothing(store: Memory) -> None:
    """Where there is but one attempt, nothing is asked of the datastore."""
    assert run(store, "a.7", layer=Once, fails=True) == 1
    assert store.workspace == {}


@pytest.mark.parametrize(
    ("variables", "run", "attempt"),
    [
        ({"AWS_BATCH_JOB_ID": "j:3", "AWS_BATCH_JOB_ATTEMPT": "2"}, "j.2", 1),
        ({"LAMINAR_INVOCATION": "i"}, "i.1", 1),
        ({"AWS_BATCH_JOB_ID": "j", "LAMINAR_LAYER_ATTEMPT": "4"}, "", 4),
        ({"LAMINAR_LAYER_ATTEMPT": "4"}, "", 4),
        ({}, "", 1),
    ],
)
def test_runs_by_the_environment(variables: dict[str, str], run: str, attempt: int) -> None:
    """A deployed task finds its attempt out, unless it is given one, as by the planner or by this process."""
    asked = {"LAMINAR_EXECUTION_ID": "e1", "LAMINAR_FLOW_NAME": "F", "LAMINAR_LAYER_NAME": "A"}
    found = TaskContext.parse({**asked, **variables})
    assert found is not None
    assert (found.run, found.attempt) == (run, attempt)


FLOW = """
import os
from laminar_runtime import Flow, Layer, settings
from laminar_runtime.configurations.layers import Retry

class F(Flow): ...

@F.register(retry=Retry(attempts=2, delay=0))
class A(Layer):
    def __call__(self) -> None:
        print("attempt", self.attempt, settings.current.layer.attempt, os.environ["LAMINAR_LAYER_ATTEMPT"])
        raise ValueError

@F.register
class Leaves(Layer):
    def __call__(self) -> None:
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        print("waited")
        os._exit(0)

if flow := F():
    flow()
"""


def _task(folder: Folder, tmp_path: Path, layer: str, **more: str) -> tuple[int, str]:
    folder.write(textwrap.dedent(FLOW))
    asked = {"LAMINAR_EXECUTION_ID": "e1", "LAMINAR_FLOW_NAME": "F", "LAMINAR_LAYER_NAME": layer}
    ended = folder.python("main.py", **asked, LAMINAR_DATASTORE_ROOT=str(tmp_path / "store"), **more)
    return ended.returncode, ended.stdout


@pytest.mark.integration
def test_a_task_ends_for_good_at_its_last_attempt(folder: Folder, tmp_path: Path) -> None:
    """The layer, `current` and the environment see the attempt; the exit code of the last one stops AWS Batch."""
    first = _task(folder, tmp_path, "A", AWS_BATCH_JOB_ID="j:0", AWS_BATCH_JOB_ATTEMPT="2")
    assert first == (1, "attempt 1 1 1\n")
    last = _task(folder, tmp_path, "A", AWS_BATCH_JOB_ID="j:0", AWS_BATCH_JOB_ATTEMPT="3")
    assert last == (79, "attempt 2 2 2\n")
    assert _task(folder, tmp_path, "A", AWS_BATCH_JOB_ID="j:0", AWS_BATCH_JOB_ATTEMPT="4") == (79, "")


@pytest.mark.integration
def test_a_layer_that_leaves_its_process(folder: Folder, tmp_path: Path) -> None:
    """`os._exit(0)` before the layer ended fails its process; processes that it forks end as they like."""
    assert _task(folder, tmp_path, "Leaves") == (1, "waited\n")
