"""How many splits of a fan-out a job runs, if each takes seconds.

With a limit of splits that run at once there are as many jobs as may run, each of which takes one split after the
other: no job is idle, and none starts later. Without a limit a job aims at a few minutes, as AWS advises:
https://docs.aws.amazon.com/batch/latest/userguide/bestpractice1.html
"""

from __future__ import annotations

__all__ = ["splits_per_job"]

#: The seconds of a job: AWS advises 3 to 5 minutes.
_SECONDS = 240.0


def splits_per_job(seconds: float, splits: int, limit: int | None = None) -> int:
    """Return how many splits a job runs, if all jobs run as many.

    Args:
        seconds: The seconds of a split.
        splits: The number of splits.
        limit: How many may run at once, None if all may.

    Example:
        >>> splits_per_job(2, 10_000), splits_per_job(2, 10_000, limit=256), splits_per_job(600, 10)
        (120, 40, 1)
    """
    if limit is not None:
        return max(1, -(-splits // limit))
    return max(1, min(splits, int(_SECONDS // seconds) if seconds > 0 else splits))
