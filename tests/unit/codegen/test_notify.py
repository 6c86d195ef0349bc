"""Executions that did not succeed are reported, with the layer and the reason, as an event and to topics."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import pytest

from laminar_codegen.ir.expressions import Ref
from laminar_codegen.ir.settings import Notices, Settings
from laminar_codegen.rehearsal.simulated import Call, NamedError, Services, replay
from laminar_codegen.render.terraform_json import render_machine
from laminar_codegen.targets.companions.failure_texts import failure_of_job
from laminar_codegen.targets.companions.notify import emit_notify
from laminar_runtime.causes.children import in_camel_case
from laminar_runtime.failures.jobs import BEGINNINGS, kind_of
from laminar_runtime.failures.record import Failure
from tests.support.graph_notation import graphs_in

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:nightly"
ARN = "arn:aws:states:eu-west-1:123456789012:execution:nightly:e1@resume-1"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:alerts"
JOB = "0a1b2c3d-0000-1111-2222-333344445555"
FOLDER = "root/Report/.cache/e1/.failures/"
REFERENCES = {"local.partition": "aws", "local.datastore_bucket": "bucket", "local.datastore_prefix": "root/"}


@attrs.define
class World:
    """What the state machine finds, and what it reports."""

    status: str = "FAILED"
    error: str | None = "States.TaskFailed"
    cause: str | None = None
    redriven: str | None = None
    records: Mapping[str, tuple[str, Failure]] = attrs.field(factory=dict)
    jobs: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    history: Sequence[tuple[int, int, str, str]] = ((1, 0, "ExecutionStarted", ""), (2, 1, "ExecutionAborted", ""))
    events: list[Any] = attrs.field(factory=list)
    messages: list[Any] = attrs.field(factory=list)

    def report(self, graph: str = "Train", topics: Any = (TOPIC,)) -> dict[str, Any]:
        """Run the machine, and return the detail of the event."""
        graphs = [attrs.evolve(one, settings=Settings(notices=Notices(topics))) for one in graphs_in(graph)]
        definition = json.loads(render_machine(emit_notify(graphs), REFERENCES))
        services = Services(others={name: self._handler(name) for name in _CALLS})
        event = {"executionArn": ARN, "stateMachineArn": MACHINE, "name": "e1@resume-1", "status": self.status}
        replayed = replay(definition, services=services, input=event)
        assert replayed.status == "SUCCEEDED", (replayed.error, replayed.cause)
        (entry,) = self.events
        assert (entry["Source"], entry["DetailType"]) == ("laminar", "Laminar Execution Failed")
        detail: dict[str, Any] = json.loads(entry["Detail"])
        return detail

    def _handler(self, name: str) -> Any:
        async def handle(call: Call) -> Any:
            return _CALLS[name](self, call.arguments)

        return handle

    def describe(self, given: Mapping[str, Any]) -> Any:
        """Describe the execution."""
        assert given["ExecutionArn"] == ARN
        more = {"Error": self.error, "Cause": self.cause}
        known = {name: value for name, value in more.items() if value is not None}
        known |= {} if self.redriven is None else {"RedriveDate": self.redriven}
        return {"Status": self.status, "StartDate": "2026-01-02T00:00:00.123Z", **known}

    def read_history(self, given: Mapping[str, Any]) -> Any:
        """Read the newest events of the history, without data."""
        assert (given["ExecutionArn"], given["ReverseOrder"], given["IncludeExecutionData"]) == (ARN, True, False)
        events = [
            {
                "Id": number,
                "PreviousEventId": before,
                "Type": kind,
                **({"StateEnteredEventDetails": {"Name": state}} if state else {}),
            }
            for number, before, kind, state in self.history
        ]
        return {"Events": events[::-1][: given["MaxResults"]]}

    def list_objects(self, given: Mapping[str, Any]) -> Any:
        """List the records of a flow."""
        found = [
            {"Key": key, "LastModified": time}
            for key, (time, _) in self.records.items()
            if key.startswith(given["Prefix"])
        ]
        return {"Contents": found} if found else {"KeyCount": 0}

    def get_object(self, given: Mapping[str, Any]) -> Any:
        """Read a record."""
        return {"Body": self.records[given["Key"]][1].to_json().decode()}

    def describe_jobs(self, given: Mapping[str, Any]) -> Any:
        """Describe a job."""
        return {"Jobs": [{"JobId": job, **self.jobs[job]} for job in given["Jobs"] if job in self.jobs]}

    def list_jobs(self, given: Mapping[str, Any]) -> Any:
        """List the children of a job that failed."""
        assert given["JobStatus"] == "FAILED"
        children = [job for job in self.jobs if job.startswith(f"{given['ArrayJobId']}:")]
        return {"JobSummaryList": [{"JobId": job} for job in children]}

    def put_events(self, given: Mapping[str, Any]) -> Any:
        """Keep events."""
        self.events += given["Entries"]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}

    def publish(self, given: Mapping[str, Any]) -> Any:
        """Keep a message."""
        self.messages.append(given)
        return {"MessageId": "1"}


_CALLS: Mapping[str, Any] = {
    "aws-sdk:sfn:describeExecution": World.describe,
    "aws-sdk:sfn:getExecutionHistory": World.read_history,
    "aws-sdk:s3:listObjectsV2": World.list_objects,
    "aws-sdk:s3:getObject": World.get_object,
    "aws-sdk:batch:describeJobs": World.describe_jobs,
    "aws-sdk:batch:listJobs": World.list_jobs,
    "events:putEvents": World.put_events,
    "sns:publish": World.publish,
}


def failure(**more: Any) -> Failure:
    given: dict[str, Any] = {
        "flow": "Report",
        "execution": "e1",
        "layer": "Train",
        "reason": "ValueError: no luck",
        "error_class": "ValueError",
        "index": 3,
        "splits": 100,
        "attempt": 2,
        "time": "2026-01-02T01:00:00.000Z",
        "log_group": "/aws/batch/nightly",
        "log_stream": "task/1",
        "job": f"{JOB}:3",
    }
    return Failure(**{**given, **more})


def cause(**more: Any) -> str:
    return json.dumps({"JobId": JOB, "Container": {"Environment": [{"Name": "A", "Value": "hush"}]}, **more})


def test_the_record_of_the_task_that_failed() -> None:
    """The newest one since the execution began, which is of the job in the cause."""
    records = {
        f"{FOLDER}Train/3.2.json": ("2026-01-02T01:00:00Z", failure()),
        f"{FOLDER}Train/2.1.json": ("2026-01-02T00:30:00Z", failure(index=2, reason="KeyError: 'a'")),
        f"{FOLDER}Train/9.1.json": ("2026-01-01T23:00:00Z", failure(index=9, reason="of an earlier start")),
    }
    world = World(cause=cause(), records=records)
    detail = world.report()
    assert detail == {
        "version": 1,
        "deployment": "nightly",
        "flow": "Report",
        "execution": "e1",
        "executionArn": ARN,
        "status": "FAILED",
        "layer": "Train",
        "index": 3,
        "splits": 100,
        "attempt": 2,
        "errorClass": "ValueError",
        "reason": "ValueError: no luck",
        "job": f"{JOB}:3",
        "logGroup": "/aws/batch/nightly",
        "logStream": "task/1",
        "link": f"https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/{ARN}",
    }
    (message,) = world.messages
    assert (message["TopicArn"], message["Subject"]) == (TOPIC, "nightly FAILED: e1")
    assert message["Message"].splitlines() == [
        "Execution e1 of Report: FAILED",
        "Layer: Train, split 3 of 0 to 99, attempt 2",
        "Reason: ValueError: no luck",
        "Log stream: /aws/batch/nightly task/1",
        detail["link"],
    ]


def test_the_log_of_a_job_that_left_a_record() -> None:
    """A task does not know its log stream: AWS Batch does."""
    record = failure(log_group="", log_stream="")
    jobs = {f"{JOB}:3": {"Container": {"LogStreamName": "task/7", "LogConfiguration": {"LogDriver": "awslogs"}}}}
    world = World(cause=cause(), records={f"{FOLDER}Train/3.2.json": ("2026-01-02T01:00:00Z", record)}, jobs=jobs)
    detail = world.report()
    assert (detail["reason"], detail["logStream"], "logGroup" in detail) == ("ValueError: no luck", "task/7", False)


CHILD = {
    "StatusReason": "Essential container in task exited",
    "ArrayProperties": {"Index": 2},
    "Container": {
        "Reason": "OutOfMemoryError: Container killed due to memory usage",
        "ExitCode": 137,
        "LogStreamName": "task/9",
        "LogConfiguration": {"Options": {"awslogs-group": "/aws/batch/nightly"}},
        "Environment": [
            {"Name": "LAMINAR_FLOW_NAME", "Value": "Report"},
            {"Name": "LAMINAR_LAYER_NAME", "Value": "Train"},
            {"Name": "LAMINAR_LAYER_INDEXES", "Value": "0-1,7"},
            {"Name": "LAMINAR_LAYER_SPLITS", "Value": "8"},
        ],
    },
}


def test_what_killed_a_child_of_an_array_job() -> None:
    """It left no record, and the record of an earlier job is not why."""
    old = failure(job="11111111-0000-1111-2222-333344445555:0")
    jobs = {JOB: {"StatusReason": "Array Child Job failed", "ArrayProperties": {"Size": 3}}, f"{JOB}:2": CHILD}
    records = {f"{FOLDER}Train/3.2.json": ("2026-01-02T01:00:00Z", old)}
    # As in the cause of an execution that another one started.
    world = World(cause=json.dumps({"Status": "FAILED", "Cause": cause()}), records=records, jobs=jobs)
    detail = world.report()
    shown = ("flow", "layer", "index", "splits", "kind", "reason", "job", "logStream")
    assert {name: detail[name] for name in shown} == {
        "flow": "Report",
        "layer": "Train",
        "index": 7,
        "splits": 8,
        "kind": "out of memory",
        "reason": "out of memory: OutOfMemoryError: Container killed due to memory usage (exit code 137)",
        "job": f"{JOB}:2",
        "logStream": "task/9",
    }
    assert "Layer: Train, split 7 of 0 to 7\n" in world.messages[0]["Message"]


@pytest.mark.parametrize(
    ("described", "kind"),
    [
        ({"StatusReason": "Job attempt duration exceeded timeout"}, "timed out"),
        ({"StatusReason": "Host EC2 (instance i-1) terminated."}, "reclaimed"),
        (
            {"StatusReason": "Task failed to start", "Container": {"Reason": "CannotPullContainerError: no"}},
            "image not pulled",
        ),
        ({"StatusReason": "ECS was unable to assume the role 'arn'"}, "permission denied"),
        ({"StatusReason": "Essential container in task exited", "Container": {"ExitCode": 3}}, "exited"),
        ({"StatusReason": "Task failed to start"}, "not started"),
    ],
)
def test_the_kinds_of_what_ends_a_job(described: dict[str, Any], kind: str) -> None:
    """They are those that a reader of failures finds."""
    world = World(cause=cause(), jobs={JOB: described})
    detail = world.report()
    assert (detail["kind"], detail["reason"].partition(":")[0]) == (kind, kind)
    assert kind_of(in_camel_case(described)) == kind


def test_all_kinds_of_jobs_are_in_the_expression() -> None:
    """Each beginning of the table of Python is in the expression."""
    expression = failure_of_job("$job")
    assert all(f"= '{text}'" in expression for _, beginnings in BEGINNINGS for text in beginnings)


@pytest.mark.parametrize(
    ("status", "error", "said", "reason"),
    [
        ("TIMED_OUT", None, None, "the execution timed out"),
        ("FAILED", "", '{"Status":"TIMED_OUT","Name":"e1"}', "the execution timed out"),
        ("ABORTED", "", "stopped by hand", "the execution was aborted: stopped by hand"),
        ("FAILED", "Parameters.Missing", "no day", "Parameters.Missing: no day"),
        ("FAILED", "TypeError", '{"errorMessage":"no luck","errorType":"TypeError"}', "TypeError: no luck"),
        # A job that cannot be described any more: its environment is not shown.
        ("FAILED", "States.TaskFailed", cause(), "States.TaskFailed"),
    ],
)
def test_a_reason_without_a_task(status: str, error: str | None, said: str | None, reason: str) -> None:
    """A limit of time, a person, an input that is refused."""
    world = World(status=status, error=error, cause=said)
    detail = world.report()
    assert (detail["reason"], detail["flow"], "layer" in detail) == (reason, "Report", False)
    assert "hush" not in world.messages[0]["Message"]
    assert world.messages[0]["Subject"] == f"nightly {status}: e1"


def task(first: int, state: str, *kinds: str) -> list[tuple[int, int, str, str]]:
    """Return the events of a task, with ids that follow each other."""
    events = [(first, 1, "TaskStateEntered", state), (first + 1, first, "TaskScheduled", "")]
    return [*events, *((first + 2 + at, first + 1 + at, f"Task{kind}", "") for at, kind in enumerate(kinds))]


RUNNING = [
    *task(2, "Load", "Started", "Submitted", "Succeeded", "StateExited"),
    # It failed, and runs again.
    *task(10, "Train splits", "Failed"),
    (13, 12, "TaskScheduled", ""),
    (14, 13, "TaskStarted", ""),
    (15, 14, "TaskSubmitted", ""),
    *task(20, "Score", "Started"),
    *task(30, "Tidy up", "Started"),
    (40, 22, "TaskStateAborted", ""),
    (41, 0, "ExecutionAborted", ""),
]


def test_which_layers_ran_when_an_execution_was_stopped() -> None:
    """Those whose tasks have not ended, the newest first. A state that is no layer's is not named."""
    world = World(status="ABORTED", error="", cause="not today", history=RUNNING)
    detail = world.report("Load\nTrain\nScore")
    assert (detail["layer"], detail["running"]) == ("Score", ["Score", "Train"])
    assert world.messages[0]["Message"].splitlines()[:3] == [
        "Execution e1 of Report: ABORTED",
        "Layers: Score, Train",
        "Reason: the execution was aborted: not today",
    ]


def test_the_layer_that_ran_when_an_execution_timed_out() -> None:
    world = World(status="TIMED_OUT", error=None, cause=None, history=task(2, "Train", "Started", "Submitted"))
    detail = world.report()
    assert (detail["layer"], detail["running"]) == ("Train", ["Train"])
    assert "\nLayer: Train\nReason: the execution timed out\n" in world.messages[0]["Message"]


def test_a_damaged_record_is_left_out() -> None:
    """Any code of a task may have written it."""

    class Damaged(World):
        def get_object(self, given: Mapping[str, Any]) -> Any:
            raise NamedError("S3.NoSuchKeyException", given["Key"])

    world = World(records={f"{FOLDER}Train/3.2.json": ("2026-01-02T01:00:00Z", failure())})
    world.records = {f"{FOLDER}Train/3.2.json": ("2026-01-02T01:00:00Z", _Broken())}  # type: ignore[dict-item]
    assert world.report()["reason"] == "States.TaskFailed"


class _Broken:
    def to_json(self) -> bytes:
        return b"no JSON"


def test_records_before_a_redrive_are_not_the_reason() -> None:
    """They are of what failed before."""
    records = {f"{FOLDER}Train/3.2.json": ("2026-01-02T01:00:00Z", failure())}
    world = World(records=records, redriven="2026-01-02T02:00:00.5Z")
    assert world.report()["reason"] == "States.TaskFailed"


def test_flows_of_a_chain_and_topics_of_a_variable() -> None:
    """The record is looked for in each flow. Without topics there is the event alone."""
    graph = "flow Report\nA | on=Lambda\nflow Second\nB | on=Lambda"
    record = failure(flow="Second", layer="B", job="request", index=0, splits=1)
    records = {"root/Second/.cache/e1/.failures/B/0.1.json": ("2026-01-02T01:00:00Z", record)}
    world = World(records=records)
    detail = world.report(graph, ())
    assert (detail["flow"], detail["layer"], world.messages) == ("Second", "B", [])
    machine = emit_notify([attrs.evolve(graphs_in("A")[0], settings=Settings(notices=Notices(Ref("var.topics"))))])
    assert machine.states[-1].fields()["Items"] == Ref("var.topics")
