"""AWS Batch in virtual time: jobs, array jobs, their attempts and dependencies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from laminar_codegen.rehearsal.simulated import Attempt, BatchJobs, JobResult, Services
from tests.support.machines import job, passing, run, submission, task

PLAIN = "batch:submitJob"


def array(size: Any, **arguments: Any) -> dict[str, Any]:
    """Return arguments of an array job."""
    return {"ArrayProperties": {"Size": size}, **arguments}


def chained(size: Any, kind: str | None, other: Any | None = None) -> dict[str, Any]:
    """Return two array jobs, of which the second depends on the first."""
    depends = [{"JobId": "{% $first %}", **({"Type": kind} if kind else {})}]
    arguments = {**array(other or size), "DependsOn": depends}
    first = job("A", array(size), Resource=PLAIN, Assign={"first": "{% $states.result.JobId %}"}, Next="B")
    return {"A": first, "B": job("B", arguments)}


def test_a_job_sees_its_environment() -> None:
    """An attempt knows its layer, and what Batch and Step Functions pass to the container."""
    jobs = BatchJobs()
    replayed = run({"A": job("Train", Output="{% $states.result %}")}, Services(jobs=jobs))
    (attempt,) = jobs.attempts
    assert (attempt.layer, attempt.index, attempt.size, attempt.number) == ("Train", None, None, 1)
    assert attempt.environment == {
        "LAMINAR_LAYER_NAME": "Train",
        "MANAGED_BY_AWS": "STARTED_BY_STEP_FUNCTIONS",
        "AWS_BATCH_JOB_ID": "job-1",
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JQ_NAME": "queue",
        "AWS_BATCH_CE_NAME": "compute-environment",
    }
    assert replayed.output["JobId"] == "job-1"
    assert replayed.output["Status"] == "SUCCEEDED"
    assert replayed.output["Container"]["ExitCode"] == 0
    assert replayed.output["Container"]["Environment"][0] == {"Name": "LAMINAR_LAYER_NAME", "Value": "Train"}
    assert replayed.events == 2 + 6


def test_a_failed_job_is_the_cause() -> None:
    """A failed job fails its state, with the job as JSON as the cause."""
    jobs = BatchJobs(run=lambda _: JobResult(exit_code=3, reason="Error"))
    replayed = run({"A": job("A", {"Parameters": {"lower": "1"}, "Tags": {"upper": "2"}})}, Services(jobs=jobs))
    assert (replayed.error, replayed.events) == ("States.TaskFailed", 1 + 5 + 1)
    cause = json.loads(replayed.cause or "")
    assert (cause["Status"], cause["StatusReason"]) == ("FAILED", "Essential container in task exited")
    assert (cause["Container"]["ExitCode"], cause["Container"]["Reason"]) == (3, "Error")
    assert (cause["Parameters"], cause["Tags"]) == ({"lower": "1"}, {"upper": "2"})


def test_what_a_job_does_it_does_at_its_end() -> None:
    """A job's work happens when it ends, in virtual time."""
    seen: list[tuple[str, float]] = []
    durations = {"A": 5, "B": 3}
    jobs = BatchJobs(
        seconds=lambda attempt: durations[attempt.layer],
        run=lambda attempt: seen.append((attempt.layer, attempt.job.clock.now)),
    )
    branches = [{"StartAt": name, "States": {name: job(name)}} for name in "AB"]
    run({"P": {"Type": "Parallel", "Branches": branches, "End": True}}, Services(jobs=jobs))
    assert seen == [("B", 3), ("A", 5)]


def test_an_array_is_the_longest_of_its_children() -> None:
    """The children run beside each other, each with its index, its own duration and its own work."""
    durations = [3, 9, 4]
    jobs = BatchJobs(seconds=lambda attempt: durations[attempt.index or 0])
    replayed = run({"A": job("A", array(3), Output="{% $states.result.ArrayProperties %}")}, Services(jobs=jobs))
    assert replayed.seconds == 9
    assert replayed.output == {"StatusSummary": {"SUCCEEDED": 3, "FAILED": 0}, "Size": 3}
    assert [
        (item.index, item.size, item.ended, item.environment["AWS_BATCH_JOB_ARRAY_INDEX"]) for item in jobs.attempts
    ] == [
        (0, 3, 3, "0"),
        (1, 3, 9, "1"),
        (2, 3, 4, "2"),
    ]
    assert replayed.transitions == 1


def test_a_failed_child_fails_the_array() -> None:
    """The other children run to their ends; then the array job fails."""
    jobs = BatchJobs(seconds=lambda _: 5, run=lambda attempt: JobResult(exit_code=int(attempt.index == 1)))
    replayed = run({"A": job("A", array(3))}, Services(jobs=jobs))
    assert (replayed.error, replayed.seconds) == ("States.TaskFailed", 5)
    cause = json.loads(replayed.cause or "")
    assert cause["StatusReason"] == "Array Child Job failed"
    assert cause["ArrayProperties"]["StatusSummary"] == {"SUCCEEDED": 2, "FAILED": 1}


def test_no_array_properties_are_a_plain_job() -> None:
    """An empty object asks for no array."""
    jobs = BatchJobs()
    assert run({"A": job("A", {"ArrayProperties": {}})}, Services(jobs=jobs)).status == "SUCCEEDED"
    assert [attempt.index for attempt in jobs.attempts] == [None]


def test_batch_tries_again() -> None:
    """Each child is tried as often as the strategy says, on its own, and those that succeeded are not run again."""
    jobs = BatchJobs(
        seconds=lambda _: 10,
        run=lambda attempt: JobResult(exit_code=int(attempt.index == 1 and attempt.number < 3)),
    )
    replayed = run({"A": job("A", array(2, RetryStrategy={"Attempts": 3}))}, Services(jobs=jobs))
    assert (replayed.status, replayed.seconds) == ("SUCCEEDED", 30)
    assert [(item.index, item.number, item.outcome) for item in jobs.attempts] == [
        (0, 1, "SUCCEEDED"),
        (1, 1, "FAILED"),
        (1, 2, "FAILED"),
        (1, 3, "SUCCEEDED"),
    ]


def test_batch_looks_at_how_attempts_end() -> None:
    """The rules of a strategy decide whether there is another attempt."""
    spot = JobResult(exit_code=None, status_reason="Host EC2 (instance i-0) terminated.")
    rules = [{"OnStatusReason": "Host EC2*", "Action": "RETRY"}, {"OnReason": "*", "Action": "EXIT"}]
    strategy = {"RetryStrategy": {"Attempts": 5, "EvaluateOnExit": rules}}
    results = [spot, spot, JobResult(exit_code=1)]
    jobs = BatchJobs(run=lambda attempt: results[attempt.number - 1])
    assert run({"A": job("A", strategy)}, Services(jobs=jobs)).status == "FAILED"
    assert len(jobs.attempts) == 3


def test_attempts_time_out() -> None:
    """An attempt that takes longer than it may is ended without its work done, and there is no other."""
    jobs = BatchJobs(seconds=lambda _: 61, run=lambda attempt: pytest.fail(attempt.layer))
    arguments = {"Timeout": {"AttemptDurationSeconds": 60}, "RetryStrategy": {"Attempts": 3}}
    replayed = run({"A": job("A", arguments)}, Services(jobs=jobs))
    assert (replayed.error, replayed.seconds) == ("States.TaskFailed", 60)
    assert json.loads(replayed.cause or "")["StatusReason"] == "Job attempt duration exceeded timeout"
    assert [attempt.outcome for attempt in jobs.attempts] == ["TIMED_OUT"]
    assert run({"A": job("A", arguments)}, Services(jobs=BatchJobs(seconds=lambda _: 60))).status == "SUCCEEDED"


def durations_of(table: dict[str, list[float]]) -> BatchJobs:
    """Jobs of which each child of each layer has its duration."""
    return BatchJobs(seconds=lambda attempt: table[attempt.layer][attempt.index or 0])


def test_jobs_wait_for_jobs() -> None:
    """A job that depends on another starts when all of it has succeeded; the state that submits does not wait."""
    jobs = durations_of({"A": [4, 9], "B": [5, 1]})
    replayed = run(chained(2, None), Services(jobs=jobs))
    assert replayed.seconds == 9 + 5
    assert [item.started for item in jobs.attempts if item.layer == "B"] == [9, 9]
    assert replayed.events == 2 + 5 + 6


def test_children_wait_for_their_own() -> None:
    """With N_TO_N, a child starts when the child of the same index has succeeded: no barrier between."""
    first, second = [7, 1, 3, 5], [1, 8, 2, 9]
    jobs = durations_of({"A": first, "B": second})
    assert run(chained(4, "N_TO_N"), Services(jobs=jobs)).seconds == max(
        a + b for a, b in zip(first, second, strict=True)
    )
    assert [item.started for item in sorted(jobs.attempts[4:], key=lambda item: item.index or 0)] == first


def test_children_run_in_sequence() -> None:
    """With SEQUENTIAL, children of one array run one after the other."""
    jobs = durations_of({"A": [3, 4, 5]})
    assert run({"A": job("A", array(3, DependsOn=[{"Type": "SEQUENTIAL"}]))}, Services(jobs=jobs)).seconds == 12
    assert [item.started for item in jobs.attempts] == [0, 3, 7]


def test_what_depends_on_a_failure_fails() -> None:
    """A child that waits for one that fails never runs; the others do."""
    jobs = BatchJobs(
        seconds=lambda _: 2, run=lambda item: JobResult(exit_code=int(item.layer == "A" and item.index == 0))
    )
    replayed = run(chained(2, "N_TO_N"), Services(jobs=jobs))
    assert (replayed.error, replayed.seconds) == ("States.TaskFailed", 4)
    assert [(item.layer, item.index) for item in jobs.attempts] == [("A", 0), ("A", 1), ("B", 1)]
    assert jobs.jobs["job-2:0"].status_reason == "Dependent Job failed"
    late = {**chained(2, None), "W": {"Type": "Wait", "Seconds": 10, "Next": "B"}}
    late["A"]["Next"] = "W"
    assert run(late, Services(jobs=jobs)).seconds == 10


def test_a_terminated_array_ends_all_children() -> None:
    """Children that wait end with those that run when their state is ended."""
    jobs = BatchJobs(seconds=lambda _: 50)
    replayed = run(
        {"A": job("A", array(3, DependsOn=[{"Type": "SEQUENTIAL"}]), TimeoutSeconds=60)}, Services(jobs=jobs)
    )
    assert replayed.error == "States.Timeout"
    assert [item.outcome for item in jobs.attempts] == ["SUCCEEDED", "TERMINATED"]
    states = [jobs.jobs[f"job-1:{index}"].state for index in range(3)]
    assert (jobs.jobs["job-1"].state, states) == ("FAILED", ["SUCCEEDED", "FAILED", "FAILED"])


def test_a_job_that_is_not_waited_for_runs_on() -> None:
    """Submitting alone takes no time; the job runs to its end after the execution."""
    jobs = BatchJobs(seconds=lambda _: 30)
    replayed = run({"A": job("A", Resource=PLAIN, Output="{% $states.result.JobName %}")}, Services(jobs=jobs))
    assert (replayed.seconds, replayed.output, replayed.events) == (0, "A", 2 + 5)
    assert [(item.ended, item.outcome) for item in jobs.attempts] == [(30, "SUCCEEDED")]


def test_jobs_are_described_and_terminated() -> None:
    """State machines may ask for jobs, and end them."""
    jobs = BatchJobs(seconds=lambda _: 30)
    name = "{% $job %}"
    states = {
        "A": job("A", Resource=PLAIN, Assign={"job": "{% $states.result.JobId %}"}, Next="W"),
        "W": {"Type": "Wait", "Seconds": 7, "Next": "T"},
        "T": task("aws-sdk:batch:terminateJob", {"JobId": name, "Reason": "enough"}, Next="D"),
        "D": task(
            "aws-sdk:batch:describeJobs", {"Jobs": [name, "none"]}, Output="{% [$states.result.Jobs.StatusReason] %}"
        ),
    }
    assert run(states, Services(jobs=jobs)).output == ["enough"]
    assert [(item.ended, item.outcome) for item in jobs.attempts] == [(7, "TERMINATED")]


@pytest.mark.parametrize(
    "arguments",
    [
        array(1),
        array(10_001),
        array("2"),
        {"RetryStrategy": {"Attempts": 11}},
        {"Timeout": {"AttemptDurationSeconds": 59}},
        {"JobName": "with blanks"},
        {"DependsOn": [{"JobId": "none"}]},
        {"DependsOn": [{"Type": "SEQUENTIAL"}]},
        {"ContainerOverrides": {"Environment": [{"Name": "A", "Value": 1}]}},
        {"ContainerOverrides": {"Environment": [{"Name": "AWS_BATCH_X", "Value": "1"}]}},
        {"ContainerOverrides": {"ResourceRequirements": [{"Type": "VCPU", "Value": 1}]}},
        {"ContainerOverrides": {"Command": ["x" * 8192]}},
    ],
)
def test_batch_refuses(arguments: dict[str, Any]) -> None:
    """What Batch refuses is an error of the service, and runs nothing."""
    jobs = BatchJobs()
    replayed = run({"A": job("A", arguments)}, Services(jobs=jobs))
    assert replayed.error == "Batch.ClientException"
    assert not jobs.jobs


def test_children_of_other_sizes_cannot_wait_for_each_other() -> None:
    """N_TO_N is between arrays of one size."""
    assert run(chained(2, "N_TO_N", 3)).error == "Batch.ClientException"


@pytest.mark.parametrize("arguments", [{"Unknown": 1}, {"JobQueue": None}])
def test_fields_are_known(arguments: dict[str, Any]) -> None:
    """Step Functions knows which fields there are, and that some must be there."""
    given = {key: value for key, value in {**submission("A"), **arguments}.items() if value is not None}
    assert run({"A": task("batch:submitJob.sync", given)}).error == "States.Runtime"


def test_the_widest_array_is_quick() -> None:
    """Ten thousand children are as many records, and no threads."""
    counted: list[Attempt] = []
    jobs = BatchJobs(seconds=lambda attempt: attempt.index or 0, run=counted.append)
    replayed = run({"A": job("A", array(10_000), Output={}, Next="B"), "B": passing(1)}, Services(jobs=jobs))
    assert (replayed.seconds, len(counted), replayed.transitions) == (9999, 10_000, 2)
