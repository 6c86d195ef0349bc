"""The retries of tasks: those that their layers request, and those of passing errors of the service that they call.

Each call of a state machine has the retriers of its service, before those of the layer: an error on the way to a layer
is not a failure of the layer. No list here has an error by which a layer fails, neither ``States.TaskFailed`` nor the
class of an exception of the layer.

AWS documents which errors pass: https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html and the
API reference of each service. Step Functions puts the service's name before that of its exception, and has two names
for other errors: of the service (``S3.S3Exception``) and of the connection to it (``S3.SdkClientException``).
"""

from __future__ import annotations

import functools
import math

import attrs

from laminar_codegen.ir.expressions import Value
from laminar_codegen.ir.graph import Retry
from laminar_codegen.ir.structs import Struct

__all__ = ["Retrier", "of_layer", "of_service"]

#: The default factor of waits:
#: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
_BACKOFF = 2.0


@attrs.frozen(eq=False, repr=False)
class Retrier(Struct):
    """A retrier of a state.

    Args:
        errors: The names of the errors that it retries.
        interval: Seconds before the second attempt.
        attempts: The most attempts after the first one.
        backoff: The factor between one wait and the next.
        jitter: Whether each wait has a random length up to its own.
        longest: The greatest seconds of a wait, None for any.
    """

    errors: tuple[str, ...]
    interval: int
    attempts: int
    backoff: float = _BACKOFF
    jitter: bool = False
    longest: int | None = None

    @property
    def seconds(self) -> float:
        """The seconds of all its waits together, without jitter. Jitter halves that on average."""
        waits = (self.interval * self.backoff**number for number in range(self.attempts))
        return sum(wait if self.longest is None else min(wait, self.longest) for wait in waits)

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language. Leave out a default rate: a definition is limited to 1 MB."""
        rate: dict[str, Value] = {} if self.backoff == _BACKOFF else {"BackoffRate": self.backoff}
        most: dict[str, Value] = {} if self.longest is None else {"MaxDelaySeconds": self.longest}
        spread: dict[str, Value] = {"JitterStrategy": "FULL"} if self.jitter else {}
        return {
            "ErrorEquals": list(self.errors),
            "IntervalSeconds": self.interval,
            "MaxAttempts": self.attempts,
            **most,
            **rate,
            **spread,
        }


def _passing(*errors: str) -> tuple[Retrier, ...]:
    """Return a retrier for about four minutes with jitter: the time of 10,000 calls at 50 per second."""
    return (Retrier(errors, 2, 8, jitter=True),)


#: Passing errors of an invocation, https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html: AWS Lambda fails, or
#: the function is not ready. A function that was idle for weeks gets ready when it is called, in about a minute:
#: https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html. These waits take three, and have no jitter.
_NOT_READY = Retrier(
    (
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.CodeArtifactUserPendingException",
        "Lambda.EC2ThrottledException",
        "Lambda.EC2UnexpectedException",
        "Lambda.EFSMountConnectivityException",
        "Lambda.EFSMountTimeoutException",
        "Lambda.ENILimitReachedException",
        "Lambda.ENINotReadyException",
        "Lambda.ResourceConflictException",
        "Lambda.ResourceNotReadyException",
        "Lambda.SnapStartNotReadyException",
        "Lambda.SubnetIPAddressLimitReachedException",
    ),
    2,
    12,
    longest=20,
)
#: The account, or the function, has all the concurrent invocations that it may have, each for up to 15 minutes:
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html. These waits take 36, half of it with jitter.
_THROTTLED = Retrier(("Lambda.TooManyRequestsException",), 1, 24, jitter=True, longest=120)

#: By the prefix of the name of an integration.
_OF_SERVICES: dict[str, tuple[Retrier, ...]] = {
    "lambda": (_NOT_READY, _THROTTLED),
    # https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html. It refuses what is more than 50 calls a
    # second: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
    "batch": _passing(
        "Batch.AWSBatchException",
        "Batch.SdkClientException",
        "Batch.ServerException",
        "Batch.TooManyRequestsException",
    ),
    "aws-sdk:batch": _passing("Batch.BatchException", "Batch.SdkClientException", "Batch.ServerException"),
    # To start a running execution again, with its name and input, starts no second one:
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html. Too many executions are
    # two errors: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
    "states": _passing(
        "StepFunctions.AWSStepFunctionsException",
        "StepFunctions.ExecutionLimitExceeded",
        "StepFunctions.ExecutionLimitExceededException",
        "StepFunctions.KmsThrottlingException",
        "StepFunctions.SdkClientException",
        "StepFunctions.ThrottlingException",
    ),
    # A token that is no longer valid is another error:
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
    "aws-sdk:sfn": _passing("Sfn.KmsThrottlingException", "Sfn.SdkClientException", "Sfn.SfnException"),
    # So is the answer of S3 to slow down: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. A
    # missing object is another error.
    "aws-sdk:s3": _passing("S3.S3Exception", "S3.SdkClientException"),
    # An entry that was not taken fails the task: https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html
    "events": _passing(
        "EventBridge.AmazonEventBridgeException", "EventBridge.FailedEntry", "EventBridge.SdkClientException"
    ),
    # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
    "sns": _passing(
        "SNS.AmazonSNSException", "SNS.InternalErrorException", "SNS.SdkClientException", "SNS.ThrottledException"
    ),
}


@functools.cache
def of_service(integration: str) -> tuple[Retrier, ...]:
    """Return the retriers of the service that a task calls.

    Args:
        integration: The service integration, such as ``batch:submitJob.sync``.

    Raises:
        ValueError: If the service is unknown.

    Example:
        >>> of_service("aws-sdk:s3:putObject")[0].errors
        ('S3.S3Exception', 'S3.SdkClientException')
    """
    service, *action = integration.split(":")
    known = _OF_SERVICES.get(f"{service}:{action[0]}" if service == "aws-sdk" else service)
    if known is None:
        raise ValueError(f"which errors of {integration} pass is not known: add them to {__name__}")
    return known


def of_layer(retry: Retry, error: str) -> tuple[Retrier, ...]:
    """Return the retrier that a layer requests, none if it has one attempt.

    Args:
        retry: The retry of the layer.
        error: The name of the error of a failed attempt.

    Example:
        >>> of_layer(Retry(3, 0.1, 2, 0), "States.TaskFailed")[0].attempts
        2
    """
    # Step Functions waits whole seconds, at least one, and its jitter is all or nothing.
    interval, attempts = max(1, math.ceil(retry.delay)), retry.attempts - 1
    return (Retrier((error,), interval, attempts, retry.backoff, retry.jitter > 0),) if attempts else ()
