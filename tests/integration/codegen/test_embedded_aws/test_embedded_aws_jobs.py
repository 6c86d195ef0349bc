"""State machines whose tasks are Batch jobs, which run as local processes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from embedded_aws_bench import BUCKET, job

if TYPE_CHECKING:
    from embedded_aws_bench import Bench

WRITE_INDEX = f"""
import boto3, os
index = os.environ["AWS_BATCH_JOB_ARRAY_INDEX"]
boto3.client("s3").put_object(Bucket={BUCKET!r}, Key=f"array/{{index}}", Body=index.encode())
"""


def test_job_result_is_pascal_case(bench: Bench) -> None:
    """A job's details are the task's result, with the exit code and what was overridden."""
    definition = bench.define(["python", "-c", "import sys; sys.exit(0)", "Ref::word"])
    arguments = {
        "Parameters": {"word": "given"},
        "ContainerOverrides": {"Environment": [{"Name": "A", "Value": "{% $string(1) %}"}]},
    }
    result = bench.output({"J": job(definition, Arguments=arguments)})
    assert (result["Status"], result["Container"]["ExitCode"]) == ("SUCCEEDED", 0)
    assert result["StatusReason"] == "Essential container in task exited"
    assert result["JobDefinition"] == definition
    assert {"Name": "A", "Value": "1"} in result["Container"]["Environment"]
    assert result["Attempts"][0]["Container"]["ExitCode"] == 0


def test_parallel_jobs_overlap(bench: Bench) -> None:
    """Two jobs that each wait for the other can only both succeed when they run together."""
    meet = """
import pathlib, sys, time
mine, other = map(pathlib.Path, sys.argv[1:])
mine.touch()
while not other.exists():
    time.sleep(0.01)
"""
    command = bench.program(meet)
    branches = [
        {"StartAt": name, "States": {name: job(bench.define([*command, *words]), Output=name)}}
        for name, words in (("L", ["left", "right"]), ("R", ["right", "left"]))
    ]
    states = {"P": {"Type": "Parallel", "Branches": branches, "End": True}}
    assert bench.output(states) == ["L", "R"]


def test_array_job_writes_to_s3(bench: Bench) -> None:
    """An array job's children find their index and the embedded S3 in their environment."""
    definition = bench.define(bench.program(WRITE_INDEX))
    result = bench.output({"J": job(definition, Arguments={"ArrayProperties": {"Size": 3}})})
    assert result["ArrayProperties"]["Size"] == 3
    assert result["ArrayProperties"]["StatusSummary"]["SUCCEEDED"] == 3
    assert [bench.get(f"array/{index}") for index in range(3)] == ["0", "1", "2"]


def test_retry_passes_its_count(bench: Bench) -> None:
    """Each attempt of a task with Retry sees its number in the environment."""
    text = """
import os, sys
assert os.environ["MANAGED_BY_AWS"] == "STARTED_BY_STEP_FUNCTIONS"
sys.exit(0 if os.environ["COUNT"] == "2" else 1)
"""
    count = {"Name": "COUNT", "Value": "{% $string($states.context.State.RetryCount) %}"}
    state = job(
        bench.define(bench.program(text)),
        Arguments={"ContainerOverrides": {"Environment": [count]}},
        Retry=[{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 2, "IntervalSeconds": 1}],
        Output="{% $states.result.Status %}",
    )
    assert bench.output({"J": state}) == "SUCCEEDED"


def test_retries_end(bench: Bench) -> None:
    """When the attempts are used up the execution fails, with the job as the cause."""
    definition = bench.define(["python", "-c", "raise SystemExit(7)"])
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    before = len(bench.events)
    result = bench.run({"J": job(definition, Retry=retry)})
    assert (result["status"], result["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(result["cause"])
    assert (cause["Status"], cause["Container"]["ExitCode"]) == ("FAILED", 7)
    # States look for its fields in the text, which Step Functions writes without white space.
    assert '"StatusReason":"Essential container in task exited"' in result["cause"]
    codes = [event.exit_code for event in bench.events[before:] if event.status == "FAILED"]
    assert codes == [7, 7]


def test_failure_in_a_branch_is_caught(bench: Bench) -> None:
    """A failed job in a branch is caught at the Parallel, by name and with its cause."""
    definition = bench.define(["python", "-c", "raise SystemExit(3)"])
    states = {
        "P": {
            "Type": "Parallel",
            "Branches": [{"StartAt": "J", "States": {"J": job(definition)}}],
            "Catch": [
                {
                    "ErrorEquals": ["States.TaskFailed"],
                    "Output": "{% $parse($states.errorOutput.Cause).Container.ExitCode %}",
                    "Next": "C",
                }
            ],
            "End": True,
        },
        "C": {"Type": "Pass", "End": True},
    }
    assert bench.output(states) == 3


def test_failing_branch_ends_the_other_branches_jobs(bench: Bench) -> None:
    """When a branch fails, the jobs of the others are terminated."""
    fails = job(bench.define(["false"]))
    sleeps = job(bench.define(["sleep", "60"]), Arguments={"JobName": "sleeper"})
    branches = [{"StartAt": name, "States": {name: state}} for name, state in (("S", sleeps), ("F", fails))]
    result = bench.run({"P": {"Type": "Parallel", "Branches": branches, "End": True}})
    assert result["status"] == "FAILED"
    assert bench.named("sleeper")["status"] == "FAILED"


def test_task_timeout_terminates_the_job(bench: Bench) -> None:
    """A task that times out fails with States.Timeout, and its job does not go on."""
    state = job(bench.define(["sleep", "60"]), Arguments={"JobName": "late"}, TimeoutSeconds=1)
    assert bench.run({"J": state})["error"] == "States.Timeout"
    assert bench.named("late")["status"] == "FAILED"


def test_stopping_an_execution_terminates_its_job(bench: Bench) -> None:
    """A stopped execution is aborted and its job ended."""
    state = job(bench.define(["sleep", "60"]), Arguments={"JobName": "stopped"})
    execution = bench.start(bench.machine({"J": state}))
    deadline = time.monotonic() + 10
    while not any(e.job_name == "stopped" and e.status == "RUNNING" for e in bench.events):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    bench.aws.client("stepfunctions").stop_execution(executionArn=execution)
    assert bench.result(execution)["status"] == "ABORTED"
    assert bench.named("stopped")["status"] == "FAILED"


def test_arguments_that_aws_refuses(bench: Bench) -> None:
    """A number for text, an unknown field and the wrong case fail as they would on AWS."""
    definition = bench.define(["true"])
    number = {"ContainerOverrides": {"Environment": [{"Name": "A", "Value": 1}]}}
    lower = {"ContainerOverrides": {"command": ["true"]}}
    for arguments in (number, lower, {"Nonsense": 1}):
        result = bench.run({"J": job(definition, Arguments=arguments)})
        assert result["error"] == "States.Runtime", result


def test_refused_submission_is_named(bench: Bench) -> None:
    """What Batch refuses fails with Batch.ClientException."""
    size = {"ArrayProperties": {"Size": 1}}
    result = bench.run({"J": job(bench.define(["true"]), Arguments=size)})
    assert result["error"] == "Batch.ClientException"
    assert "Array size" in result["cause"]


def test_chain_of_jobs_costs_little_more_than_its_processes(bench: Bench) -> None:
    """Ten jobs in sequence take about ten times what one process takes."""
    definition = bench.define(["true"])
    states = {f"S{n}": job(definition, Output={}, Next=f"S{n + 1}") for n in range(9)}
    begun = time.monotonic()
    bench.output({**states, "S9": job(definition, Output={})})
    assert time.monotonic() - begun < 3
