"""Why executions of deployed flows failed, by answers of AWS that stand here."""

from __future__ import annotations

import datetime as dt
import json
import pickle
import traceback
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoRegionError

from laminar_runtime import _records
from laminar_runtime.causes import children
from laminar_runtime.causes.calls import explain
from laminar_runtime.causes.executions import Reader
from laminar_runtime.causes.histories import History
from laminar_runtime.causes.logs import OfSplit, Stream, Tail, find_streams
from laminar_runtime.causes.objects import S3Objects
from laminar_runtime.causes.stopping import stop_jobs
from laminar_runtime.configurations.datastores import Memory
from laminar_runtime.deployed.clients import calls
from laminar_runtime.exceptions import (
    AccessDeniedError,
    DatastoreError,
    DeploymentError,
    ExecutionError,
    MissingError,
    NotFoundError,
    ThrottledError,
)
from laminar_runtime.failures import jobs
from laminar_runtime.failures.record import Failure
from laminar_runtime.storage import failures
from laminar_runtime.storage.claims import Owner
from laminar_runtime.storage.failures import ALL, Only
from laminar_runtime.storage.layout import LayerKey

EXITED = "Essential container in task exited"
TRAIN = LayerKey("Report", "e1", "Train")
ARN = "arn:aws:states:eu-west-1:123456789012:execution:Report:e1"
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("status", "reason", "code", "kind"),
    [
        (EXITED, None, 3, "exited"),
        (EXITED, "OutOfMemoryError: Container killed due to memory usage", 137, "out of memory"),
        (EXITED, None, 66, "unfinished"),
        ("Job attempt duration exceeded timeout", None, 137, "timed out"),
        ("Host EC2 (instance i-1) terminated.", None, None, "reclaimed"),
        ("Your Spot Task was interrupted.", None, None, "reclaimed"),
        ("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", None, None, "not placed"),
        (
            "Canceled by JobStateTimeLimit action due to reason: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
            None,
            None,
            "not placed",
        ),
        ("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", None, None, "not placed"),
        ("Task failed to start", "CannotPullContainerError: not found", None, "image not pulled"),
        ("Task failed to start", "CannotPullImageManifestError: 403", None, "image not pulled"),
        (
            "Task failed to start",
            "ResourceInitializationError: AccessDeniedException: secret",
            None,
            "permission denied",
        ),
        ("ECS was unable to assume the role 'arn:x' that was provided for this task.", None, None, "permission denied"),
        ("Task failed to start", "ResourceInitializationError: no disk", None, "not started"),
        ("Dependent Job failed", None, None, "stopped"),
        ("The task was stopped with its execution", None, 143, "stopped"),
        (EXITED, "raised AccessDenied", 1, "exited"),
        (None, None, None, "not started"),
    ],
)
def test_kinds_of_jobs(status: str | None, reason: str | None, code: int | None, kind: str) -> None:
    """The status, the reason and the exit code say what ended a job."""
    known = {"reason": reason, "exitCode": code}
    container = {name: value for name, value in known.items() if value is not None}
    detail = {"jobId": "1", "container": container, **({"statusReason": status} if status else {})}
    assert jobs.kind_of(detail) == kind
    facts = jobs.facts_of(detail)
    assert facts["kind"] == kind
    assert facts["reason"]
    assert facts["exit_code"] == code


class Batch:
    """An AWS Batch of some jobs."""

    def __init__(self, *described: dict[str, Any]) -> None:
        self._jobs = {job["jobId"]: job for job in described}

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        """Describe jobs that it knows."""
        return {"jobs": [self._jobs[job] for job in jobs if job in self._jobs]}

    def get_paginator(self, _: str) -> Batch:
        """Return what lists the failed children."""
        return self

    def paginate(self, arrayJobId: str, jobStatus: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - the API's names
        """Yield pages of two children."""
        ids = [name for name, job in self._jobs.items() if name.startswith(f"{arrayJobId}:") and jobStatus == "FAILED"]
        for at in range(0, len(ids), 2):
            yield {"jobSummaryList": [{"jobId": name} for name in ids[at : at + 2]]}


def child(job: str, index: int, **more: Any) -> dict[str, Any]:
    """Describe a child of an array job that was killed."""
    environment = [
        {"name": "LAMINAR_FLOW_NAME", "value": "Report"},
        {"name": "LAMINAR_LAYER_NAME", "value": "Train"},
        {"name": "LAMINAR_EXECUTION_ID", "value": "e1@resume-1"},
        {"name": "LAMINAR_LAYER_INDEXES", "value": "0-999,2000-2999"},
        {"name": "LAMINAR_LAYER_SPLITS", "value": "3000"},
    ]
    container = {"exitCode": 137, "reason": "OutOfMemoryError: killed", "environment": environment}
    return {
        "jobId": f"{job}:{index}",
        "arrayProperties": {"index": index},
        "container": container,
        "statusReason": EXITED,
        "attempts": [{}, {}],
        **more,
    }


def array(job: str, failed: int, **more: Any) -> dict[str, Any]:
    """Describe an array job."""
    properties = {"size": 2000, "statusSummary": {"FAILED": failed, "SUCCEEDED": 1}}
    return {"jobId": job, "arrayProperties": properties, "statusReason": "Array Child Job failed", **more}


def test_the_first_failed_children_are_described() -> None:
    """All are counted, by the summary of the array job."""
    found, count = children.describe(
        Batch(array("j", 1999), *(child("j", index) for index in (9, 2, 1500))), "j", {}, 2
    )
    assert ([one["jobId"] for one in found], count) == (["j:2", "j:9"], 1999)


def test_children_that_did_not_run() -> None:
    """The children that they depend on have the reason."""
    waiting = child("k", 5, statusReason="Dependent Job failed", container={})
    batch = Batch(array("j", 1), child("j", 5), array("k", 1, dependsOn=[{"jobId": "j"}]), waiting)
    found, count = children.describe(batch, "k", {}, 10)
    assert ([one["jobId"] for one in found], count) == (["j:5"], 1)


def test_a_job_that_is_forgotten() -> None:
    """What the state machine said of it stays."""
    assert children.describe(Batch(), "j", {"jobId": "j"}, 10) == ([{"jobId": "j"}], 1)
    assert children.describe(Batch(), "j", {}, 10) == ([], 0)


class States:
    """A Step Functions with a history, in pages of three events."""

    def __init__(self, *events: dict[str, Any], error: Exception | None = None) -> None:
        self._events, self._error = events, error

    def get_execution_history(self, nextToken: str = "0", **_: Any) -> dict[str, Any]:  # noqa: N803 - the API's name
        """Return a page, from the end."""
        if self._error:
            raise self._error
        at = int(nextToken)
        page = self._events[::-1][at : at + 3]
        return {"events": list(page), **({"nextToken": str(at + 3)} if at + 3 < len(self._events) else {})}


def history(cause: Any, error: str = "States.TaskFailed", **request: Any) -> States:
    """Return the history of an execution whose only task failed."""
    about = {"resourceType": "batch", "resource": "submitJob.sync"}
    text = cause if isinstance(cause, str) else json.dumps(cause)
    events: list[dict[str, Any]] = [
        {"type": "ExecutionStarted"},
        {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Train"}},
        {"type": "TaskScheduled", "taskScheduledEventDetails": {**about, "parameters": json.dumps(request)}},
        {"type": "TaskSubmitted", "taskSubmittedEventDetails": {**about, "output": json.dumps({"JobId": "j"})}},
        {"type": "TaskFailed", "taskFailedEventDetails": {**about, "error": error, "cause": text}},
        {"type": "ExecutionFailed", "executionFailedEventDetails": {"error": error, "cause": text}},
    ]
    return States(
        *({"id": at, "previousEventId": at - 1, "timestamp": START, **event} for at, event in enumerate(events, 1))
    )


REQUEST = {
    "ContainerOverrides": {
        "Environment": [
            {"Name": "LAMINAR_LAYER_NAME", "Value": "Train"},
            {"Name": "LAMINAR_EXECUTION_ID", "Value": "e1@resume-1"},
        ]
    }
}


def read(  # noqa: PLR0913 - what is asked of whom
    store: Memory,
    states: States,
    batch: Any,
    *,
    most: int = 10,
    flows: tuple[str, ...] = ("Report",),
    only: Only = ALL,
) -> Any:
    """Read the failures of an execution."""
    services = {"stepfunctions": states, "batch": batch}
    return Reader(services.__getitem__, store.transport, "e1", flows, most, only=only).read(
        ARN, "FAILED", "States.TaskFailed", "c"
    )


def record(index: int, **fields: Any) -> Failure:
    """Return the record of a failed split."""
    known = {"splits": 3000, "reason": f"ValueError: {index}", "attempt": 1, "time": "2026-01-01T00:00:00.000Z"}
    return Failure(flow="Report", execution="e1", layer="Train", index=index, **{**known, **fields})


def test_records_and_jobs_are_joined() -> None:
    """A record counts if it is of the job's last start; its split is found by the index of the child."""
    store = Memory()
    children_ = [child("j", index) for index in (0, 1, 1000)]
    failures.write(store.transport.put, TRAIN, record(0, job="j:0", start=2))
    failures.write(store.transport.put, TRAIN, record(1, job="j:1", start=1))  # killed at its next start
    for name in ("j.1", "j.1.failed", "j.2"):
        store.transport.put(f"{TRAIN.attempts(1, '1')}{name}", b"{}")
    found = read(store, history("x", **REQUEST), Batch(array("j", 3), *children_))
    assert [(one.index, one.kind, one.attempt) for one in found] == [
        (0, "error", 1),
        (1, "out of memory", 2),
        (2000, "out of memory", 1),
    ]
    assert found.shown[0].exit_code == 137
    assert {one.region for one in found} == {"eu-west-1"}
    assert found.count == 3


def claiming(index: int, **more: Any) -> dict[str, Any]:
    """Describe a child that claims splits."""
    found = child("j", index, **more)
    found["container"]["environment"].append({"name": "LAMINAR_LAYER_CLAIMS", "value": "1-0.2"})
    return found


def test_children_that_claim_splits() -> None:
    """The failures are those of the splits, not of children: of a child that was killed, of the split that it held."""
    store = Memory()
    for index in (7, 9):
        failures.write(store.transport.put, TRAIN, record(index, job=f"j:{index % 2}"))
    prefix = TRAIN.claims("1-0.2", "1", "j")
    for name, owner in {"3": 0, "5": 0, "7": 1, "9": 1}.items():
        store.transport.put(f"{prefix}{name}", Owner(f"j:{owner}").dumps())
    store.transport.put(TRAIN.split(3), b"{}")
    for name in ("7", "9"):
        store.transport.put(f"{prefix}{name}.failed", b"{}")
    ended = claiming(1)
    ended["container"] |= {"exitCode": 79, "reason": None}
    environment = [*REQUEST["ContainerOverrides"]["Environment"], {"Name": "LAMINAR_LAYER_CLAIMS", "Value": "1-0.2"}]
    states = history("x", ContainerOverrides={"Environment": environment})
    found = read(store, states, Batch(array("j", 2), claiming(0), ended))
    assert [(one.index, one.kind) for one in found] == [(5, "out of memory"), (7, "error"), (9, "error")]
    assert found.count == 3


@pytest.mark.parametrize("code", [79, 137])
def test_a_job_that_runs_several_layers(code: int) -> None:
    """It ends with 79 for a layer that recorded its failure. Killed as a whole it is named after its first layer."""
    store = Memory()
    failures.write(store.transport.put, TRAIN, record(0, splits=1, job="j", kind="timed out"))
    job = {"JobId": "j", "JobName": "Report-Load", "StatusReason": EXITED, "Container": {"ExitCode": code}}
    variables = {"LAMINAR_LAYER_NAME": "Load", "LAMINAR_PACK": "1 2048 Load Train", "LAMINAR_EXECUTION_ID": "e1"}
    environment = [{"Name": name, "Value": value} for name, value in variables.items()]
    found = read(store, history(job, ContainerOverrides={"Environment": environment}), Batch())
    last = [("Train", "timed out", 1)]
    assert [(one.layer, one.kind, one.attempt) for one in found] == (
        last if code == 79 else [("Load", "exited", 1), *last]
    )
    assert found.count == len(found.shown)


def test_a_record_beyond_the_first_ones() -> None:
    """Of a split whose child was described, its record is read, however many there are."""
    store = Memory()
    for index in (0, 1, 2, 500):
        failures.write(store.transport.put, TRAIN, record(index, job=f"j:{index}", start=2))
    found = read(store, history("x", **REQUEST), Batch(array("j", 4), child("j", 500)), most=1)
    assert ([one.reason for one in found], found.count) == (["ValueError: 500"], 4)


def test_a_layer_that_failed_beside() -> None:
    """What other layers recorded is added, behind what ended the execution."""
    store = Memory()
    other = Failure(flow="Report", execution="e1", layer="Clean", reason="OSError", attempt=1)
    failures.write(store.transport.put, LayerKey("Report", "e1", "Clean"), other)
    found = read(store, history("x", **REQUEST), Batch(array("j", 1), child("j", 0)))
    assert [(one.layer, one.region) for one in found] == [("Train", "eu-west-1"), ("Clean", "eu-west-1")]
    assert found.count == 2


def test_a_job_that_aws_batch_forgot() -> None:
    """The description in the history says it, too."""
    job = {"JobId": "j", "JobName": "Report-Train", "StatusReason": EXITED, "Container": {"ExitCode": 4}}
    (failure,) = read(Memory(), history(job, **REQUEST), Batch())
    assert (failure.flow, failure.layer, failure.kind, failure.exit_code) == ("Report", "Train", "exited", 4)


class Children(Batch):
    """An AWS Batch whose children have statuses."""

    def paginate(self, arrayJobId: str, jobStatus: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - the API's names
        """Yield a page of the children with a status."""
        found = [job for name, job in self._jobs.items() if name.startswith(f"{arrayJobId}:")]
        yield {"jobSummaryList": [job for job in found if job["status"] == jobStatus]}


def running(**more: Any) -> States:
    """Return the history of an execution that ended while its only task ran."""
    request = {**REQUEST, "ArrayProperties": {"Size": 4}, **more}
    return States(*(one for one in history("x", **request)._events if "Failed" not in one["type"]))


def _read_ended(store: Memory, states: States, batch: Any, status: str = "ABORTED", cause: str = "") -> Any:
    services = {"stepfunctions": states, "batch": batch}
    return Reader(services.__getitem__, store.transport, "e1", ("Report",)).read(ARN, status, "", cause)


def _child_of_four(index: int, status: str, **more: Any) -> dict[str, Any]:
    environment = [{"name": "LAMINAR_LAYER_SPLITS", "value": "4"}, {"name": "LAMINAR_FLOW_NAME", "value": "Report"}]
    known = {"container": {"environment": environment}, "statusReason": "by hand", "startedAt": 1}
    return {**child("j", index, **known), "status": status, **more}


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        ("ABORTED", "execution aborted", "the execution was aborted while it ran: not today"),
        ("TIMED_OUT", "execution timed out", "the execution timed out while it ran"),
    ],
)
def test_the_split_that_the_end_of_the_execution_cut(status: str, kind: str, reason: str) -> None:
    """It is the child of the array job that has not succeeded, not the first one; real errors come before it."""
    store = Memory()
    parts = {0: "SUCCEEDED", 1: "SUCCEEDED", 2: "RUNNING", 3: "SUCCEEDED"}
    batch = Children(array("j", 0), *(_child_of_four(index, state) for index, state in parts.items()))
    found = _read_ended(store, running(), batch, status, "not today")
    assert [(one.index, one.splits, one.kind, one.reason) for one in found] == [(2, 4, kind, reason)]
    assert (found.count, found.shown[0].job) == (1, "j:2")
    failed = _child_of_four(3, "FAILED", statusReason=EXITED)
    failed["container"]["exitCode"] = 79
    failures.write(store.transport.put, TRAIN, record(3, splits=4, job="j:3", start=2))
    never = _child_of_four(1, "FAILED", startedAt=None, attempts=[])
    batch = Children(array("j", 1), never, _child_of_four(2, "FAILED"), failed)
    found = _read_ended(store, running(), batch, status)
    assert [(one.index, one.kind) for one in found] == [(3, "error"), (1, kind), (2, kind)]
    assert "before it ran" in found.shown[1].reason
    assert found.count == 3


def test_an_array_job_whose_children_are_unknown() -> None:
    """Its layer is named without a split: none of them is blamed."""
    named = [*REQUEST["ContainerOverrides"]["Environment"], {"Name": "LAMINAR_LAYER_SPLITS", "Value": "4"}]
    states = running(ContainerOverrides={"Environment": named})
    (found,) = _read_ended(Memory(), states, Children())
    assert (found.layer, found.index, found.splits, found.kind) == ("Train", 0, 1, "execution aborted")


def test_the_split_that_a_child_had_claimed_at_the_end() -> None:
    """A child that claims splits held one; a child that held none is not named."""
    store = Memory()
    environment = [*REQUEST["ContainerOverrides"]["Environment"], {"Name": "LAMINAR_LAYER_CLAIMS", "Value": "1-0.2"}]
    prefix = TRAIN.claims("1-0.2", "1", "j")
    store.transport.put(f"{prefix}5", Owner("j:1").dumps())
    batch = Children(array("j", 0), {**claiming(0), "status": "FAILED"}, {**claiming(1), "status": "RUNNING"})
    found = _read_ended(store, running(ContainerOverrides={"Environment": environment}), batch)
    assert [(one.index, one.kind) for one in found] == [(5, "execution aborted")]
    assert found.count == 1


def _refuse(name: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, name)


def test_what_may_not_be_read_is_noted() -> None:
    """What is left is read all the same: the records, if the history may not be read, and nothing if neither."""
    store, refused = Memory(), States(error=_refuse("GetExecutionHistory"))
    found = read(store, refused, None)
    assert [one.reason for one in found] == ["States.TaskFailed: c"]
    assert found.notes[0].startswith("its history may have the cause, but cannot be read: ")
    failures.write(store.transport.put, TRAIN, record(7))
    assert [one.index for one in read(store, refused, None)] == [7]

    class Denied:
        def describe_jobs(self, **_: Any) -> None:
            raise _refuse("DescribeJobs")

    found = read(Memory(), history({"JobId": "j", "Container": {"ExitCode": 4}}, **REQUEST), Denied())
    assert (found.shown[0].exit_code, len(found.notes)) == (4, 1)


def test_functions_and_calls() -> None:
    """A function's own error, its end from outside, and a call that was refused, are of the layer in the request."""
    payload = {"Payload": {"execution": "e1", "layer": "Train", "indexes": "3,5", "child": 1, "splits": 9}}
    store = Memory()

    def of(error: str, message: str) -> Failure:
        states = history({"errorType": error, "errorMessage": message}, error, **payload)
        for event in states._events:
            event.pop("taskSubmittedEventDetails", None)
        (found,) = read(store, states, Batch())
        assert (found.layer, found.index, found.splits) == ("Train", 5, 9)
        return found

    own = of("ValueError", "layer 'Train' of flow 'Report' failed on attempt 1 of execution e1: ValueError: no luck")
    assert (own.kind, own.reason, own.error_class) == ("error", "ValueError: no luck", "ValueError")
    assert of("Sandbox.Timedout", "Task timed out after 3.00 seconds").kind == "timed out"
    assert of("Runtime.ExitError", "Runtime exited with error: signal: killed").kind == "out of memory"
    assert of("Runtime.ExitError", "Runtime exited with error: exit status 1").kind == "exited"
    denied = history(
        "User: x is not authorized to perform: lambda:InvokeFunction", "Lambda.AWSLambdaException", **payload
    )
    for event in denied._events:
        event.pop("taskSubmittedEventDetails", None)
    (failure,) = read(store, denied, Batch())
    assert (failure.kind, failure.layer) == ("permission denied", "Train")


def test_the_flow_is_found_in_the_datastore() -> None:
    """Without its name, those of the datastore that have records of the execution are read."""
    store = Memory()
    failures.write(store.transport.put, TRAIN, record(7))
    store.transport.put("Other/artifacts/1.json", b"{}")
    assert [one.index for one in read(store, States(error=_refuse("GetExecutionHistory")), None, flows=())] == [7]


class S3:
    """An S3 with two objects."""

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - the API's names
        """Refuse."""
        code = "NoSuchKey" if Key.endswith("absent") else "AccessDenied"
        raise ClientError({"Error": {"Code": code, "Message": Bucket}}, "GetObject")

    def get_paginator(self, _: str) -> S3:
        """Return what lists."""
        return self

    def paginate(self, **given: str) -> list[dict[str, Any]]:
        """Return two pages."""
        assert given == {"Bucket": "b", "Prefix": "p/Report/", "Delimiter": "/"}
        return [
            {"Contents": [{"Key": "p/Report/1.json"}, {"Key": "p/Report/"}]},
            {"CommonPrefixes": [{"Prefix": "p/Report/.cache/"}, {"Prefix": "p/Report/archives/"}]},
        ]


def test_objects_in_s3() -> None:
    """They are listed as a datastore lists them; an absent one is another error than a refused one."""
    objects = S3Objects(S3(), "s3://b/p")
    assert objects.names("Report/") == ["1.json", "archives"]
    with pytest.raises(MissingError, match="nothing is stored at s3://b/p/Report/absent"):
        objects.get("Report/absent")
    with pytest.raises(ClientError, match="AccessDenied"):
        objects.get("Report/there")


class Busy:
    """An S3 that deletes all objects but some, each time with the next of some codes."""

    def __init__(self, kept: int, *codes: str) -> None:
        self.kept, self.codes, self.asked = kept, list(codes), list[int]()

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - the API's names
        """Delete, and say which ones were not."""
        objects = Delete["Objects"]
        assert (Bucket, Delete["Quiet"]) == ("b", True)
        self.asked.append(len(objects))
        code = self.codes.pop(0) if self.codes else ""
        return {"Errors": [{**one, "Code": code, "Message": "no"} for one in objects[: self.kept]]} if code else {}


def test_objects_that_s3_was_too_busy_to_delete() -> None:
    """They alone are deleted again."""
    s3 = Busy(2, "InternalError", "SlowDown")
    S3Objects(s3, "s3://b/p", pauses=(0, 0)).delete_versions((f"k{number}", "v") for number in range(4))
    assert s3.asked == [4, 2, 2]


@pytest.mark.parametrize(
    ("codes", "kind", "asked"),
    [(("SlowDown",) * 3, DatastoreError, 3), (("SlowDown", "AccessDenied"), AccessDeniedError, 2)],
)
def test_objects_that_s3_does_not_delete(codes: tuple[str, ...], kind: type[Exception], asked: int) -> None:
    """The error names some of them, and says how many more there are."""
    s3 = Busy(7, *codes)
    with pytest.raises(kind) as raised:
        S3Objects(s3, "s3://b/p", pauses=(0, 0)).delete_keys(f"k{number}" for number in range(9))
    text = str(raised.value)
    assert [number for number in range(9) if f"s3://b/p/k{number} cannot be deleted: {codes[-1]}" in text] == [
        0,
        1,
        2,
        3,
        4,
    ]
    assert "; and 2 more" in text
    assert len(s3.asked) == asked


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", AccessDeniedError),
        ("ExecutionDoesNotExist", NotFoundError),
        ("StateMachineDoesNotExist", NotFoundError),
        ("ThrottlingException", ThrottledError),
        ("TooManyRequestsException", ThrottledError),
        ("InvalidName", DeploymentError),
    ],
)
def test_kinds_of_errors_of_calls(code: str, kind: type[Exception]) -> None:
    """Each kind has a class, which those who catch the broader ones catch, too."""
    error = explain(
        "it cannot be started", ClientError({"Error": {"Code": code, "Message": "no"}}, "X"), DeploymentError
    )
    assert type(error) is kind
    assert str(error).startswith("it cannot be started: ")
    assert isinstance(error, DeploymentError)
    assert isinstance(error, ExecutionError) == (kind is not DeploymentError)


def test_the_action_that_is_missing() -> None:
    """It is in the message of AWS; else the operation is named. It stays in a pickle."""
    text = "User: arn:x is not authorized to perform: states:StartExecution on resource: arn:y"
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": text}}, "StartExecution")
    error = explain("no", denied, DeploymentError)
    assert isinstance(error, AccessDeniedError)
    assert error.action == "states:StartExecution"
    assert str(error).endswith(". Allow states:StartExecution to the role of this process")
    assert pickle.loads(pickle.dumps(error)).action == error.action  # noqa: S301 - it was pickled here
    plain = explain("no", _refuse("DescribeJobs"), ExecutionError)
    assert isinstance(plain, AccessDeniedError)
    assert plain.action == "DescribeJobs"


def test_jobs_that_go_on_are_stopped() -> None:
    """Those that no state waits for are, too, and those of a nested execution; what has ended is left alone."""
    answers = [{"JobId": "a"}, {"JobId": "b"}, {"ExecutionArn": "nested"}, {"JobId": "b"}, {"other": 1}]
    events = [
        {"id": at, "type": "TaskSucceeded", "taskSucceededEventDetails": {"output": json.dumps(answer)}}
        for at, answer in enumerate(answers, 1)
    ]
    submitted = {"id": 1, "type": "TaskSubmitted", "taskSubmittedEventDetails": {"output": '{"JobId": "c"}'}}

    class Nested(States):
        def get_execution_history(self, executionArn: str, **_: Any) -> dict[str, Any]:  # type: ignore[override] # noqa: N803
            return {"events": [submitted] if executionArn == "nested" else events}

    class Stopping(Batch):
        stopped: list[tuple[str, str]] = []  # noqa: RUF012 - of one test

        def terminate_job(self, jobId: str, reason: str) -> None:  # noqa: N803 - the API's name
            self.stopped.append((jobId, reason))

    statuses = {"a": "SUCCEEDED", "b": "RUNNING", "c": "RUNNABLE"}
    batch = Stopping(*({"jobId": job, "status": status} for job, status in statuses.items()))
    services = {"stepfunctions": Nested(), "batch": batch}
    assert stop_jobs(services.__getitem__, "arn", "why") == ["b", "c"]
    assert batch.stopped == [("b", "why"), ("c", "why")]


class GoneError(Exception): ...


class Lines:
    """A log stream of three lines, in pages of two."""

    exceptions = SimpleNamespace(ResourceNotFoundException=GoneError)

    def get_log_events(self, nextToken: str = "0", **given: Any) -> dict[str, Any]:  # noqa: N803 - the API's name
        """Return a page; at the end its token stays the same."""
        assert given == {"logGroupName": "g", "logStreamName": "s", "startFromHead": True}
        at = int(nextToken)
        lines = ["a", "b", "c"][at : at + 2]
        return {"events": [{"message": line} for line in lines], "nextForwardToken": str(at + len(lines))}


def test_a_task_that_has_printed_nothing() -> None:
    """It has no stream yet, and so no lines; later it may have some."""

    class Empty(Lines):
        def get_log_events(self, **_: Any) -> Any:
            raise GoneError

    tail = Tail(Empty(), Stream("g", "s"), "Load", 0)
    assert [*tail.read(), *tail.read()] == []


def test_lines_of_a_stream() -> None:
    """All pages are read."""
    assert [*Tail(Lines(), Stream("g", "s"), "Load", 0).read()] == ["a", "b", "c"]


def test_lines_of_the_user_that_look_like_those_of_splits() -> None:
    """Where a task runs one split, all lines are its own; where it runs several, those of one are printed."""

    class Named(Lines):
        def get_log_events(self, nextToken: str = "0", **_: Any) -> Any:  # noqa: N803 - the API's name
            lines = ["[split 7] mine", "[split 0] mine", "laminar: split 7 of layer 'Load' begins"][int(nextToken) :]
            return {"events": [{"message": line} for line in lines], "nextForwardToken": "3"}

    assert len([*Tail(Named(), Stream("g", "s"), "Load", 0).read()]) == 3
    assert [*Tail(Named(), Stream("g", "s", shared=True), "Load", 0).read()] == ["[split 0] mine"]


def test_streams_of_a_split() -> None:
    """It is that of the child which runs the split, by the indexes in its environment or in the plan of its layer."""
    logged = {"logConfiguration": {"options": {"awslogs-group": "g"}}}
    child_ = child("j", 1000)
    attempts = [{"container": {"logStreamName": "first"}}, {"container": {"logStreamName": "last"}}]
    child_ = {**child_, "attempts": attempts, "container": {**logged, "logStreamName": "last"}}
    parent = array("j", 1, container={"environment": child("j", 0)["container"]["environment"]})
    batch, store = Batch(parent, child_), Memory()

    def streams(layer: str, index: int, *, flow: str = "", listed: str = "") -> list[tuple[str, str]]:
        if listed:
            named = [{"name": "LAMINAR_LAYER_INDEXES", "value": "@0"}]
            variables = [item for item in parent["container"]["environment"] if "INDEXES" not in item["name"]]
            parent["container"]["environment"] = variables + named
            store.transport.put(TRAIN.index_list("0"), listed.encode())
        services = {"stepfunctions": history("x", **REQUEST), "batch": batch}
        return [
            (one.group, one.name)
            for one in find_streams(services.__getitem__, ARN, (flow, layer), index, store.transport)
        ]

    assert streams("Train", 2000) == [("g", "first"), ("g", "last")]
    assert streams("Train", 2000, flow="Report") == [("g", "first"), ("g", "last")]
    assert streams("Train", 2000, flow="Other") == []
    assert streams("Train", 1500) == []
    assert streams("Load", 0) == []
    assert streams("Train", 7, listed="8-1007,7") == [("g", "first"), ("g", "last")]


def test_the_child_that_claimed_a_split() -> None:
    """Under a limit of concurrency, children take splits as they claim them: the logs are of the one that did."""
    parent, store = claiming(0), Memory()
    claimer = claiming(1)
    claimer["container"] |= {"logStreamName": "of 1"}
    parent = {**parent, "jobId": "j", "arrayProperties": {"size": 2}}
    environment = [*REQUEST["ContainerOverrides"]["Environment"], {"Name": "LAMINAR_LAYER_CLAIMS", "Value": "1-0.2"}]
    services = {
        "stepfunctions": history("x", ContainerOverrides={"Environment": environment}),
        "batch": Batch(parent, claiming(0), claimer),
    }
    prefix = TRAIN.claims("1-0.2", "1", "j")
    store.transport.put(f"{prefix}7", Owner("j:1").dumps())
    store.transport.put(f"{prefix}8", b"damaged")

    def streams(index: int) -> list[str]:
        return [one.name for one in find_streams(services.__getitem__, ARN, ("", "Train"), index, store.transport)]

    assert streams(7) == ["of 1"]
    assert [one.shared for one in find_streams(services.__getitem__, ARN, ("", "Train"), 7, store.transport)] == [True]
    assert streams(0) == streams(8) == []
    lines = ["start", "laminar: split 3 of layer 'Train' begins", "3", "laminar: split 7 of layer 'Train' begins", "7"]
    assert [*filter(OfSplit("Train", 7), lines)] == [lines[0], *lines[3:]]


def redriven(states: States, count: int = 1) -> States:
    """Return a history whose last events are of a redrive: all that the first drive did comes before them."""
    first = states._events
    began = {"id": len(first) + 1, "previousEventId": len(first), "type": "ExecutionRedriven", "timestamp": START}
    details = {"executionRedrivenEventDetails": {"redriveCount": count}}
    shift = len(first) + 1
    again = [{**one, "id": one["id"] + shift, "previousEventId": one["previousEventId"] + shift} for one in first[1:]]
    return States(*first, {**began, **details}, *again)


def of_drive(drive: str) -> dict[str, Any]:
    """Return the request of a job of a resume or redrive."""
    environment = [
        {"Name": "LAMINAR_LAYER_NAME", "Value": "Train"},
        {"Name": "LAMINAR_EXECUTION_ID", "Value": f"e1@resume-{drive}"},
    ]
    return {"ContainerOverrides": {"Environment": environment}}


def test_a_record_of_an_earlier_drive() -> None:
    """A redrive counts attempts from one, and may fail for another reason than the drive before it."""
    payload = {"Payload": {"execution": "e1@resume-0.1", "layer": "Train"}}
    message = {"errorType": "ValueError", "errorMessage": "x of execution e1: ValueError: new"}
    states = redriven(history(message, "ValueError", **payload))
    for event in states._events:
        event.pop("taskSubmittedEventDetails", None)
    store = Memory()
    failures.write(store.transport.put, TRAIN, record(0, splits=1, reason="ValueError: old"))
    clean = Failure(flow="Report", execution="e1", layer="Clean", reason="an older one", attempt=1)
    failures.write(store.transport.put, LayerKey("Report", "e1", "Clean"), clean)
    found = read(store, states, Batch())
    assert [one.reason for one in found] == ["ValueError: new"]
    assert found.count == 1
    failures.write(store.transport.put, TRAIN, record(0, splits=1, reason="ValueError: own", drive="0.1"))
    assert [one.reason for one in read(store, states, Batch())] == ["ValueError: own"]


def test_a_job_of_a_redrive_that_left_no_record() -> None:
    """Its exit code says that its task failed for good, and the record there is of the job before it."""
    store = Memory()
    failures.write(store.transport.put, TRAIN, record(0, splits=1, job="i", start=1))
    variables = [{"name": name, "value": value} for name, value in _variables("0.1").items()]
    job = {"jobId": "j", "statusReason": EXITED, "container": {"exitCode": 79, "environment": variables}}
    states = redriven(history("x", **of_drive("0.1")))
    (found,) = read(store, states, Batch(job))
    assert (found.kind, found.exit_code) == ("exited", 79)
    failures.write(store.transport.put, TRAIN, record(0, splits=1, job="i", start=1, drive="0.1"))
    assert [one.reason for one in read(store, states, Batch(job))] == ["ValueError: 0"]


def _variables(drive: str) -> dict[str, str]:
    return {
        "LAMINAR_FLOW_NAME": "Report",
        "LAMINAR_LAYER_NAME": "Train",
        "LAMINAR_EXECUTION_ID": f"e1@resume-{drive}" if drive else "e1",
    }


def test_tasks_of_an_earlier_drive_do_not_run() -> None:
    """An execution that was stopped, redriven and stopped again is ended with what ran at its second end."""
    states = history("x", **REQUEST)
    running = [event for event in states._events if event["type"] not in {"TaskFailed", "ExecutionFailed"}]
    again = redriven(States(*running))
    assert [task.state for task in History({event["id"]: event for event in again._events}).running()] == ["Train"]
    assert History({event["id"]: event for event in again._events}).redrives == 1
    ended = States(*again._events[: len(running) + 1])
    assert History({event["id"]: event for event in ended._events}).running() == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("Host EC2 (instance i-1) terminated.", "reclaimed"),
        ("Job attempt duration exceeded timeout", "timed out"),
        ("by hand", "stopped"),
    ],
)
def test_what_a_task_made_of_the_signal_that_ended_it(status: str, kind: str) -> None:
    """Its record is of the same start of the job, and says SystemExit or worse; AWS says why."""
    store = Memory()
    of_signal = record(0, splits=1, job="j", start=1, error_class="SystemExit", reason="SystemExit: 143", drive="1")
    failures.write(store.transport.put, TRAIN, _records.evolve(of_signal, frame="flow.py:3 in wait", attempt=2))
    variables = [{"name": name, "value": value} for name, value in _variables("1").items()]
    job = {"jobId": "j", "statusReason": status, "attempts": [{}], "container": {"exitCode": 143}}
    job["container"]["environment"] = variables  # type: ignore[index]
    (found,) = read(store, history("x", **REQUEST), Batch(job))
    assert (found.kind, found.attempt, found.error_class) == (kind, 2, "")
    assert found.frame == "flow.py:3 in wait"
    assert "SystemExit" not in found.reason


@pytest.mark.parametrize("content", [b"", b"[]", b'{"splits": "many"}', b'{"flow": {}}', b"\xff"])
def test_damaged_objects_do_not_hide_the_failure(content: bytes) -> None:
    """Any code of a task may write to its datastore: what it wrote is noted, and the failure of the job is found."""
    store, states = Memory(), history("x", **REQUEST)
    failures.write(store.transport.put, TRAIN, record(0, job="j:0", start=9))
    store.transport.put(TRAIN.record, content)
    found = read(store, states, Batch(array("j", 1), child("j", 0)))
    assert [one.kind for one in found] == ["out of memory"]
    assert found.notes
    store.transport.put(TRAIN.record.replace(".record", ".other"), b"")
    environment = [*REQUEST["ContainerOverrides"]["Environment"], {"Name": "LAMINAR_LAYER_CLAIMS", "Value": "1-0.2"}]
    store.transport.put(f"{TRAIN.claims('1-0.2', '1', 'j')}3", content)
    claims = history("x", ContainerOverrides={"Environment": environment})
    assert [one.kind for one in read(store, claims, Batch(array("j", 1), claiming(0)))] == ["out of memory"]


def test_more_children_than_one_call_describes() -> None:
    """A caller may ask for more than a hundred failures."""
    batch = Batch(array("j", 250), *(child("j", index) for index in range(250)))
    describe, sizes = batch.describe_jobs, []

    def counting(jobs: list[str]) -> dict[str, Any]:
        sizes.append(len(jobs))
        return describe(jobs)

    batch.describe_jobs = counting  # type: ignore[method-assign]
    found, count = children.describe(batch, "j", {}, 230)
    assert (len(found), count, max(sizes)) == (230, 250, 100)


def test_an_array_job_that_aws_batch_forgot() -> None:
    """The state machine spells its fields in Pascal case; the statuses are in capitals in both."""
    summary = {"FAILED": 3, "SUCCEEDED": 1}
    job = {"JobId": "j", "ArrayProperties": {"Size": 4, "StatusSummary": summary}, "StatusReason": "no"}
    assert read(Memory(), history(job, **REQUEST), Batch()).count == 3


def test_a_function_whose_answer_names_no_error() -> None:
    """Step Functions has one error for those that took too long, and for those whose process was killed."""
    payload = {"Payload": {"execution": "e1", "layer": "Train"}}
    begin = "The cause could not be determined because Lambda did not return an error type. Returned payload: "

    def of(message: str) -> Failure:
        states = history(begin + json.dumps({"errorMessage": message}), "Lambda.Unknown", **payload)
        for event in states._events:
            event.pop("taskSubmittedEventDetails", None)
        (found,) = read(Memory(), states, Batch())
        return found  # type: ignore[no-any-return]

    assert of("2026-01-01T00:00:00.000Z 1-2 Task timed out after 3.00 seconds").kind == "timed out"
    assert of("RequestId: 1-2 Error: Runtime exited with error: signal: killed").kind == "out of memory"
    assert of("RequestId: 1-2 Process exited before completing request").kind == "exited"


def test_the_failures_of_one_layer_or_split() -> None:
    """Who asks for one split gets it, however many failed before it, and nothing if it did not fail."""
    store = Memory()
    other = Failure(flow="Report", execution="e1", layer="Clean", reason="OSError", attempt=1)
    failures.write(store.transport.put, LayerKey("Report", "e1", "Clean"), other)
    states, batch = history("x", **REQUEST), Batch(array("j", 150), *(child("j", index) for index in range(150)))

    def of(layer: str = "", index: int | None = None) -> list[tuple[str, int]]:
        found = read(store, states, batch, most=2, only=Only(layer, index))
        assert found.count >= len(found)
        return [(one.layer, one.index) for one in found]

    assert of("Clean") == [("Clean", 0)]
    assert of("Train", 140) == [("Train", 140)]
    assert of("Train", 1500) == of("Load") == []
    assert of("Train") == [("Train", 0), ("Train", 1)]
    assert of(index=0) == [("Train", 0), ("Clean", 0)]


def test_the_link_of_the_execution() -> None:
    """It is in the failures, for who has nothing else of it."""
    assert read(Memory(), history("x", **REQUEST), Batch()).link.endswith(f"#/v2/executions/details/{ARN}")


def test_calls_that_could_not_be_made() -> None:
    """A missing region is one line that says what helps, without the frames of botocore."""
    with pytest.raises(DeploymentError) as caught, calls("it cannot be found", DeploymentError):
        raise NoRegionError
    assert (
        str(caught.value)
        == "it cannot be found: You must specify a region. Set AWS_REGION, or the region of your profile."
    )
    assert "NoRegionError" not in "".join(traceback.format_exception(caught.value))
