"""How many splits a job of AWS Batch runs, if it is known how long a split takes.

AWS advises jobs of 3 to 5 minutes: https://docs.aws.amazon.com/batch/latest/userguide/bestpractice1.html. But a fan-out
must not end later than with a job for each split, which all run at once, as soon as they have started: Fargate starts
a number of tasks at once, and then so many in a second.
"""

from __future__ import annotations

import math

__all__ = ["LATER", "MOST_SECONDS", "START_UP", "splits_per_job"]

#: The most seconds that a job should run.
MOST_SECONDS = 240.0
#: The seconds until a job has started, if no more is known: on Fargate it takes 30 to 90.
START_UP = 45.0
#: The tasks that Fargate starts at once, and then in a second, in an account and a region:
#: https://docs.aws.amazon.com/AmazonECS/latest/userguide/throttling.html
_BURST, _RATE = 100, 20
#: How much later than with a job for each a fan-out, or a flow, may end.
LATER = 0.02


def splits_per_job(seconds: float, splits: int) -> int:
    """Return how many splits a job runs, so that few jobs are started and the last of them does not end later.

    Args:
        seconds: The seconds of a split.
        splits: The number of splits.

    Example:
        >>> splits_per_job(2, 10_000), splits_per_job(2, 1_000), splits_per_job(2, 50), splits_per_job(600, 10_000)
        (120, 24, 1, 1)
    """
    if splits == 0 or seconds <= 0:
        return max(1, splits)
    latest = (1 + LATER) * _end(splits, seconds, 1)
    most = min(splits, max(1, int(MOST_SECONDS / seconds)))
    return next((share for share in range(most, 1, -1) if _end(splits, seconds, share) <= latest), 1)


def _end(splits: int, seconds: float, share: int) -> float:
    """Return when the last job ends, if each runs a share of the splits."""
    jobs = math.ceil(splits / share)
    return max(0, jobs - _BURST) / _RATE + START_UP + share * seconds
