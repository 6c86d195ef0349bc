"""AWS Batch's API, whose jobs are local processes."""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from embedded_aws_bench import StartFailure

from laminar_codegen.rehearsal import batch_requests

if TYPE_CHECKING:
    from embedded_aws_bench import Bench


def log_of(bench: Bench, job_id: str) -> str:
    """Return what a job's last attempt printed."""
    ended = [event for event in bench.events if event.job_id == job_id]
    return ended[-1].log.read_text()


def test_environment_of_a_job(bench: Bench) -> None:
    """Workspace, definition and overrides reach the process; this process' environment does not."""
    os.environ["NOT_FOR_JOBS"] = "x"
    text = "import os\nfor name in sorted(os.environ): print(name, os.environ[name])"
    try:
        job_id = bench.submit(
            bench.define(bench.program(text)),
            containerOverrides={"environment": [{"name": "MINE", "value": 'a "b"'}]},
        )
        bench.ended(job_id)
    finally:
        del os.environ["NOT_FOR_JOBS"]
    printed = dict(line.partition(" ")[::2] for line in log_of(bench, job_id).splitlines())
    assert (printed["MINE"], printed["FROM_WORKSPACE"]) == ('a "b"', "yes")
    assert printed["AWS_ENDPOINT_URL"] == bench.aws.endpoint_url
    assert printed["AWS_BATCH_JOB_ID"] == job_id
    assert printed["AWS_BATCH_JOB_ATTEMPT"] == "1"
    assert printed["AWS_BATCH_JQ_NAME"] == "queue"
    assert printed["AWS_BATCH_CE_NAME"] == "environment"
    assert "AWS_BATCH_JOB_ARRAY_INDEX" not in printed
    assert "NOT_FOR_JOBS" not in printed


def test_output_goes_to_the_file_and_to_cloudwatch(bench: Bench) -> None:
    """Standard output and error are merged in a file and in the log stream that is described."""
    text = "import sys\nprint('out', flush=True)\nprint('err', file=sys.stderr)"
    job_id = bench.submit(bench.define(bench.program(text)))
    stream = bench.ended(job_id)["container"]["logStreamName"]
    events = bench.aws.client("logs").get_log_events(logGroupName="/aws/batch/job", logStreamName=stream)["events"]
    assert [event["message"] for event in events] == ["out", "err"]
    assert log_of(bench, job_id) == "out\nerr\n"


def test_command_override_and_parameters(bench: Bench) -> None:
    """An overriding command is run as words, with its references filled in, without a shell."""
    definition = bench.define(["false"], parameters={"word": "default", "other": "$HOME; x"})
    command = ["python", "-c", "import sys; print(sys.argv[1:])", "Ref::word", "Ref::other"]
    job_id = bench.submit(definition, containerOverrides={"command": command}, parameters={"word": "given"})
    assert bench.ended(job_id)["status"] == "SUCCEEDED"
    assert log_of(bench, job_id) == "['given', '$HOME; x']\n"


def test_retry_by_attempt(bench: Bench) -> None:
    """A job that fails once succeeds at its second attempt; both are described."""
    text = "import os, sys\nsys.exit(int(os.environ['AWS_BATCH_JOB_ATTEMPT']) < 2)"
    definition = bench.define(bench.program(text), retryStrategy={"attempts": 3})
    job = bench.ended(bench.submit(definition))
    assert job["status"] == "SUCCEEDED"
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [1, 0]


@pytest.mark.parametrize(
    ("rules", "attempts"),
    [
        ([], 2),
        ([{"onExitCode": "4*", "action": "EXIT"}], 1),
        ([{"onExitCode": "5", "action": "EXIT"}], 2),
        ([{"onExitCode": "42", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}], 2),
        (
            [
                {"onStatusReason": "Host EC2*", "action": "RETRY"},
                {"onReason": "*", "action": "EXIT"},
            ],
            1,
        ),
    ],
)
def test_evaluate_on_exit(bench: Bench, rules: list[dict[str, str]], attempts: int) -> None:
    """The first rule that matches decides about another attempt; without a match there is one."""
    definition = bench.define(["python", "-c", "raise SystemExit(42)"])
    strategy = {"attempts": 2, "evaluateOnExit": rules}
    job = bench.ended(bench.submit(definition, retryStrategy=strategy))
    assert (job["status"], len(job["attempts"])) == ("FAILED", attempts)


def test_timeout_kills_the_group_and_is_not_retried(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the timeout the process and what it started are gone, and there is no other attempt."""
    monkeypatch.setattr(batch_requests, "MINIMUM_TIMEOUT_SECONDS", 1)
    # It starts at once, also where much else runs.
    command = ["sh", "-c", "sleep 60 & echo $!; wait"]
    definition = bench.define(command, timeout={"attemptDurationSeconds": 2}, retryStrategy={"attempts": 3})
    job_id = bench.submit(definition)
    job = bench.ended(job_id)
    assert job["statusReason"] == "Job attempt duration exceeded timeout"
    assert (job["status"], len(job["attempts"])) == ("FAILED", 1)
    assert job["container"]["exitCode"] == 128 + signal.SIGTERM
    # It was killed with its group; that it is gone takes the system a moment.
    given_up = time.monotonic() + 30
    while is_running(int(log_of(bench, job_id))):
        assert time.monotonic() < given_up
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Return whether a process that is no child of ours has not ended."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_terminate_running_job(bench: Bench) -> None:
    """A terminated job fails with the reason that was given, without a retry."""
    job_id = bench.submit(bench.define(["sleep", "60"], retryStrategy={"attempts": 2}))
    bench.until(job_id, "RUNNING")
    bench.aws.client("batch").cancel_job(jobId=job_id, reason="does nothing to a running job")
    bench.aws.client("batch").terminate_job(jobId=job_id, reason="enough")
    job = bench.ended(job_id)
    assert (job["status"], job["statusReason"], len(job["attempts"])) == ("FAILED", "enough", 1)


def test_terminating_an_array_job_ends_its_children(bench: Bench) -> None:
    """All children fail with the reason: those that run and those that wait."""
    job_id = bench.submit(bench.define(["sleep", "60"]), arrayProperties={"size": 6})
    bench.until(f"{job_id}:0", "RUNNING")
    assert bench.describe(job_id)["status"] == "PENDING"
    bench.aws.client("batch").terminate_job(jobId=job_id, reason="enough")
    job = bench.ended(job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "enough")
    assert job["arrayProperties"]["statusSummary"]["FAILED"] == 6
    child = bench.describe(f"{job_id}:5")
    assert (child["statusReason"], child["arrayProperties"]) == ("enough", {"index": 5})


def test_array_job_fails_after_all_children_have_ended(bench: Bench) -> None:
    """One failed child fails the parent, but the others run to their end first."""
    text = "import os, sys\nsys.exit(os.environ['AWS_BATCH_JOB_ARRAY_INDEX'] == '0')"
    job = bench.ended(bench.submit(bench.define(bench.program(text)), arrayProperties={"size": 4}))
    assert (job["status"], job["statusReason"]) == ("FAILED", "Array Child Job failed")
    summary = job["arrayProperties"]["statusSummary"]
    assert (summary["SUCCEEDED"], summary["FAILED"]) == (3, 1)
    listed = bench.aws.client("batch").list_jobs(arrayJobId=job["jobId"], jobStatus="FAILED")
    assert [child["jobId"] for child in listed["jobSummaryList"]] == [f"{job['jobId']}:0"]


def test_dependencies(bench: Bench) -> None:
    """A job starts after what it depends on has succeeded, and fails when that fails."""
    slow, fails = bench.define(["sleep", "0.3"]), bench.define(["false"])
    first = bench.submit(slow)
    second = bench.submit(slow, dependsOn=[{"jobId": first}])
    assert bench.describe(second)["status"] == "PENDING"
    after_failure = bench.submit(slow, dependsOn=[{"jobId": bench.submit(fails)}])
    assert bench.ended(second)["startedAt"] >= bench.ended(first)["stoppedAt"]
    assert bench.ended(after_failure)["statusReason"] == "Dependent Job failed"


def test_array_dependencies(bench: Bench) -> None:
    """Children wait for their like (N_TO_N) or for the child before (SEQUENTIAL)."""
    definition = bench.define(["true"])
    size = {"size": 3}
    sequential = bench.submit(definition, arrayProperties=size, dependsOn=[{"type": "SEQUENTIAL"}])
    paired = bench.submit(definition, arrayProperties=size, dependsOn=[{"jobId": sequential, "type": "N_TO_N"}])
    assert bench.ended(paired)["status"] == "SUCCEEDED"
    children = [bench.describe(f"{sequential}:{index}") for index in range(3)]
    for before, after in itertools.pairwise(children):
        assert before["stoppedAt"] <= after["startedAt"]
    for index, child in enumerate(children):
        assert child["stoppedAt"] <= bench.describe(f"{paired}:{index}")["startedAt"]


def test_command_that_does_not_exist(bench: Bench) -> None:
    """A container that cannot start has a reason and no exit code."""
    job = bench.ended(bench.submit(bench.define(["no-such-program"])))
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    assert job["container"]["reason"].startswith("CannotStartContainerError")
    assert "exitCode" not in job["container"]


@pytest.mark.parametrize(
    "options",
    [
        {"arrayProperties": {"size": 1}},
        {"arrayProperties": {"size": 10_001}},
        {"jobName": "no.dots"},
        {"jobQueue": "missing"},
        {"jobDefinition": "missing"},
        {"timeout": {"attemptDurationSeconds": 59}},
        {"retryStrategy": {"attempts": 11}},
        {"retryStrategy": {"attempts": 2, "evaluateOnExit": [{"onReason": "Host (*", "action": "EXIT"}]}},
        {"retryStrategy": {"attempts": 2, "evaluateOnExit": [{"onStatusReason": "*a", "action": "EXIT"}]}},
        {"retryStrategy": {"attempts": 2, "evaluateOnExit": [{"onExitCode": "-1", "action": "EXIT"}]}},
        {"dependsOn": [{"jobId": "missing"}]},
        {"containerOverrides": {"environment": [{"name": "AWS_BATCH_X", "value": "1"}]}},
    ],
)
def test_refused_submissions(bench: Bench, options: dict[str, object]) -> None:
    """What Batch refuses is refused with its ClientException."""
    definition = bench.define(["true"])
    client = bench.aws.client("batch")
    with pytest.raises(client.exceptions.ClientException):
        bench.submit(definition, **options)


def test_two_thousand_children(bench: Bench) -> None:
    """A wide array job of trivial commands is bound by its processes, not by its records."""
    begun = time.monotonic()
    job_id = bench.submit(bench.define(["true"]), arrayProperties={"size": 2000})
    while bench.describe(job_id)["status"] == "PENDING":
        assert time.monotonic() - begun < 30
        time.sleep(0.1)
    summary = bench.describe(job_id)["arrayProperties"]["statusSummary"]
    assert summary["SUCCEEDED"] == 2000


def test_a_container_that_does_not_start(bench: Bench) -> None:
    """An attempt whose container did not start has no exit code, and the rules decide whether another one follows."""
    rules = [{"onStatusReason": "Task failed*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]
    definition = bench.define(bench.program("pass"), retryStrategy={"attempts": 3, "evaluateOnExit": rules})
    failure = StartFailure(reason="ResourceInitializationError: network interface")
    bench.troubles.starts["late"] = [failure, failure]
    job = bench.ended(bench.submit(definition, jobName="late"))
    assert job["status"] == "SUCCEEDED"
    assert [attempt["container"] for attempt in job["attempts"][:2]] == [{"reason": failure.reason}] * 2
    bench.troubles.starts["never:1"] = [StartFailure("Host EC2 (instance i-1) terminated.")]
    array = bench.submit(definition, jobName="never", arrayProperties={"size": 2})
    assert bench.ended(array)["status"] == "FAILED"
    assert [bench.describe(f"{array}:{index}")["status"] for index in (0, 1)] == ["SUCCEEDED", "FAILED"]


def test_shares(bench: Bench) -> None:
    """A queue with a fair-share policy takes jobs with a share and a priority, any other queue jobs without."""
    batch, definition = bench.aws.client("batch"), bench.define(["true"])
    policy = batch.create_scheduling_policy(name="fair")["arn"]
    order = [{"order": 1, "computeEnvironment": "environment"}]
    for name, more in (("fair", {"schedulingPolicyArn": policy}), ("open", {"tags": {batch_requests.UNDECIDED: ""}})):
        batch.create_job_queue(jobQueueName=name, state="ENABLED", priority=1, computeEnvironmentOrder=order, **more)
    share = {"shareIdentifier": "team"}
    job = bench.ended(bench.submit(definition, jobQueue="fair", schedulingPriorityOverride=7, **share))
    assert (job["shareIdentifier"], job["schedulingPriority"]) == ("team", 7)
    for options, said in (
        ({"jobQueue": "queue", "schedulingPriorityOverride": 7, **share}, "takes no share identifier"),
        ({"jobQueue": "fair"}, "a share identifier is required"),
        ({"jobQueue": "fair", **share}, "Either schedulingPriority in job definition or schedulingPriorityOverride"),
        ({"jobQueue": "fair", "schedulingPriorityOverride": 7, "shareIdentifier": "a-b"}, "letters and digits"),
        ({"jobQueue": "fair", "schedulingPriorityOverride": 10_000, **share}, "from 0 to 9999"),
    ):
        with pytest.raises(batch.exceptions.ClientException, match=said):
            bench.submit(definition, **options)
    # The first job decides about a queue of a rehearsal.
    bench.submit(definition, jobQueue="open", schedulingPriorityOverride=0, **share)
    with pytest.raises(batch.exceptions.ClientException, match="a share identifier is required"):
        bench.submit(definition, jobQueue="open")
