"""Every kind of failure, made to happen in a flow that its document deployed, and read back."""

from __future__ import annotations

import contextlib
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Faults, StartFailure, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime import Execution, Flow
from laminar_runtime.command.main import main
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import AbortedError, ExecutionFailedError, NotFoundError, TimeLimitError
from laminar_runtime.failures.record import Failure, Failures
from laminar_runtime.report import write_page

FLOW = """
import os, signal, sys, time
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import executors, hooks
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry

LARGE = Container(memory=1024)
HERE = os.path.dirname(__file__)
RUNS = "LAMINAR_PLAN_FILE" not in os.environ
WHAT = "missing for Score" if os.environ.get("LAMINAR_LAYER_NAME") == "Score" else "missing"
if "LAMINAR_LAYER_NAME" in os.environ and RUNS and os.path.exists(os.path.join(HERE, WHAT)):
    import a_library_that_the_image_lacks
if "PASSWORD" in os.environ and os.path.exists(os.path.join(HERE, "no login")):
    raise ImportError("cannot log in with " + repr(os.environ["PASSWORD"]))


class Failing(Flow): ...


@Failing.register(
    container=Container(secrets={"PASSWORD": "ssm:/failing/password"}), retry=Retry(attempts=2, delay=0.01, jitter=0)
)
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        if os.path.exists(os.path.join(HERE, "exits")):
            os._exit(9)
        match parameters.how:
            case "raise":
                raise KeyError(f"attempt {self.attempt}")
            case "killed after":
                if self.attempt == 1:
                    raise KeyError("first")
                os._exit(9)
            case "exec":
                os.execv("/bin/true", ["true"])
            case "sleep":
                time.sleep(60)
        self.shard(rows=range(parameters.rows))


@Failing.register(
    container=LARGE, foreach=ForEach(parameters=[Parameter(Load, "rows")]), retry=Retry(attempts=2, delay=0, jitter=0)
)
class Train(Layer):
    def __call__(self, load: Load, parameters: Parameters) -> None:
        if load.rows in parameters.bad:
            raise ValueError(f"row {load.rows} of attempt {self.attempt}")
        self.weight = load.rows


@Failing.register(executor=executors.AWS.Lambda(timeout=3))
class Score(Layer):
    def __call__(self, train: Train, parameters: Parameters) -> None:
        print("scoring", parameters.how)
        if parameters.how == "lambda kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if parameters.how == "lambda sleep":
            time.sleep(60)
        if parameters.how == "lambda raise":
            raise LookupError("no score")

    @hooks.entry
    def enters(self, parameters: Parameters) -> bool:
        if parameters.how == "hook":
            raise OSError("no entry")
        return True


if flow := Failing():
    flow()
"""


PASSWORD = "correct 'horse'"


@attrs.define
class Bench:
    """The flow, deployed."""

    aws: EmbeddedAws
    flow: Flow
    deployment: Deployment
    image: Path
    trouble: list[Callable[[int | None, int], StartFailure | None]]

    def start(self, how: str = "", **given: Any) -> Execution:
        """Start an execution."""
        return self.flow(how=how, **{"rows": 1, "bad": [], **given})

    def fail(self, how: str = "", **given: Any) -> ExecutionFailedError:
        """Run an execution that fails, and return the error of the wait for it."""
        execution = self.start(how, **given)
        with pytest.raises(ExecutionFailedError) as error:
            execution.wait(timeout=60)
        assert error.value.failures == execution.failures()
        self.check_readers(str(execution.id), error.value)
        return error.value

    def check_readers(self, execution: str, error: ExecutionFailedError | TimeLimitError) -> None:
        """Check that ``laminar logs`` and the page of the report name layer, split and reason of each failure."""
        assert error.failures
        handle = self.deployment.execution(execution)
        data = re.findall(r'<script type="application/json" id="data">(.*?)</script>', write_page(handle), re.DOTALL)
        shown = [(one["layer"], one["index"], one["reason"]) for one in json.loads(data[0])["failures"]["shown"]]
        assert shown == [(one.layer, one.index, one.reason) for one in error.failures]
        for failure in error.failures:
            assert failure.headline in str(error)
            split = f"{failure.layer}[{failure.index}]"
            with contextlib.redirect_stderr(io.StringIO()) as printed, contextlib.redirect_stdout(io.StringIO()):
                assert main(["logs", self.deployment.name, execution, split]) == 0
            assert printed.getvalue() == f"laminar: {failure.headline}\n"

    def die(self, **ending: Any) -> Failure:
        """Run an execution whose first job is ended from outside, and return its failure."""
        self.trouble.append(lambda *_: StartFailure(**ending))
        try:
            (failure,) = self.fail().failures
        finally:
            self.trouble.clear()
        assert (failure.flow, failure.layer, failure.splits) == ("Failing", "Load", 1)
        return failure


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Deploy the flow by its document."""
    folder = tmp_path_factory.mktemp("failing")
    (folder / "flow.py").write_text(FLOW)
    (folder / "image").mkdir()
    trouble: list[Callable[[int | None, int], StartFailure | None]] = []

    def start(_: str, index: int | None, attempt: int) -> StartFailure | None:
        return trouble[0](index, attempt) if trouble else None

    workspace = Workspace(directory=lay_out(folder / "flow.py", folder / "image"))
    with (
        EmbeddedAws(workspace=workspace, faults=Faults(start=start), enforces=True) as aws,
        pytest.MonkeyPatch.context() as monkeypatch,
    ):
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        aws.client("ssm").put_parameter(Name="/failing/password", Value=PASSWORD, Type="SecureString")
        compilation = compile_flow(str(folder / "flow.py"))
        flow, deployment = compilation.source.flow, deploy(compilation, aws)
        flow.configuration.scheduler = AWS.StepFunctions()
        flow._datastore = None
        yield Bench(aws, flow, deployment, workspace.directory, trouble)


def test_an_error_of_the_layer(bench: Bench) -> None:
    """The error of the wait names the layer, the attempt, the class, the user's line, the log and the console."""
    error = bench.fail("raise")
    (failure,) = error.failures
    assert (failure.layer, failure.attempt, failure.kind) == ("Load", 2, "error")
    assert (failure.error_class, failure.message) == ("KeyError", "'attempt 2'")
    assert failure.exit_code == 79
    assert failure.frame.endswith("main.py:29 in Load.__call__")
    assert 'raise KeyError(f"attempt {self.attempt}")' in failure.traceback
    first, *rest = str(error).splitlines()
    assert first == (
        f"execution {error.execution} of 'Failing' ended FAILED: layer 'Load' of flow 'Failing' failed on attempt 2: "
        "KeyError: 'attempt 2'"
    )
    assert failure.log_stream
    assert rest[0] == f"  at {failure.frame}"
    assert rest[1] == f"  log stream: {failure.log_group} {failure.log_stream}"
    assert "https://" not in str(error)  # the console of AWS knows nothing of it
    assert rest[-1] == f"Resume it with: laminar resume Failing {error.execution}"
    logs = bench.aws.client("logs")
    events = logs.get_log_events(logGroupName=failure.log_group, logStreamName=failure.log_stream)["events"]
    assert any("attempt 2" in event["message"] for event in events)
    raised = [line for line in bench.deployment.execution(error.execution).logs("Load") if line.startswith("KeyError")]
    assert raised == ["KeyError: 'attempt 1'", "KeyError: 'attempt 2'"]


def test_a_file_that_cannot_be_imported(bench: Bench) -> None:
    """The flow never loads, and yet its error is recorded, without the attempt, which nobody counted."""
    (bench.image / "missing").touch()
    try:
        (failure,) = bench.fail().failures
    finally:
        (bench.image / "missing").unlink()
    assert (failure.layer, failure.error_class, failure.attempt) == ("Load", "ModuleNotFoundError", 0)
    assert failure.reason == "ModuleNotFoundError: No module named 'a_library_that_the_image_lacks'"
    assert failure.frame.endswith("main.py:12 in <module>")


def test_an_error_of_an_import_that_shows_a_secret(bench: Bench) -> None:
    """The flow, which has the names of its secrets, is not known then: the container has them, too."""
    (bench.image / "no login").touch()
    try:
        error = bench.fail()
    finally:
        (bench.image / "no login").unlink()
    (failure,) = error.failures
    assert failure.reason in {"ImportError: cannot log in with '***'", 'ImportError: cannot log in with "***"'}
    assert "horse" not in f"{error}{failure.message}{failure.traceback}"
    printed = "\n".join(bench.deployment.execution(error.execution).logs("Load"))
    assert "ImportError: cannot log in with" in printed
    assert "horse" not in printed


def test_a_redrive_that_fails_for_another_reason(bench: Bench) -> None:
    """The record of the drive before it has the key of the same attempt, and is not taken for the new failure."""
    execution = bench.start("raise")
    with pytest.raises(ExecutionFailedError, match="KeyError"):
        execution.wait(timeout=60)
    (bench.image / "exits").touch()
    try:
        execution.resume()
        with pytest.raises(ExecutionFailedError) as error:
            execution.wait(timeout=60)
    finally:
        (bench.image / "exits").unlink()
    (failure,) = error.value.failures
    assert (failure.layer, failure.kind, failure.exit_code, failure.attempt) == ("Load", "exited", 9, 2)


def test_a_file_that_a_function_cannot_import(bench: Bench) -> None:
    """Its record is not replaced by that of a process that exited, and the state has the error's name."""
    (bench.image / "missing for Score").touch()
    try:
        error = bench.fail()
    finally:
        (bench.image / "missing for Score").unlink()
    (failure,) = error.failures
    assert (failure.layer, failure.kind, failure.error_class) == ("Score", "error", "ModuleNotFoundError")
    assert failure.frame.endswith("main.py:12 in <module>")
    assert failure.log_stream
    arn = bench.deployment.execution_arn(error.execution)
    described = bench.aws.client("stepfunctions").describe_execution(executionArn=arn)
    assert described["error"] == "ModuleNotFoundError"


def test_a_process_that_exits_after_an_attempt_that_raised(bench: Bench) -> None:
    """The record of the attempt before it does not count: the last attempt left none."""
    (failure,) = bench.fail("killed after").failures
    assert (failure.kind, failure.exit_code, failure.attempt) == ("exited", 9, 2)
    assert failure.reason == "its process ended with exit code 9 and left no error; its log has its output"


def test_a_process_that_ends_without_its_layer(bench: Bench) -> None:
    """Its job succeeds, and the next layer has a dependency that has not finished."""
    (failure,) = bench.fail("exec").failures
    assert (failure.layer, failure.kind) == ("Train", "unfinished")
    assert "Load" in failure.reason


ENDINGS: dict[str, tuple[dict[str, Any], str]] = {
    "out of memory": (
        {
            "status_reason": "Essential container in task exited",
            "reason": "OutOfMemoryError: Container killed due to memory usage",
            "exit_code": 137,
        },
        "out of memory: OutOfMemoryError: Container killed due to memory usage; it had 2048 MiB",
    ),
    "timed out": ({"status_reason": "Job attempt duration exceeded timeout"}, "timed out: "),
    "reclaimed": ({"status_reason": "Host EC2 (instance i-1) terminated."}, "reclaimed: AWS took its spot capacity"),
    "not placed": (
        {"status_reason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"},
        "not placed: no capacity of its job queue runs it (MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT)",
    ),
    "image not pulled": (
        {"reason": "CannotPullContainerError: pull image manifest has been retried 1 time(s): not found"},
        "its image ",
    ),
    "permission denied": (
        {"reason": "ResourceInitializationError: unable to pull secrets: AccessDeniedException"},
        "permission denied: ResourceInitializationError",
    ),
    "not started": ({"reason": "ResourceInitializationError: no disk"}, "its container did not start: "),
    "stopped": ({"status_reason": "by hand", "exit_code": 143}, "its job was stopped: by hand"),
}


@pytest.mark.parametrize("kind", ENDINGS)
def test_what_ends_a_task_from_outside(bench: Bench, kind: str) -> None:
    """AWS knows it, and it has the form of an error of the layer."""
    ending, reason = ENDINGS[kind]
    failure = bench.die(**ending)
    assert failure.kind == kind
    assert failure.reason.startswith(reason)
    assert failure.exit_code == ending.get("exit_code")
    assert failure.job
    assert failure.time.startswith("20")


def test_some_splits_of_a_fan_out(bench: Bench) -> None:
    """Those that raised, and those that were killed, are found by their index, and what succeeded is left out."""

    def start(index: int | None, _: int) -> StartFailure | None:
        killed = StartFailure("Essential container in task exited", "OutOfMemoryError: Container killed", 137)
        return killed if index == 3 else None

    bench.trouble.append(start)
    try:
        error = bench.fail(rows=5, bad=[1])
    finally:
        bench.trouble.clear()
    failures = error.failures
    raised_lines = [
        line for line in bench.deployment.execution(error.execution).logs("Train", 1) if line.startswith("Val")
    ]
    assert raised_lines == [f"ValueError: row 1 of attempt {attempt}" for attempt in (1, 2)]
    assert [*bench.deployment.execution(error.execution).logs("Train", 0)] == []
    assert failures.count == 2
    raised, killed = failures
    assert (raised.layer, raised.index, raised.splits, raised.attempt) == ("Train", 1, 5, 2)
    assert (raised.reason, raised.kind) == ("ValueError: row 1 of attempt 2", "error")
    assert (killed.layer, killed.index, killed.splits, killed.kind) == ("Train", 3, 5, "out of memory")
    assert raised.job.endswith(":1")
    assert raised.log_stream


@pytest.mark.parametrize(
    ("how", "kind", "reason"),
    [
        ("lambda raise", "error", "LookupError: no score"),
        ("lambda kill", "out of memory", "its process ended with signal SIGKILL"),
        ("lambda sleep", "timed out", "Sandbox.Timedout: RequestId: "),
        ("hook", "error", "ExecutionError: entry hook 'enters' of layer 'Score' of flow 'Failing' failed"),
    ],
)
def test_functions(bench: Bench, how: str, kind: str, reason: str) -> None:
    """A layer on AWS Lambda, and a planner, leave records as jobs do."""
    error = bench.fail(how)
    (failure,) = error.failures
    assert (failure.layer, failure.kind) == ("Score", kind)
    assert failure.reason.startswith(reason)
    assert failure.log_group.startswith("/aws/lambda/")
    logs = bench.aws.client("logs")
    events = logs.get_log_events(logGroupName=failure.log_group, logStreamName=failure.log_stream)["events"]
    assert any(("scoring" if how.startswith("lambda") else "no entry") in event["message"] for event in events)
    execution = bench.deployment.execution(error.execution)
    if how == "hook":
        with pytest.raises(NotFoundError, match="the task has not run"):
            [*execution.logs("Score")]
    else:
        assert f"scoring {how}" in [*execution.logs("Score")]


def _await_job(bench: Bench) -> None:
    """Wait until a job runs."""
    batch = bench.aws.client("batch")
    queue = batch.describe_job_queues()["jobQueues"][0]["jobQueueName"]
    while not batch.list_jobs(jobQueue=queue, jobStatus="RUNNING")["jobSummaryList"]:
        time.sleep(0.05)


def test_an_execution_that_is_aborted(bench: Bench) -> None:
    """What was running then is named."""
    execution = bench.start("sleep")
    _await_job(bench)
    name = str(execution.id)
    assert bench.deployment.execution(name).status() == "RUNNING"
    bench.deployment.execution(name).stop("by hand")
    with pytest.raises(AbortedError, match="ended ABORTED: layer 'Load' of flow 'Failing' failed") as error:
        execution.wait(timeout=60)
    (failure,) = error.value.failures
    assert (error.value.status, failure.kind) == ("ABORTED", "execution aborted")
    assert bench.deployment.execution(name).status() == "ABORTED"
    bench.check_readers(name, error.value)
    until = time.monotonic() + 30
    while bench.aws.client("batch").describe_jobs(jobs=[failure.job])["jobs"][0]["status"] != "FAILED":
        assert time.monotonic() < until
        time.sleep(0.05)
    with pytest.raises(NotFoundError, match="execution none of 'Failing'"):
        bench.deployment.execution("none").stop()


def _define(bench: Bench, change: Callable[[dict[str, Any]], None]) -> None:
    client, arn = bench.aws.client("stepfunctions"), bench.deployment.state_machine_arn
    definition = json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"])
    change(definition)
    client.update_state_machine(stateMachineArn=arn, definition=json.dumps(definition))


def test_an_execution_that_takes_too_long(bench: Bench) -> None:
    """Its time limit is an error of its own, with what was running then."""
    _define(bench, lambda definition: definition.update(TimeoutSeconds=1))
    execution = bench.start("sleep")
    with pytest.raises(TimeLimitError, match=r"within 1 seconds[\s\S]*layer 'Load' of flow 'Failing' failed") as error:
        execution.wait(timeout=60)
    _define(bench, lambda definition: definition.pop("TimeoutSeconds"))
    assert error.value.failures is not None
    assert [one.kind for one in error.value.failures] == ["execution timed out"]
    bench.check_readers(str(execution.id), error.value)


def test_without_a_name_of_the_flow(bench: Bench) -> None:
    """Who has the name of a deployment only finds the flow in its datastore."""
    execution = bench.start("raise")
    with pytest.raises(ExecutionFailedError) as error:
        bench.deployment.execution(str(execution.id)).wait(timeout=60)
    assert isinstance(error.value.failures, Failures)
    assert error.value.failures.shown[0].layer == "Load"


def test_a_call_that_is_refused(bench: Bench) -> None:
    """A role that lacks a permission is a failure of the layer."""
    iam, arn = bench.aws.client("iam"), bench.deployment.state_machine_arn
    role = bench.aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)["roleArn"].rpartition("/")[2]
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        policy["Statement"] = [one for one in policy["Statement"] if "batch:SubmitJob" not in one["Action"]]
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))
    (failure,) = bench.fail().failures
    assert (failure.layer, failure.kind) == ("Load", "permission denied")
    assert "batch:SubmitJob" in failure.reason
