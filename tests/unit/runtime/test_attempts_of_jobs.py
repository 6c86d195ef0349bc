"""The attempts of jobs of AWS Batch, by descriptions that stand here."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from laminar_runtime.causes.attempts import Attempts
from laminar_runtime.exceptions import MissingError

_CONTAINER = {
    "resourceRequirements": [{"type": "VCPU", "value": "0.5"}, {"type": "MEMORY", "value": "1024"}],
    "environment": [{"name": "LAMINAR_FLOW_NAME", "value": "Report"}],
    "image": "repository/report:1",
    "logStreamName": "report/last",
}


class Service:
    """An AWS of one execution, whose history has one task."""

    def __init__(self, variables: dict[str, str], *jobs: dict[str, Any], denies: bool = False) -> None:
        self.variables, self.denies = variables, denies
        self.jobs = {job["jobId"]: {"jobQueue": "queue", "container": _CONTAINER, **job} for job in jobs}

    def __call__(self, _: str) -> Service:
        return self

    def get_execution_history(self, **_: Any) -> dict[str, Any]:
        environment = [{"Name": name, "Value": value} for name, value in self.variables.items()]
        request = {"ContainerOverrides": {"Environment": environment}}
        details: list[dict[str, Any]] = [
            {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Train"}},
            {"type": "TaskScheduled", "taskScheduledEventDetails": {"parameters": json.dumps(request)}},
            {"type": "TaskSubmitted", "taskSubmittedEventDetails": {"output": '{"JobId": "j1"}'}},
        ]
        time = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        return {
            "events": [
                {"id": number, "previousEventId": number - 1, "timestamp": time, **one}
                for number, one in enumerate(details, 1)
            ]
        }

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        return {"jobs": [self.jobs[job] for job in jobs if job in self.jobs]}

    def describe_job_queues(self, **_: Any) -> dict[str, Any]:
        if self.denies:
            raise KeyError("denied")
        return {"jobQueues": [{"computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "spot"}]}]}

    def describe_compute_environments(self, **_: Any) -> dict[str, Any]:
        return {"computeEnvironments": [{"computeResources": {"type": "FARGATE_SPOT"}}]}


class Lists:
    """A datastore with a list of indexes."""

    def get(self, key: str) -> bytes:
        if key != "Report/.cache/e1/Train/.plan/two.txt":
            raise MissingError(key)
        return b"4,7"

    def names(self, _: str) -> list[str]:
        return []


_VARIABLES = {"LAMINAR_LAYER_NAME": "Train", "LAMINAR_EXECUTION_ID": "e1"}


def _read(service: Service) -> tuple[Any, Attempts]:
    reader = Attempts(service, Lists(), "eu-west-1")
    return reader.read(["arn:e1"]), reader


def test_each_start_of_a_job_is_an_attempt() -> None:
    """The second start of a job was submitted when the first one ended."""
    starts = [
        {"startedAt": 20, "stoppedAt": 30, "container": {"logStreamName": "report/1"}},
        {"startedAt": 40, "stoppedAt": 50, "container": {"logStreamName": "report/2"}},
    ]
    job = {"jobId": "j1", "status": "SUCCEEDED", "createdAt": 10, "startedAt": 40, "stoppedAt": 50, "attempts": starts}
    found, reader = _read(Service(_VARIABLES, job))
    assert [(one.attempt, one.created, one.started, one.stopped, one.outcome, one.stream) for one in found] == [
        (1, 10, 20, 30, "failed", "report/1"),
        (2, 30, 40, 50, "succeeded", "report/2"),
    ]
    one = found[0]
    assert (one.layer, one.flow, one.index, one.job) == ("Train", "Report", None, "j1")
    assert (one.platform, one.architecture, one.vcpus, one.memory_mib) == ("FARGATE_SPOT", "X86_64", 0.5, 1024)
    assert one.image == "repository/report:1"
    assert one.link.endswith("log-events/report$252F1")
    assert reader.notes == ()


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ({"status": "RUNNABLE"}, (10, None, None, "waiting")),
        ({"status": "STARTING"}, (10, None, None, "starting")),
        ({"status": "RUNNING", "startedAt": 20}, (10, 20, None, "running")),
        ({"status": "FAILED", "stoppedAt": 30}, (10, None, 30, "failed")),
        ({"status": "FAILED", "stoppedAt": 30, "statusReason": "not needed"}, (10, None, 30, "stopped")),
    ],
)
def test_a_job_that_has_not_ended(job: dict[str, Any], expected: Any) -> None:
    """It is an attempt, too, and so is one that never started."""
    ((one,), _) = _read(Service(_VARIABLES, {"jobId": "j1", "createdAt": 10, **job}))
    assert (one.created, one.started, one.stopped, one.outcome) == expected


def test_a_job_that_waits_for_its_next_start() -> None:
    """The last start has failed, and the next one has not begun."""
    starts = [{"startedAt": 20, "stoppedAt": 30, "container": {}}]
    job = {"jobId": "j1", "status": "RUNNABLE", "createdAt": 10, "startedAt": 20, "attempts": starts}
    found, _ = _read(Service(_VARIABLES, job))
    assert [(one.started, one.outcome) for one in found] == [(20, "failed"), (None, "waiting")]


def test_children_have_the_indexes_of_the_plan() -> None:
    """A list of the plan says which splits the children of an array job run; what AWS forgot is counted."""
    parent = {"jobId": "j1", "status": "SUCCEEDED", "createdAt": 10, "arrayProperties": {"size": 2}}
    child = {"jobId": "j1:1", "status": "SUCCEEDED", "createdAt": 10, "arrayProperties": {"index": 1}}
    found, reader = _read(Service({**_VARIABLES, "LAMINAR_LAYER_INDEXES": "@two"}, parent, child))
    assert [(one.index, one.job) for one in found] == [(7, "j1:1")]
    assert reader.notes == ("AWS Batch has forgotten 1 jobs",)


def test_children_that_claim_splits_are_of_none() -> None:
    """Each is an attempt of its own, whatever splits it ran."""
    given = {**_VARIABLES, "LAMINAR_LAYER_INDEXES": "0-9", "LAMINAR_LAYER_CLAIMS": "1-0.2"}
    parent = {"jobId": "j1", "status": "SUCCEEDED", "createdAt": 10, "arrayProperties": {"size": 2}}
    ones = [{"jobId": f"j1:{number}", "status": "SUCCEEDED", "createdAt": 10} for number in range(2)]
    found, _ = _read(Service(given, parent, *ones))
    assert [(one.index, one.attempt, one.job) for one in found] == [(None, 1, "j1:0"), (None, 1, "j1:1")]


def test_layers_of_one_job_share_it() -> None:
    """Each of the layers that a job runs has an attempt."""
    job = {"jobId": "j1", "status": "SUCCEEDED", "createdAt": 10, "startedAt": 20, "stoppedAt": 30}
    found, _ = _read(Service({**_VARIABLES, "LAMINAR_PACK": "1 2048 Train Score"}, job))
    assert [(one.layer, one.job) for one in found] == [("Train", "j1"), ("Score", "j1")]


def test_without_the_right_to_read_queues() -> None:
    """The platform is that of the job, and a note says what could not be read."""
    job = {"jobId": "j1", "status": "RUNNABLE", "createdAt": 10, "platformCapabilities": ["EC2"]}
    ((one,), reader) = _read(Service(_VARIABLES, job, denies=True))
    assert (one.platform, one.architecture) == ("EC2", "")
    assert reader.notes == ("the capacity of job queues cannot be read: 'denied'",)


class Function:
    """A Step Functions whose execution was aborted while a function ran."""

    def __call__(self, _: str) -> Function:
        return self

    def get_execution_history(self, **_: Any) -> dict[str, Any]:
        name = "arn:aws:lambda:eu-west-1:123456789012:function:Report-run_train"
        request = {"FunctionName": name, "Payload": {"layer": "Train", "execution": "e1"}}
        scheduled = {"resourceType": "lambda", "parameters": json.dumps(request)}
        details: list[dict[str, Any]] = [
            {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Train"}},
            {"type": "TaskScheduled", "taskScheduledEventDetails": scheduled},
            {"type": "TaskStarted"},
            {"type": "ExecutionAborted"},
        ]
        return {
            "events": [
                {"id": at, "previousEventId": at - 1, "timestamp": dt.datetime(2026, 1, 1, 0, at, tzinfo=dt.UTC), **one}
                for at, one in enumerate(details, 1)
            ]
        }

    def get_function_configuration(self, **_: Any) -> dict[str, Any]:
        return {"MemorySize": 1024, "Architectures": ["arm64"]}


def test_a_function_that_ran_at_the_end() -> None:
    """It was stopped when its execution was, and runs no more."""
    ((one,), _) = _read(Function())  # type: ignore[arg-type]
    assert (one.layer, one.outcome, one.ran) == ("Train", "stopped", 60.0)
