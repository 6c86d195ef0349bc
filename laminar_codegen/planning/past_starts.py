"""How long jobs and functions took to start in past executions: by what AWS says of their attempts.

AWS Batch says when a job was submitted and when its container ran. In between it waited for a place, and its container
started: the image was pulled. Where one ends and the other begins it does not say, and nobody remembers it: so a start
is all of that, in the median, and its spread shows what waits add. The submission of an array job is that of its
children, https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html.

Step Functions says when it called a function and when it had its answer, and the record of the layer how long its code
took. The rest is its start, with the import of the flow.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import attrs

from laminar_codegen.ir.structs import Struct
from laminar_codegen.planning.durations_file import TARGETS
from laminar_codegen.planning.profile import Spread, StartTimes, image_name
from laminar_runtime.timings import Attempt

__all__ = ["Start", "spread_of", "start_times", "starts_of_functions", "starts_of_jobs"]

#: How many children of an array job count, those that started first: Fargate starts so many tasks at once, and then 20
#: in a second: https://docs.aws.amazon.com/AmazonECS/latest/userguide/throttling.html. The others also wait for these.
_FIRST = 100


@attrs.frozen(eq=False, repr=False)
class Start(Struct):
    """How long one job or function took to start.

    Args:
        target: Where it ran, as profiles name it.
        image: Its image, without its tag and its digest; None if it is unknown.
        seconds: Seconds.
    """

    target: str
    image: str | None
    seconds: float


def starts_of_jobs(attempts: Iterable[Attempt], depending: Collection[str] = ()) -> Iterator[Start]:
    """Yield the starts of jobs: one for each job that was submitted, and one for an array job.

    Only the first start of a job counts: a later one has waited for nothing else.

    Args:
        attempts: The attempts of an execution, in the order in which they were submitted.
        depending: Layers whose jobs wait for others in AWS Batch, and are left out.

    Example:
        >>> attempt = Attempt(layer="A", job="1", created=0, started=40_000, platform="FARGATE", image="report:1")
        >>> [*starts_of_jobs([attempt])]
        [Start(target='FARGATE', image='report', seconds=40.0)]
    """
    first: dict[str, Attempt] = {}
    for one in attempts:
        if one.where == "batch" and one.job and one.platform in TARGETS and one.layer not in depending:
            first.setdefault(one.job, one)
    submitted: dict[str, list[Attempt]] = {}
    for one in first.values():
        if one.started is not None and one.created is not None:
            submitted.setdefault(one.job.partition(":")[0], []).append(one)
    for children in submitted.values():
        waits = sorted(max(0.0, child.waited or 0.0) for child in children)
        child = children[0]
        yield Start(child.platform, image_name(child.image) or None, statistics.median(waits[:_FIRST]))


def starts_of_functions(attempts: Sequence[Attempt], seconds: Mapping[str, float]) -> Iterator[Start]:
    """Yield the starts of functions of layers that do not fan out: what they took besides the seconds of their code.

    Args:
        attempts: The attempts of an execution.
        seconds: The seconds that the code of layers took.
    """
    counts: dict[str, int] = {}
    for one in attempts:
        counts[one.layer] = counts.get(one.layer, 0) + 1
    for one in attempts:
        known = one.created is not None and one.stopped is not None and one.layer in seconds
        if one.where == "lambda" and known and one.outcome == "succeeded" and counts[one.layer] == 1:
            took = ((one.stopped or 0) - (one.created or 0)) / 1000
            yield Start("LAMBDA", image_name(one.image) or None, max(0.0, took - seconds[one.layer]))


def start_times(starts: Iterable[Start]) -> tuple[StartTimes, ...]:
    """Return how long jobs took to start by target and image, sorted.

    Args:
        starts: The starts of jobs.

    Example:
        >>> start_times([Start("EC2", None, 90.0), Start("EC2", None, 30.0)])
        (StartTimes(target='EC2', seconds=60.0, image=None, spread=Spread(low=36.0, high=84.0), jobs=2, billed=None),)
    """
    found: dict[tuple[str, str], list[float]] = {}
    for start in starts:
        found.setdefault((start.target, start.image or ""), []).append(start.seconds)
    return tuple(
        StartTimes(target, round(statistics.median(seconds), 3), image or None, spread_of(seconds), len(seconds))
        for (target, image), seconds in sorted(found.items())
    )


def spread_of(seconds: Sequence[float]) -> Spread | None:
    """Return how much some seconds differ, None of a single one.

    Args:
        seconds: Seconds.

    Example:
        >>> spread_of([1.0, 2.0, 3.0]), spread_of([1.0])
        (Spread(low=1.2, high=2.8), None)
    """
    if len(seconds) < 2:  # noqa: PLR2004 - one alone does not differ
        return None
    tenths = statistics.quantiles(seconds, n=10, method="inclusive")
    return Spread(round(tenths[0], 3), round(tenths[-1], 3))
