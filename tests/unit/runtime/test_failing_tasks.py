"""Records that failed attempts leave, on a machine and on AWS."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from laminar_runtime import Execution, Flow, Layer
from laminar_runtime.configurations.datastores import Local, Memory
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry
from laminar_runtime.exceptions import TaskError, UnfinishedError
from laminar_runtime.failures.record import Failure, Failures
from laminar_runtime.failures.redaction import SECRETS
from laminar_runtime.storage import failures
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.task_environment import DATASTORE_ROOT, LAYER_ATTEMPT, PLAN_FILE
from laminar_runtime.tasks import failure_records, worker_process
from laminar_runtime.tasks.attempts import NoAttemptLeftError
from laminar_runtime.tasks.worker import Ending
from tests.support.harness import in_memory

KEY = LayerKey("Report", "e1", "Train")
PASSWORD = "correct horse"


class Report(Flow): ...


@Report.register
class Load(Layer):
    def __call__(self) -> None:
        self.shard(rows=[1, 2, 3])


@Report.register(
    foreach=ForEach(parameters=[Parameter(layer=Load, attribute="rows")]),
    retry=Retry(attempts=2, delay=0, jitter=0),
    container=Container(secrets={"PASSWORD": "ssm:password"}),
)
class Train(Layer):
    def __call__(self, load: Load) -> None:
        if load.rows == 2 and "MENDED" not in os.environ:
            divide(load.rows)


def divide(number: int) -> None:
    """Fail on purpose."""
    raise ZeroDivisionError(f"{number} by zero, {os.environ.get('PASSWORD')}")


def read(execution: Execution, *, every: bool = False) -> Failures:
    """Return the failures of an execution."""
    return failures.read(execution.datastore.transport, execution.key(""), every=every)


def test_each_attempt_on_a_machine_leaves_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the error of the layer, whatever the executor, and not the values of secrets."""
    monkeypatch.setenv("PASSWORD", PASSWORD)
    flow = in_memory(Report)
    with pytest.raises(ZeroDivisionError, match=PASSWORD):
        flow("e1")
    execution = flow.execution("e1")
    (last,) = read(execution)
    assert (last.layer, last.index, last.splits, last.attempt) == ("Train", 1, 3, 2)
    assert (last.kind, last.error_class, last.message) == ("error", "ZeroDivisionError", "2 by zero, ***")
    assert last.reason == "ZeroDivisionError: 2 by zero, ***"
    assert last.traceback.startswith("Traceback (most recent call last):")
    assert last.frame.partition(":")[0] == __file__
    assert last.frame.endswith(" in divide")
    assert PASSWORD.encode() not in last.to_json()
    assert [one.attempt for one in read(execution, every=True)] == [1, 2]


def test_a_later_success_leaves_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not failures of the execution any more."""
    flow = in_memory(Report)
    with pytest.raises(ZeroDivisionError):
        flow("e1")
    monkeypatch.setenv("MENDED", "yes")
    assert not read(flow.execution("e1").resume())
    assert len(read(flow.execution("e1"), every=True)) == 2


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Local:
    """Give the environment of a child of an array job of AWS Batch, and its datastore."""
    variables = {
        "LAMINAR_EXECUTION_ID": "e1@resume-1",
        "LAMINAR_FLOW_NAME": "Report",
        "LAMINAR_LAYER_NAME": "Train",
        "LAMINAR_LAYER_INDEXES": "5,7,9",
        "LAMINAR_LAYER_SPLITS": "12",
        "AWS_BATCH_JOB_ARRAY_INDEX": "1",
        "AWS_BATCH_JOB_ID": "1f:1",
        "AWS_BATCH_JOB_ATTEMPT": "3",
        "AWS_REGION": "eu-west-1",
        LAYER_ATTEMPT: "2",
        DATASTORE_ROOT: str(tmp_path / "store"),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Local(tmp_path / "store")


def only(store: Local) -> Failure:
    """Return the only failure of the execution."""
    (found,) = failures.read(store.transport, LayerKey("Report", "e1", ""), every=True)
    return found


def test_a_task_on_aws_leaves_its_record(task: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows its job, the start of it, and its split."""
    monkeypatch.setenv(SECRETS, "TOKEN")
    monkeypatch.setenv("TOKEN", json.dumps({"user": "u", "password": PASSWORD}))
    error = KeyError(PASSWORD)
    failure_records.leave_error(error, Memory())
    found = only(task)
    assert (found.flow, found.execution, found.layer) == ("Report", "e1", "Train")
    assert (found.index, found.splits, found.attempt) == (7, 12, 2)
    assert (found.job, found.start, found.region) == ("1f:1", 3, "eu-west-1")
    assert (found.kind, found.message) == ("error", "'***'")
    assert found.time.startswith("20")


def test_a_planner_leaves_its_record(task: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hooks failed in no attempt."""
    monkeypatch.setenv(PLAN_FILE, "plan.json")
    failure_records.leave_error(ValueError("hook"), None)
    assert only(task).attempt == 0


def test_what_hides_other_reasons_leaves_no_record(task: Local) -> None:
    """That no attempt is left says nothing about why the attempts failed."""
    failure_records.leave_error(NoAttemptLeftError("no"), None)
    assert failures.read(task.transport, KEY).count == 0


def test_a_dependency_without_an_end(task: Local) -> None:
    """It is a kind of its own: to run the task again does not help."""
    failure_records.leave_error(UnfinishedError("no"), None)
    assert only(task).kind == "unfinished"


def test_a_killed_process(task: Local) -> None:
    """Of a task on AWS Lambda, the function sees its end."""
    failure_records.leave_ending(os.environ, "its process ended with signal SIGKILL", -9)
    assert only(task).out_of_memory
    again = {**os.environ, "AWS_BATCH_JOB_ATTEMPT": "4"}
    failure_records.leave_ending(again, "its process ended with exit code 3", 3)
    assert (only(task).kind, only(task).exit_code) == ("exited", 3)


def test_what_a_process_said_of_itself_stays(task: Local) -> None:
    """An error of an import is recorded by the process: whoever sees its end knows less. A later start is another."""
    failure_records.leave_error(ModuleNotFoundError("no module"), None)
    failure_records.leave_ending(os.environ, "its process ended with exit code 1", 1)
    assert only(task).error_class == "ModuleNotFoundError"
    for name, value in {"AWS_BATCH_JOB_ID": "2e:1", "LAMINAR_EXECUTION_ID": "e1@resume-2"}.items():
        failure_records.leave_ending({**os.environ, name: value}, f"another {name}", 1)
        assert only(task).reason == f"another {name}"


def test_a_record_of_an_earlier_drive_is_not_that_of_the_new_failure(task: Local) -> None:
    """The key has the attempt, which each redrive counts from one. A worker goes by the job and its start."""
    failure_records.leave_error(KeyError("earlier"), None)
    assert only(task).drive == "1"
    environment = {**os.environ, "LAMINAR_EXECUTION_ID": "e1@resume-0.2", "AWS_BATCH_JOB_ID": "3d:1"}
    worker_process.record(task, environment, Ending(9))
    assert (only(task).drive, only(task).kind, only(task).exit_code) == ("0.2", "exited", 9)


def test_a_record_of_the_split_itself_stays(task: Local) -> None:
    """Its process knew its error, and ended with a code."""
    failure_records.leave_error(KeyError("x"), None)
    worker_process.record(task, os.environ, Ending(1))
    assert only(task).reason == "KeyError: 'x'"
    worker_process.record(task, os.environ, Ending(143, late=True))
    assert only(task).kind == "timed out"


def test_a_record_that_cannot_be_stored(
    task: Local, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The failure of the task matters more."""
    monkeypatch.setenv(DATASTORE_ROOT, "/dev/null/store")
    failure_records.leave_error(KeyError("x"), None)
    assert "laminar: the record of this failure cannot be stored: DatastoreError" in capsys.readouterr().err
    assert failures.read(task.transport, KEY).count == 0


def test_the_record_of_a_job_that_this_process_submitted(task: Local) -> None:
    """Its own record says more than its description, and is not written over."""
    error = TaskError(
        "its job failed", flow="Report", execution="e1", layer="Train", index=7, splits=12, attempt=2, exit_code=79
    )
    failure_records.leave_error(KeyError("x"), None)
    better = failure_records.record(task, KEY, error, began=0)
    assert (better.reason, better.error_class, better.exit_code) == ("KeyError: 'x'", "KeyError", 79)
    assert only(task).job == "1f:1"
    late = failure_records.record(task, KEY, error, began=4e9)
    assert late is error
    assert (only(task).reason, only(task).kind) == ("its job failed", "exited")
