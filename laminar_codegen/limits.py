"""The limits of AWS that the compiler keeps: each with where it is documented."""

from __future__ import annotations

__all__ = [
    "ARRAY_ATTEMPTS",
    "DEFINITION_BYTES",
    "HISTORY_EVENTS",
    "NAME_LENGTH",
    "STATE_NAME_LENGTH",
    "STATE_RETRIES",
    "TIMEOUT_SECONDS",
]

#: Bytes of a state machine's definition:
#: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
DEFINITION_BYTES = 1_048_576

#: Events of the history of an execution: the same page.
HISTORY_EVENTS = 25_000

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
