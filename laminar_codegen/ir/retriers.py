"""How tasks are run again: as their layers ask for, and all of them while the service that they call has a trouble.

Each call of a state machine has the retriers of its service, before those of the layer: what goes wrong on the way to a
layer is no failure of the layer. No list here has a name by which a layer fails, neither ``States.TaskFailed`` nor the
class of an exception of the layer's.

AWS says which errors pass: https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html and, of each
service, its API reference. Step Functions puts the service's name before that of its exception, and has two names for
what has none of its own: of the service (``S3.S3Exception``) and of the way to it (``S3.SdkClientException``).
"""

from __future__ import annotations

import math

import attrs

from laminar_codegen.ir.expressions import Value
from laminar_codegen.ir.graph import Retry

__all__ = ["Retrier", "of_layer", "of_service"]

#: What waits are multiplied with unless set otherwise:
#: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
_BACKOFF = 2.0


@attrs.frozen
class Retrier:
    """When and how a task is run again.

    Args:
        errors: The names of the errors after which it is.
        interval: Seconds before the second attempt.
        attempts: How many attempts follow the first at most.
        backoff: What each wait is multiplied with for the next one.
        jitter: Whether each wait is of any length up to what it would be.
        longest: Seconds that a wait takes at most, None for any.
    """

    errors: tuple[str, ...]
    interval: int
    attempts: int
    backoff: float = _BACKOFF
    jitter: bool = False
    longest: int | None = None

    @property
    def seconds(self) -> float:
        """How long its waits take together, without jitter: half of that is to be expected with it."""
        waits = (self.interval * self.backoff**number for number in range(self.attempts))
        return sum(wait if self.longest is None else min(wait, self.longest) for wait in waits)

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language. A definition may be 1 MB: a rate that is the default is left out."""
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
    """Retries for four minutes, as jitter has it: as long as 10,000 calls take of which 50 a second are allowed."""
    return (Retrier(errors, 2, 8, jitter=True),)


#: What passes of an invocation, https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html: AWS Lambda has trouble,
#: or the function is not ready. One that was not called for some weeks gets ready when it is called, in about a minute:
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
#: As many invocations run as the account, or the function, may have at once, each for up to 15 minutes:
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html. These waits take 36, half of it with jitter.
_THROTTLED = Retrier(("Lambda.TooManyRequestsException",), 1, 24, jitter=True, longest=120)

#: By what the name of an integration begins with.
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
    # An execution that is started again by its name, with the same input, is the one that runs: there is never a
    # second. https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html. That too many run
    # has two names: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
    "states": _passing(
        "StepFunctions.AWSStepFunctionsException",
        "StepFunctions.ExecutionLimitExceeded",
        "StepFunctions.ExecutionLimitExceededException",
        "StepFunctions.KmsThrottlingException",
        "StepFunctions.SdkClientException",
        "StepFunctions.ThrottlingException",
    ),
    # That a token is not valid any more has other names:
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
    "aws-sdk:sfn": _passing("Sfn.KmsThrottlingException", "Sfn.SdkClientException", "Sfn.SfnException"),
    # So is what S3 asks to slow down: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. An object
    # that is not there has a name of its own.
    "aws-sdk:s3": _passing("S3.S3Exception", "S3.SdkClientException"),
}


def of_service(integration: str) -> tuple[Retrier, ...]:
    """Return the retriers of the service that a task calls.

    Args:
        integration: The service integration, such as ``batch:submitJob.sync``.

    Raises:
        ValueError: If nothing is known of the service.

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
    """Return the retrier that a layer asks for, none if it has one attempt.

    Args:
        retry: How the layer is retried.
        error: The name of the error that is a failed attempt.

    Example:
        >>> of_layer(Retry(3, 0.1, 2, 0), "States.TaskFailed")[0].attempts
        2
    """
    # Step Functions waits whole seconds, at least one, and its jitter is all or nothing.
    interval, attempts = max(1, math.ceil(retry.delay)), retry.attempts - 1
    return (Retrier((error,), interval, attempts, retry.backoff, retry.jitter > 0),) if attempts else ()
