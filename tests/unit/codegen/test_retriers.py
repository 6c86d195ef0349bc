"""Calls of services are made again while the services have trouble, apart from the attempts of layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from laminar_codegen.ir.asl import StateMachine, Task, all_states
from laminar_codegen.ir.retriers import Retrier, of_service
from laminar_codegen.limits import LAMBDA_SECONDS
from laminar_codegen.lower_states.executions import FROM_HERE, start_execution
from laminar_codegen.lower_states.job_tags import replace_tags, tags_of_execution
from laminar_codegen.pipeline import Compilation
from laminar_codegen.rehearsal.simulated import (
    Call,
    Handler,
    Invocation,
    JobResult,
    NamedError,
    Replayed,
    Services,
    profiled_services,
    replay_flow,
)
from tests.support.golden import CASES, compilation_of

MONTHLY = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry

class Monthly(Flow): ...

@Monthly.register
class Parts(Layer):
    def __call__(self) -> None:
        self.shard(part=["a", "b", "c"])

@Monthly.register(foreach=ForEach(parameters=[Parameter(layer=Parts, attribute="part")]))
class Work(Layer):
    def __call__(self, parts: Parts) -> None: ...

@Monthly.register(executor=executors.AWS.Lambda(timeout=60), retry=Retry(attempts=2, delay=1, jitter=0))
class Total(Layer):
    def __call__(self, work: Work) -> None: ...
"""
#: What AWS documents as passing of an invocation: the retry set of its best practices, throttling, and functions that
#: are not ready. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
OF_LAMBDA = (
    "ClientExecutionTimeoutException",
    "ServiceException",
    "AWSLambdaException",
    "SdkClientException",
    "TooManyRequestsException",
    "CodeArtifactUserPendingException",
    "ResourceNotReadyException",
    "ENINotReadyException",
    "EC2ThrottledException",
    "SubnetIPAddressLimitReachedException",
    "ENILimitReachedException",
    "EC2UnexpectedException",
    "SnapStartNotReadyException",
    "ResourceConflictException",
    "EFSMountTimeoutException",
    "EFSMountConnectivityException",
)
PERMANENT = ("CodeArtifactUserFailedException", "InvalidParameterValueException", "ResourceNotFoundException")


def retriers(integration: str) -> dict[str, Retrier]:
    """Return the retrier of each error that passes."""
    return {error: retrier for retrier in of_service(integration) for error in retrier.errors}


def test_what_passes_of_invocations() -> None:
    """Every exception that AWS documents as passing is retried, and none that stays."""
    assert retriers("lambda:invoke").keys() == {f"Lambda.{name}" for name in OF_LAMBDA}
    assert not retriers("lambda:invoke").keys() & {f"Lambda.{name}" for name in PERMANENT}


def test_how_long_functions_are_waited_for() -> None:
    """A function that was idle gets three minutes to be ready, throttling twice as long as an invocation may take."""
    known = retriers("lambda:invoke")
    for name in OF_LAMBDA:
        retrier = known[f"Lambda.{name}"]
        # Full jitter takes half of each wait on average.
        least = 2 * LAMBDA_SECONDS[1] if name == "TooManyRequestsException" else 180
        assert retrier.seconds / (2 if retrier.jitter else 1) >= least / (2 if retrier.jitter else 1)
        assert retrier.seconds >= least


@pytest.mark.parametrize(
    "integration",
    [
        "batch:submitJob",
        "batch:submitJob.sync",
        "aws-sdk:batch:terminateJob",
        "states:startExecution.sync:2",
        "aws-sdk:s3:putObject",
        "aws-sdk:s3:getObject",
        "aws-sdk:s3:listObjectsV2",
        "aws-sdk:s3:putObject.waitForTaskToken",
        "aws-sdk:sfn:sendTaskSuccess",
    ],
)
def test_other_services_get_some_minutes(integration: str) -> None:
    """What passes of any other service is retried for three minutes too, half of its waits if they have jitter."""
    for retrier in of_service(integration):
        assert retrier.seconds / (2 if retrier.jitter else 1) >= 180
        assert any(error.endswith("SdkClientException") for error in retrier.errors)


def test_a_service_of_which_nothing_is_known() -> None:
    """No call is emitted without its service's retriers: the mistake is the compiler's, and says where to mend it."""
    with pytest.raises(ValueError, match="of dynamodb:putItem pass is not known: add them to laminar_codegen"):
        of_service("dynamodb:putItem")


@pytest.mark.parametrize("case", CASES)
def test_every_call_is_made_again(case: str) -> None:
    """All tasks of all flows begin with the retriers of their service, and none of these is for a layer's failure."""
    tasks = [
        state
        for machine in compilation_of(case).machines
        for state in all_states(machine.states)
        if isinstance(state, Task)
    ]
    for task in tasks:
        of_calls = [retrier.fields() for retrier in of_service(task.integration)]
        retry: Any = task.fields()["Retry"]
        assert retry[: len(of_calls)] == of_calls
        assert all("." in error and "States." not in error for one in of_calls for error in one["ErrorEquals"])  # type: ignore[attr-defined]


@attrs.define
class Account:
    """Functions and jobs that answer after AWS Lambda refused invocations for some time.

    Args:
        until: Second until which all invocations are refused.
        exception: How.
        failing: How often the function of a layer fails by itself.
        asked: How often each function was invoked.
    """

    until: float = 0
    exception: str = ""
    failing: int = 0
    asked: Counter[str] = attrs.field(factory=Counter)

    def replay(self, compilation: Compilation) -> Replayed:
        """Replay a flow."""
        services = profiled_services({}, splits={"Work": 3}, otherwise=10)
        answer = services.functions.handlers()["lambda:invoke"]
        services.functions.run = self._answering(services.functions.run)

        async def invoke(call: Call) -> Any:
            self.asked[call.state] += 1
            if call.clock.now < self.until:
                raise NamedError(self.exception)
            return await answer(call)

        return replay_flow(compilation.machines, services=attrs.evolve(services, others={"lambda:invoke": invoke}))

    def _answering(self, run: Callable[[Invocation], Any]) -> Callable[[Invocation], Any]:
        def answer(invocation: Invocation) -> Any:
            if invocation.payload["layer"] == "Total" and self.failing:
                self.failing -= 1
                raise NamedError("ServiceException", "a class of the flow's own")
            return run(invocation)

        return answer


@pytest.mark.parametrize("exception", [name for name in OF_LAMBDA if name != "TooManyRequestsException"])
def test_a_function_that_was_idle(compiled: Callable[[str], Compilation], exception: str) -> None:
    """A planner that is refused for nearly three minutes answers in the end; the execution goes on."""
    account = Account(until=180, exception=f"Lambda.{exception}")
    replayed = account.replay(compiled(MONTHLY))
    assert replayed.status == "SUCCEEDED"
    assert account.asked["Work plan"] > 2


def test_throttled_by_long_invocations(compiled: Callable[[str], Compilation]) -> None:
    """Invocations wait until all others of the account have ended, that take up to 15 minutes."""
    account = Account(until=600, exception="Lambda.TooManyRequestsException")
    assert account.replay(compiled(MONTHLY)).status == "SUCCEEDED"


def test_a_function_that_stays_broken(compiled: Callable[[str], Compilation]) -> None:
    """An error that does not pass ends the execution at once."""
    account = Account(until=1e9, exception="Lambda.CodeArtifactUserFailedException")
    replayed = account.replay(compiled(MONTHLY))
    assert (replayed.error, account.asked["Work plan"]) == ("Lambda.CodeArtifactUserFailedException", 1)


def test_failures_of_layers_are_their_own(compiled: Callable[[str], Compilation]) -> None:
    """A layer's exception is retried as the layer says and no more, whatever its class is called."""
    account = Account(failing=1)
    assert account.replay(compiled(MONTHLY)).status == "SUCCEEDED"
    assert account.asked["Total"] == 2
    account = Account(failing=2)
    assert account.replay(compiled(MONTHLY)).status == "FAILED"
    assert account.asked["Total"] == 2


def test_refusals_are_no_attempts(compiled: Callable[[str], Compilation]) -> None:
    """A layer whose function was refused first still has all its attempts."""
    account = Account(until=50, exception="Lambda.ResourceNotReadyException", failing=1)
    assert account.replay(compiled(MONTHLY)).status == "SUCCEEDED"
    assert account.asked["Total"] == 2


@attrs.define
class Nested:
    """What starts the parts of a flow: refused, or lost on the way back, a few times.

    Args:
        errors: The errors that the first starts end with.
        names: The names that were asked for.
    """

    errors: list[str]
    names: list[str] = attrs.field(factory=list)

    def start(self, call: Call) -> Any:
        """Start an execution."""
        self.names.append(call.arguments["Name"])
        if self.errors:
            raise NamedError(self.errors.pop(0))
        return {}


def nested(errors: list[str]) -> tuple[Replayed, list[str]]:
    """Replay a machine that runs a part of a flow: how it went, and the names that they were started by."""
    account = Nested(errors)
    others: Mapping[str, Handler] = {"states:startExecution.sync:2": account.start}
    # No state before it assigns the tags.
    states = replace_tags([start_execution("Part 1", "", "part_1", FROM_HERE, None)], tags_of_execution("Report"))
    machine = StateMachine(name="flow", comment="", states=states)
    return replay_flow([machine], services=Services(others=others), name="e1"), account.names


@pytest.mark.parametrize(
    "error",
    [
        "AWSStepFunctionsException",
        "SdkClientException",
        "ExecutionLimitExceeded",
        "ExecutionLimitExceededException",
        "ThrottlingException",
    ],
)
def test_a_start_that_is_refused(error: str) -> None:
    """The start of a nested execution is tried again by the same name, by which there is never a second one."""
    replayed, names = nested([f"StepFunctions.{error}"] * 3)
    assert (replayed.status, names) == ("SUCCEEDED", ["e1"] * 4)


@pytest.mark.parametrize("error", ["States.TaskFailed", "StepFunctions.ExecutionAlreadyExistsException"])
def test_a_nested_execution_that_failed(error: str) -> None:
    """One that failed, or whose name is taken, is not started again: a redrive starts the next by another name."""
    replayed, names = nested([error])
    assert (replayed.error, names) == (error, ["e1"])


def test_a_token_that_could_not_be_sent() -> None:
    """What wakes a waiting layer is sent again while Step Functions has trouble, but not if the token is not valid."""
    known = retriers("aws-sdk:sfn:sendTaskSuccess")
    assert {"Sfn.SfnException", "Sfn.SdkClientException"} <= known.keys()
    assert (
        not {"Sfn.TaskTimedOutException", "Sfn.InvalidTokenException", "Sfn.TaskDoesNotExistException"} & known.keys()
    )


def test_jobs_that_fail_are_not_submitted_again_for_the_service(compiled: Callable[[str], Compilation]) -> None:
    """A job that failed fails its state; only what AWS Batch itself reports is retried."""
    compilation = compiled(MONTHLY)
    services = profiled_services({}, splits={"Work": 3}, otherwise=10)
    services.jobs.run = lambda _: JobResult(exit_code=1)
    assert replay_flow(compilation.machines, services=services).error == "States.TaskFailed"
    assert len(services.jobs.attempts) == 1
