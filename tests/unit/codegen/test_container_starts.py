"""Jobs whose containers do not start are started again, and those that ran are not: as AWS Batch goes by its rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from laminar_codegen.pipeline import Compilation
from laminar_codegen.rehearsal.batch_requests import Queue, RetryStrategy, make_request
from laminar_codegen.rehearsal.simulated import Attempt, BatchJobs, JobResult, Replayed, profiled_services, replay_flow
from laminar_codegen.render.terraform_json import render_document
from laminar_runtime.configurations.failures import FINAL
from laminar_runtime.splits import job_container

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry

class Wide(Flow): ...

@Wide.register{first}
class Parts(Layer):
    def __call__(self) -> None:
        self.shard(part=[1, 2, 3])

@Wide.register(foreach=ForEach(parameters=[Parameter(layer=Parts, attribute="part")]){others})
class Work(Layer):
    def __call__(self, parts: Parts) -> None: ...
"""
EXITED = "Essential container in task exited"
NOT_STARTED = "Task failed to start"
PULL = "CannotPullContainerError:"
#: How AWS Batch reports a container that did not start, or was taken away: the job's reason, and the container's. As
#: users report them, and https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html.
AGAIN = [
    (
        NOT_STARTED,
        "ResourceInitializationError: failed to configure ENI: failed to setup regular eni: netplugin failed",
    ),
    ("ResourceInitializationError: unable to pull secrets or registry auth: context deadline exceeded", None),
    (NOT_STARTED, f"{PULL} ref pull has been retried 5 time(s): failed to copy: httpReadSeeker: dial tcp: i/o timeout"),
    (f"{PULL} pull image manifest has been retried 5 time(s): failed to resolve ref x: dial tcp: i/o timeout", None),
    (NOT_STARTED, f"{PULL} pull image manifest has been retried 5 time(s): failed to resolve ref x: i/o timeout"),
    (NOT_STARTED, f"{PULL} The task cannot pull x from the registry x. There is a connection issue between the task"),
    (NOT_STARTED, f"{PULL} Error response from daemon: Get https://x: net/http: request canceled"),
    (NOT_STARTED, f"{PULL} context deadline exceeded"),
    (NOT_STARTED, "DockerTimeoutError: Could not transition to created; timed out after waiting 4m0s"),
    (NOT_STARTED, None),
    ("ECS was unable to assume the role 'x' that was provided for this task", None),
    ("Host EC2 (instance i-0abc) terminated.", None),
    ("Your Spot Task was interrupted.", None),
]
#: How it reports one that ran, or of an image that is not there: the same, and the exit code.
ENDS = [
    (EXITED, None, 1),
    (EXITED, "OutOfMemoryError: Container killed due to memory usage", 137),
    (EXITED, None, 137),
    (NOT_STARTED, f"{PULL} pull image manifest has been retried 1 time(s): failed to resolve ref x: not found", None),
    (NOT_STARTED, f"{PULL} pull image manifest has been retried 7 time(s): failed to resolve ref x: not found", None),
    (NOT_STARTED, f"{PULL} Error response from daemon: manifest for x not found: manifest unknown", None),
    (NOT_STARTED, f"{PULL} Error response from daemon: pull access denied for x, repository does not exist", None),
]


def strategy(written: dict[str, Any]) -> RetryStrategy:
    """Return a retry strategy as AWS Batch goes by it, which refuses others."""
    definition = {"jobDefinitionArn": "d", "jobDefinitionName": "d", "containerProperties": {"command": ["x"]}}
    submitted = {"jobName": "j", "retryStrategy": written}
    request = make_request(submitted, definition, Queue("q", "q", "c"), account="123456789012", region="eu-west-1")
    return request.retry


def runs(rules: RetryStrategy, status: str, reason: str | None, code: int | None) -> int:
    """Return how often a job runs that always ends so."""
    return next(number for number in range(1, 99) if not rules.retries(number, code, reason, status))


@pytest.mark.parametrize(("spot", "most"), [(False, 4), (True, 10)])
@pytest.mark.parametrize(("status", "reason"), AGAIN)
def test_what_did_not_start_is_started_again(status: str, reason: str | None, *, spot: bool, most: int) -> None:
    """A job that never began is run again three times; on spot capacity as often as reclaims may need."""
    assert runs(strategy(job_container.retry_strategy(spot=spot)), status, reason, None) == most


@pytest.mark.parametrize("spot", [False, True])
@pytest.mark.parametrize(("status", "reason", "code"), ENDS)
def test_what_ran_or_has_no_image_is_not(status: str, reason: str | None, code: int | None, *, spot: bool) -> None:
    """A job that ran and failed has failed, and one whose image does not exist fails at once."""
    assert runs(strategy(job_container.retry_strategy(spot=spot)), status, reason, code) == 1


@pytest.mark.parametrize(("status", "reason", "code"), ENDS)
def test_splits_with_a_retry(status: str, reason: str | None, code: int | None) -> None:
    """Splits that Batch tries again have the attempts of the layer, and starts besides; the task says when to stop."""
    rules = strategy(job_container.retry_strategy(spot=False, attempts=3))
    assert runs(rules, status, reason, code) == (6 if status == EXITED else 1)
    assert runs(rules, NOT_STARTED, "ResourceInitializationError: x", None) == 6
    assert runs(rules, EXITED, None, FINAL) == 1


MEMORY = (EXITED, "OutOfMemoryError: Container killed due to memory usage", 137)
LATE = ("Job attempt duration exceeded timeout", None, 137)
LOST = ("Host EC2 (instance i-0abc) terminated.", None, None)
SPOT = ("Your Spot Task was interrupted.", None, 143)
NEVER = (NOT_STARTED, "ResourceInitializationError: x", None)


@pytest.mark.parametrize(
    ("on", "again", "ends"),
    [
        ((TimeoutError,), [(EXITED, None, 1)], [(EXITED, None, FINAL), (EXITED, None, 2), MEMORY, LATE, LOST]),
        ((75,), [(EXITED, None, 75)], [(EXITED, None, 1), (EXITED, None, 751), MEMORY, LATE, LOST]),
        (("out of memory",), [MEMORY], [(EXITED, None, 1), (EXITED, None, 137), LATE, LOST]),
        (("timed out",), [LATE], [(EXITED, None, 1), MEMORY, LOST]),
        (("reclaimed",), [LOST], [(EXITED, None, 1), MEMORY, LATE]),
        (("reclaimed", TimeoutError, "out of memory"), [LOST, (EXITED, None, 1), MEMORY], [(EXITED, None, 2), LATE]),
    ],
)
def test_failures_that_a_retry_names(on: tuple[Any, ...], again: list[Any], ends: list[Any]) -> None:
    """A job runs again after these, and after no other; one that never began is not a failure of the layer."""
    rules = strategy(job_container.retry_strategy(spot=False, attempts=3, on=on, ec2=True))
    for status, reason, code in (*again, NEVER):
        assert runs(rules, status, reason, code) == 6, (status, reason, code)
    for status, reason, code in ends:
        assert runs(rules, status, reason, code) == 1, (status, reason, code)
    on_spot = strategy(job_container.retry_strategy(spot=True, attempts=3, on=on, ec2=True))
    assert {runs(on_spot, *end) for end in (LOST, SPOT)} == {10}


@pytest.mark.parametrize(
    "options", ["", "container=Container(spot=True)", "executor=executors.AWS.Batch(platform='EC2')"]
)
def test_all_job_definitions_have_rules(compiled: Callable[[str], Compilation], options: str) -> None:
    """Each job definition says so, with as many rules: another number of them would replace it."""
    text = FLOW.replace("{first}", f"({options})" if options else "").replace("{others}", f", {options}")
    document = json.loads(render_document(compiled(text).document))
    for definition in document["resource"]["aws_batch_job_definition"].values():
        assert definition["retry_strategy"]["attempts"] == (10 if "spot" in options else 4)
        assert len(definition["retry_strategy"]["evaluate_on_exit"]) == 5
        assert {"on_status_reason": f"{EXITED}*", "action": "EXIT"} in definition["retry_strategy"]["evaluate_on_exit"]


def replay(compilation: Compilation, result: Callable[[Attempt], JobResult | None]) -> tuple[Replayed, BatchJobs]:
    """Replay a flow whose attempts of jobs end so."""
    document = json.loads(render_document(compilation.document))
    definitions = {
        f"${{aws_batch_job_definition.{label}.arn}}": {"retryStrategy": described(definition["retry_strategy"])}
        for label, definition in document["resource"]["aws_batch_job_definition"].items()
    }
    references = {name[2:-1]: name for name in definitions}
    known = profiled_services({}, splits={"Work": 3}, otherwise=10)
    known.jobs.run = result
    known.jobs.definitions = {name: {**fields, "platformCapabilities": ["ANY"]} for name, fields in definitions.items()}
    return replay_flow(compilation.machines, services=known, references=references), known.jobs


def described(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block of Terraform's as AWS Batch describes it."""
    names = {"on_reason": "onReason", "on_status_reason": "onStatusReason", "action": "action"}
    rules = [{names[name]: text for name, text in rule.items()} for rule in block["evaluate_on_exit"]]
    return {"attempts": block["attempts"], "evaluateOnExit": rules}


def test_a_fan_out_survives_starts_that_fail(compiled: Callable[[str], Compilation]) -> None:
    """A split that did not start three times does not fail the others, nor its layer that has no retry."""

    def result(attempt: Attempt) -> JobResult | None:
        late = attempt.layer == "Work" and attempt.index == 1 and attempt.number < 4
        return JobResult(None, "ResourceInitializationError: x", NOT_STARTED) if late else None

    replayed, jobs = replay(compiled(FLOW.format(first="", others="")), result)
    assert replayed.status == "SUCCEEDED"
    assert len(jobs.attempts) == 1 + 3 + 3
    assert len([job for job in jobs.jobs.values() if job.parent is None]) == 2


def test_starts_are_apart_from_the_attempts_of_a_layer(compiled: Callable[[str], Compilation]) -> None:
    """A layer that is tried again has all its attempts, and four starts for each of them."""
    text = FLOW.format(first="(retry=Retry(attempts=2))", others="")
    failed = [JobResult(None, "", NOT_STARTED)] * 3 + [JobResult(1)] + [JobResult(None, "", NOT_STARTED)] * 3

    def result(attempt: Attempt) -> JobResult | None:
        return failed.pop(0) if failed and attempt.layer == "Parts" else None

    assert replay(compiled(text), result)[0].status == "SUCCEEDED"
    assert failed == []


def test_an_image_that_is_not_there_fails_at_once(compiled: Callable[[str], Compilation]) -> None:
    """The execution fails after one attempt, with the reason."""
    status, reason, _ = ENDS[3]
    replayed, jobs = replay(compiled(FLOW.format(first="", others="")), lambda _: JobResult(None, str(reason), status))
    assert (replayed.status, len(jobs.attempts)) == ("FAILED", 1)
    assert isinstance(replayed.cause, str)
    assert str(reason) in replayed.cause
