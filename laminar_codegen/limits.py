"""The limits of AWS that the compiler keeps: each with where it is documented."""

from __future__ import annotations

__all__ = [
    "ARRAY_ATTEMPTS",
    "DEFINITION_BYTES",
    "FARGATE_MEMORY",
    "NAME_LENGTH",
    "STATE_NAME_LENGTH",
    "STATE_RETRIES",
    "TIMEOUT_SECONDS",
    "fargate_size",
]

#: Bytes of a state machine's definition:
#: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
DEFINITION_BYTES = 1_048_576

#: Characters of a state's name: the same page.
STATE_NAME_LENGTH = 80

#: Characters of a flow's name, so that roles and functions, at most 64 characters, can be named after it:
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
#: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
NAME_LENGTH = 46

#: The most and least attempts that Batch makes of a job:
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_RetryStrategy.html
ARRAY_ATTEMPTS = 10

#: The most attempts, and seconds between two of them, that Step Functions makes of a task:
#: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
STATE_RETRIES = 99_999_999

#: The least and most seconds of a Batch job's timeout; Fargate may end longer jobs:
#: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html
TIMEOUT_SECONDS = (60, 1_209_600)

#: What memory, in MiB, Fargate offers for each number of virtual CPUs:
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html
FARGATE_MEMORY: dict[float, tuple[int, ...]] = {
    0.25: (512, 1024, 2048),
    0.5: tuple(range(1024, 4096 + 1, 1024)),
    1: tuple(range(2048, 8192 + 1, 1024)),
    2: tuple(range(4096, 16384 + 1, 1024)),
    4: tuple(range(8192, 30720 + 1, 1024)),
    8: tuple(range(16384, 61440 + 1, 4096)),
    16: tuple(range(32768, 122880 + 1, 8192)),
    32: (61440, 122880, 249856),
}


def fargate_size(cpu: float, memory: int) -> tuple[float, int] | None:
    """The smallest size of Fargate that holds a container.

    Args:
        cpu: Virtual CPUs.
        memory: Memory in MiB.

    Returns:
        The size's virtual CPUs and memory, None if none is large enough. Fewest virtual CPUs come first.

    Example:
        >>> fargate_size(1, 1500)
        (1, 2048)
        >>> fargate_size(0.5, 6000)
        (1, 6144)
    """
    sizes = ((size, amount) for size, amounts in FARGATE_MEMORY.items() for amount in amounts)
    return next(((size, amount) for size, amount in sizes if size >= cpu and amount >= memory), None)
