"""A deployed flow that fails is reported: by an event, and by a message to each topic, with the reason."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Faults, StartFailure, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out

FLOW = """
import time

from laminar_runtime import Flow, Layer, Parameters, Variable
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.configurations.operations import Notifications
from laminar_runtime.configurations.schedulers import AWS


class Reported(Flow): ...


@Reported.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        if parameters.slow:
            time.sleep(60)
        self.shard(row=range(3))


@Reported.register(foreach=ForEach([Parameter(Load, "row")]))
class Clean(Layer):
    def __call__(self, load: Load, parameters: Parameters) -> None:
        if load.row in parameters.bad:
            raise ValueError(f"row {load.row} is bad")
        self.row = load.row


@Reported.register(executor=executors.AWS.Lambda(timeout=60))
class Store(Layer):
    def __call__(self, clean: Clean) -> None:
        raise LookupError("no room")


notifications = Notifications([Variable("on_call_topic"), "arn:aws:sns:us-east-1:123456789012:team"])
flow = Reported(scheduler=AWS.StepFunctions(notifications=notifications, dashboard=True))

if __name__ == "__main__" and flow:
    flow()
"""
EVENT = "Laminar Execution Failed"
KILLED = StartFailure(reason="OutOfMemoryError: Container killed due to memory usage", exit_code=137)


@attrs.define
class Bench:
    """The flow, deployed, and the queue of who listens."""

    aws: EmbeddedAws
    machine: str
    queue: str
    trouble: list[Callable[[str, int | None], StartFailure | None]]

    def start(self, name: str, **parameters: Any) -> str:
        """Start an execution, and return its ARN."""
        states, given = (
            self.aws.client("stepfunctions"),
            json.dumps({"parameters": {"bad": [], "slow": False, **parameters}}),
        )
        arn: str = states.start_execution(stateMachineArn=self.machine, name=name, input=given)["executionArn"]
        return arn

    def reports(self) -> dict[str, Any]:
        """Return the detail of the next event, and the message to each topic."""
        sqs, deadline, found = self.aws.client("sqs"), time.monotonic() + 30, dict[str, Any]()
        while len(found) < len((EVENT, "on_call_topic", "team")) and time.monotonic() < deadline:
            for message in sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", ()):
                body = json.loads(message["Body"])
                if "TopicArn" in body:
                    found[body["TopicArn"].rpartition(":")[2]] = body["Message"]
                else:
                    assert (body["source"], body["detail-type"]) == ("laminar", EVENT)
                    found[EVENT] = body["detail"]
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            time.sleep(0.05)
        return found


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("reported")
    (folder / "flow.py").write_text(FLOW)
    trouble: list[Any] = []

    def start(job: str, index: int | None, _: int) -> StartFailure | None:
        return next((found for one in trouble if (found := one(job, index))), None)

    workspace = Workspace(directory=lay_out(folder / "flow.py", tmp_path_factory.mktemp("image")))
    with EmbeddedAws(workspace=workspace, faults=Faults(start=start), enforces=True) as aws:
        deployment = deploy(compile_flow(str(folder / "flow.py")), aws)
        queue = aws.client("sqs").create_queue(QueueName="listening")["QueueUrl"]
        arn = f"arn:aws:sqs:{aws.region}:123456789012:listening"
        for name in ("on_call_topic", "team"):
            topic = aws.client("sns").create_topic(Name=name)["TopicArn"]
            aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        events = aws.client("events")
        events.put_rule(Name="listening", EventPattern=json.dumps({"source": ["laminar"]}))
        events.put_targets(Rule="listening", Targets=[{"Id": "queue", "Arn": arn}])
        yield Bench(aws, deployment.state_machine_arn, queue, trouble)


def test_a_job_that_is_killed(bench: Bench) -> None:
    """It left no record: the job says why, with the layer and the split."""
    bench.trouble.append(lambda job, index: KILLED if "Clean" in job and index == 1 else None)
    bench.start("killed")
    found = bench.reports()
    bench.trouble.clear()
    detail = found[EVENT]
    shown = ("status", "execution", "layer", "index", "splits", "kind")
    assert [detail[name] for name in shown] == ["FAILED", "killed", "Clean", 1, 3, "out of memory"]
    assert found["team"] == found["on_call_topic"]
    assert found["team"].splitlines()[:3] == [
        "Execution killed of Reported: FAILED",
        "Layer: Clean, split 1 of 0 to 2",
        "Reason: out of memory: OutOfMemoryError: Container killed due to memory usage (exit code 137)",
    ]


def test_a_task_that_raises(bench: Bench) -> None:
    """Its record has the error, the attempt and the log."""
    bench.start("raised", bad=[2])
    detail = bench.reports()[EVENT]
    shown = ("layer", "index", "splits", "attempt", "errorClass", "reason", "logGroup")
    expected = ["Clean", 2, 3, 1, "ValueError", "ValueError: row 2 is bad", "/aws/batch/Reported"]
    assert [detail.get(name) for name in shown] == expected
    assert detail["logStream"]


def test_a_function_that_raises(bench: Bench) -> None:
    """There is no job to describe."""
    bench.start("function")
    detail = bench.reports()[EVENT]
    assert [detail[name] for name in ("layer", "errorClass", "reason")] == [
        "Store",
        "LookupError",
        "LookupError: no room",
    ]


def test_an_execution_that_is_stopped(bench: Bench) -> None:
    """It has no failed task: who stopped it said why."""
    arn, states = bench.start("stopped", slow=True), bench.aws.client("stepfunctions")
    deadline = time.monotonic() + 30
    while "TaskSubmitted" not in {event["type"] for event in states.get_execution_history(executionArn=arn)["events"]}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    states.stop_execution(executionArn=arn, error="Stopped", cause="not today")
    detail = bench.reports()[EVENT]
    assert (detail["status"], detail["reason"]) == ("ABORTED", "the execution was aborted: Stopped: not today")
    assert (detail["layer"], detail["running"]) == ("Load", ["Load"])


def test_the_dashboard_and_the_saved_queries(bench: Bench) -> None:
    """CloudWatch has a body that is JSON, and the queries are about groups of the deployment."""
    body = bench.aws.client("cloudwatch").get_dashboard(DashboardName="Reported")["DashboardBody"]
    assert "alarm" in {widget["type"] for widget in json.loads(body)["widgets"]}
    queries = bench.aws.client("logs").describe_query_definitions(queryDefinitionNamePrefix="Reported/")
    assert [query["name"] for query in queries["queryDefinitions"]] == [
        "Reported/errors in the output",
        "Reported/failed executions",
        "Reported/failures by layer",
    ]


def test_the_statements_are_enough_and_all_used(bench: Bench) -> None:
    """A job that is killed needs each of them; nothing was refused before."""
    bench.trouble.append(lambda job, index: KILLED if "Clean" in job and index == 1 else None)
    bench.start("again")
    bench.reports()
    bench.trouble.clear()
    bench.start("raised-again", bad=[0])
    bench.reports()
    assert bench.aws.guard.refusals == ()
    reports = ("ReadExecutions", "ListFailures", "ReadFailures", "FindFailedJobs", "ReportTo", "StartReports")
    idle = [str(grant) for grant in bench.aws.guard.idle_grants() if any(sid in grant.statement for sid in reports)]
    assert idle == []
