"""Short words to make things run in an embedded AWS."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from laminar_codegen.rehearsal.aws import EmbeddedAws, Faults, InvocationEvent, JobEvent, StartFailure

ROLE = "arn:aws:iam::123456789012:role/any"
SUBMIT = "arn:aws:states:::batch:submitJob.sync"
BUCKET = "bench"

State = dict[str, Any]


@attrs.define
class Troubles:
    """What goes wrong in the embedded AWS, once each and in this order.

    Args:
        starts: How attempts of jobs do not start, by the job's name, and of a child with its index behind a colon.
        refusals: The exceptions by which invocations are refused, by the function's name.
    """

    starts: dict[str, list[StartFailure]] = attrs.field(factory=dict)
    refusals: dict[str, list[str]] = attrs.field(factory=dict)

    def faults(self) -> Faults:
        """Return what the embedded AWS asks."""
        return Faults(start=self._start, invoke=self._invoke)

    def _start(self, name: str, index: int | None, _: int) -> StartFailure | None:
        left = self.starts.get(name if index is None else f"{name}:{index}")
        return left.pop(0) if left else None

    def _invoke(self, name: str) -> str | None:
        left = self.refusals.get(name)
        return left.pop(0) if left else None


@attrs.define
class Bench:
    """The embedded AWS under test, and what it reported to its observers."""

    aws: EmbeddedAws
    directory: Path
    events: list[JobEvent] = attrs.field(factory=list)
    invocations: list[InvocationEvent] = attrs.field(factory=list)
    troubles: Troubles = attrs.field(factory=Troubles)
    numbers: Iterator[int] = attrs.field(factory=itertools.count)

    def program(self, text: str) -> list[str]:
        """Return a command that runs a Python text."""
        path = self.directory / f"program{next(self.numbers)}.py"
        path.write_text(text)
        return ["python", path.name]

    def define(self, command: list[str], **options: Any) -> str:
        """Register a job definition; returns its ARN."""
        registered = self.aws.client("batch").register_job_definition(
            jobDefinitionName=f"definition-{next(self.numbers)}",
            type="container",
            containerProperties={
                "image": "any",
                "command": command,
                "resourceRequirements": [
                    {"type": "VCPU", "value": "1"},
                    {"type": "MEMORY", "value": "512"},
                ],
            },
            **options,
        )
        return str(registered["jobDefinitionArn"])

    def submit(self, definition: str, **options: Any) -> str:
        """Submit a job; returns its id."""
        submitted = self.aws.client("batch").submit_job(
            **{"jobName": "job", "jobQueue": "queue", "jobDefinition": definition, **options}
        )
        return str(submitted["jobId"])

    def describe(self, job_id: str) -> dict[str, Any]:
        """Return a job's details."""
        described: dict[str, Any] = self.aws.client("batch").describe_jobs(jobs=[job_id])["jobs"][0]
        return described

    def ended(self, job_id: str) -> dict[str, Any]:
        """Return a job's details once it has ended."""
        return self.until(job_id, "SUCCEEDED", "FAILED")

    def named(self, name: str) -> dict[str, Any]:
        """Return the details of the job with a name, once it has ended."""
        filters = [{"name": "JOB_NAME", "values": [name]}]
        listed = self.aws.client("batch").list_jobs(jobQueue="queue", filters=filters)
        return self.ended(listed["jobSummaryList"][0]["jobId"])

    def until(self, job_id: str, *states: str) -> dict[str, Any]:
        """Return a job's details once it is in one of the states."""
        deadline = time.monotonic() + 30
        while (job := self.describe(job_id))["status"] not in states:
            assert time.monotonic() < deadline, job
            time.sleep(0.02)
        return job

    def machine(self, states: Mapping[str, State], **fields: Any) -> str:
        """Create a state machine that starts with the first state; returns its ARN."""
        definition = {
            "QueryLanguage": "JSONata",
            "StartAt": next(iter(states)),
            "States": states,
            **fields,
        }
        created = self.aws.client("stepfunctions").create_state_machine(
            name=f"machine-{next(self.numbers)}", definition=json.dumps(definition), roleArn=ROLE
        )
        return str(created["stateMachineArn"])

    def start(self, machine: str, given: Any = None) -> str:
        """Start an execution; returns its ARN."""
        started = self.aws.client("stepfunctions").start_execution(
            stateMachineArn=machine,
            name=f"execution-{next(self.numbers)}",
            input=json.dumps(given or {}),
        )
        return str(started["executionArn"])

    def result(self, execution: str) -> dict[str, Any]:
        """Return an execution's description once it has ended, with its output parsed."""
        deadline = time.monotonic() + 30
        client = self.aws.client("stepfunctions")
        while (described := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < deadline, described
            time.sleep(0.01)
        if "output" in described:
            described["output"] = json.loads(described["output"])
        return dict(described)

    def run(self, states: Mapping[str, State], given: Any = None, **fields: Any) -> dict[str, Any]:
        """Create a state machine and run it once."""
        return self.result(self.start(self.machine(states, **fields), given))

    def output(self, states: Mapping[str, State], given: Any = None) -> Any:
        """Return what a state machine that succeeds puts out."""
        result = self.run(states, given)
        assert result["status"] == "SUCCEEDED", result
        return result["output"]

    def put(self, key: str, text: str) -> None:
        """Write an object of the bucket."""
        self.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())

    def get(self, key: str) -> str:
        """Read an object of the bucket."""
        body = self.aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"]
        return str(body.read().decode())


def passing(output: Any, **fields: Any) -> State:
    """Return a Pass state that puts something out."""
    state = {"Type": "Pass", "Output": output, **fields}
    return state if "Next" in state else {**state, "End": True}


def endless() -> State:
    """Return a state that waits until somebody sends its token: nobody does. A Wait would be skipped."""
    arguments = {"Bucket": BUCKET, "Key": "endless", "Body": "{% $states.context.Task.Token %}"}
    resource = "arn:aws:states:::aws-sdk:s3:putObject.waitForTaskToken"
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True}


def job(definition: str, **fields: Any) -> State:
    """Return a state that runs a job."""
    arguments = {
        "JobName": "job",
        "JobQueue": "queue",
        "JobDefinition": definition,
        **fields.pop("Arguments", {}),
    }
    state = {"Type": "Task", "Resource": SUBMIT, "Arguments": arguments, **fields}
    return state if "Next" in state else {**state, "End": True}


def make_queue(aws: EmbeddedAws) -> None:
    """Create a job queue named queue."""
    role = aws.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
    batch = aws.client("batch")
    environment = batch.create_compute_environment(
        computeEnvironmentName="environment", type="UNMANAGED", serviceRole=role["Role"]["Arn"]
    )
    batch.create_job_queue(
        jobQueueName="queue",
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}],
    )
