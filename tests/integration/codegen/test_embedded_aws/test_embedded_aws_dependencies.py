"""Jobs that wait for jobs, submitted by states and by the API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from embedded_aws_bench import job

if TYPE_CHECKING:
    from embedded_aws_bench import Bench

FAILS_AT_ONE = """
import os, sys
sys.exit(os.environ["AWS_BATCH_JOB_ARRAY_INDEX"] == "1")
"""
FROM_BEFORE = {"JobId": "{% $states.input.JobId %}"}
SUBMITTED = "arn:aws:states:::batch:submitJob"


def submitted(definition: str, **arguments: Any) -> dict[str, Any]:
    """Return a state that submits a job and goes on."""
    return job(definition, Resource=SUBMITTED, Arguments=arguments, Next="After")


def children(bench: Bench, job_id: str, size: int = 3) -> list[tuple[str, str]]:
    """Return how the children of an array job ended."""
    described = [bench.describe(f"{job_id}:{index}") for index in range(size)]
    return [(child["status"], child["statusReason"]) for child in described]


def test_state_that_does_not_wait(bench: Bench) -> None:
    """Without `.sync`, a submission answers the job's name, id and ARN at once."""
    definition = bench.define(["sleep", "60"])
    states = {"First": submitted(definition), "After": {"Type": "Pass", "End": True}}
    output = bench.output(states)
    assert set(output) == {"JobArn", "JobId", "JobName"}
    described = bench.describe(output["JobId"])
    assert (described["jobName"], described["jobArn"]) == ("job", output["JobArn"])
    assert described["status"] not in ("SUCCEEDED", "FAILED")
    bench.aws.client("batch").terminate_job(jobId=output["JobId"], reason="enough")


def test_state_with_a_dependency(bench: Bench) -> None:
    """A state's job starts after the job of a state before it, and reports what it depended on."""
    slow = bench.define(["sleep", "0.3"])
    states = {"First": submitted(slow), "After": job(slow, Arguments={"DependsOn": [FROM_BEFORE]})}
    output = bench.output(states)
    first = output["DependsOn"][0]["JobId"]
    assert output["StartedAt"] >= bench.ended(first)["stoppedAt"]


def test_state_whose_dependency_fails(bench: Bench) -> None:
    """The state fails with a job that never started."""
    after = job(bench.define(["true"]), Arguments={"DependsOn": [FROM_BEFORE]})
    result = bench.run({"First": submitted(bench.define(["false"])), "After": after})
    assert result["error"] == "States.TaskFailed"
    cause = json.loads(result["cause"])
    assert (cause["StatusReason"], cause["Attempts"]) == ("Dependent Job failed", [])


def test_pairs(bench: Bench) -> None:
    """With N_TO_N, a child depends on its like only; the other children run."""
    size = {"ArrayProperties": {"Size": 3}}
    first = submitted(bench.define(bench.program(FAILS_AT_ONE)), **size)
    pairs = {"DependsOn": [{**FROM_BEFORE, "Type": "N_TO_N"}]}
    after = job(bench.define(["true"]), Arguments={**size, **pairs})
    result = bench.run({"First": first, "After": after})
    cause = json.loads(result["cause"])
    assert cause["StatusReason"] == "Array Child Job failed"
    exited = ("SUCCEEDED", "Essential container in task exited")
    assert children(bench, cause["JobId"]) == [exited, ("FAILED", "Dependent Job failed"), exited]


def test_one_after_the_other(bench: Bench) -> None:
    """With SEQUENTIAL, no child after a failed one runs."""
    arguments = {"ArrayProperties": {"Size": 3}, "DependsOn": [{"Type": "SEQUENTIAL"}]}
    result = bench.run({"J": job(bench.define(bench.program(FAILS_AT_ONE)), Arguments=arguments)})
    ended = children(bench, json.loads(result["cause"])["JobId"])
    assert [state for state, _ in ended] == ["SUCCEEDED", "FAILED", "FAILED"]
    assert ended[2][1] == "Dependent Job failed"


def test_long_chains_end_as_a_whole(bench: Bench) -> None:
    """A failure ends everything that waits behind it, however long the chain."""
    definition = bench.define(["sleep", "60"])
    first = bench.submit(definition)
    before = bench.submit(definition, dependsOn=[{"jobId": first}])
    behind = [{"type": "SEQUENTIAL"}, {"jobId": before}]
    array = bench.submit(definition, arrayProperties={"size": 3000}, dependsOn=behind)
    assert bench.describe(array)["arrayProperties"]["statusSummary"]["PENDING"] == 3000
    bench.aws.client("batch").terminate_job(jobId=first, reason="enough")
    assert bench.ended(first)["statusReason"] == "enough"
    assert bench.ended(before)["statusReason"] == "Dependent Job failed"
    ended = bench.ended(array)
    assert ended["statusReason"] == "Array Child Job failed"
    assert ended["arrayProperties"]["statusSummary"]["FAILED"] == 3000


def test_terminating_what_waits(bench: Bench) -> None:
    """Jobs and array jobs that wait are ended at once, with the reason given; what they wait for goes on."""
    definition = bench.define(["sleep", "60"])
    first = bench.submit(definition)
    waiting = [
        bench.submit(definition, dependsOn=[{"jobId": first}]),
        bench.submit(definition, arrayProperties={"size": 3}, dependsOn=[{"jobId": first}, {"type": "SEQUENTIAL"}]),
    ]
    client = bench.aws.client("batch")
    for job_id in waiting:
        client.terminate_job(jobId=job_id, reason="enough")
        assert bench.describe(job_id)["status"] == "FAILED"
        assert bench.describe(job_id)["statusReason"] == "enough"
    assert children(bench, waiting[1]) == [("FAILED", "enough")] * 3
    assert bench.until(first, "RUNNING")
    client.terminate_job(jobId=first, reason="enough")


def test_stopping_an_execution_ends_its_waiting_job(bench: Bench) -> None:
    """A state's job that waits for another ends with the state."""
    definition = bench.define(["sleep", "60"])
    first = bench.submit(definition)
    arguments = {"JobName": "waiting", "DependsOn": [{"JobId": first}]}
    result = bench.run({"J": job(definition, Arguments=arguments, TimeoutSeconds=1)})
    assert result["error"] == "States.Timeout"
    assert bench.named("waiting")["status"] == "FAILED"
    assert bench.describe(first)["status"] not in ("SUCCEEDED", "FAILED")
    bench.aws.client("batch").terminate_job(jobId=first, reason="enough")


def test_no_array_properties(bench: Bench) -> None:
    """Empty array properties mean a plain job, from states and from the API."""
    text = "import os\nassert 'AWS_BATCH_JOB_ARRAY_INDEX' not in os.environ"
    definition = bench.define(bench.program(text))
    result = bench.output({"J": job(definition, Arguments={"ArrayProperties": {}})})
    assert result["Status"] == "SUCCEEDED"
    assert "ArrayProperties" not in result
    assert bench.ended(bench.submit(definition, arrayProperties={}))["status"] == "SUCCEEDED"


@pytest.mark.parametrize("size", [-1, 0, 1, 10_001])
def test_sizes_that_are_refused(bench: Bench, size: int) -> None:
    """An array job has between 2 and 10,000 children."""
    result = bench.run({"J": job(bench.define(["true"]), Arguments={"ArrayProperties": {"Size": size}})})
    assert (result["error"], "between 2 and 10000" in result["cause"]) == ("Batch.ClientException", True)


@pytest.mark.parametrize(
    "dependencies",
    [
        [{"type": "SEQUENTIAL"}],
        [{"jobId": "{plain}", "type": "N_TO_N"}],
        [{"jobId": "{array}", "type": "N_TO_N"}],
        [{"jobId": "{plain}"}] * 21,
    ],
)
def test_dependencies_that_are_refused(bench: Bench, dependencies: list[dict[str, str]]) -> None:
    """A plain job has no children to wait in order; pairs need arrays of one size; 20 jobs are the most."""
    definition = bench.define(["true"])
    ids = {"plain": bench.submit(definition), "array": bench.submit(definition, arrayProperties={"size": 2})}
    filled = [{key: value.format(**ids) for key, value in entry.items()} for entry in dependencies]
    client = bench.aws.client("batch")
    with pytest.raises(client.exceptions.ClientException):
        bench.submit(definition, dependsOn=filled)
