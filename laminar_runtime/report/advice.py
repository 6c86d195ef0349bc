"""What the times of an execution say about its plan, and so what a profile would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from laminar_runtime.report.record import ReportLayer
from laminar_runtime.timings import Timings

if TYPE_CHECKING:
    from laminar_runtime.flow import Flow

__all__ = ["Planner", "advise", "longest_path", "measure"]

#: Returns lines about the plans of a flow with and without measured durations of its layers.
Planner = Callable[["Flow", Mapping[str, float]], Iterable[str]]


def measure(timings: Timings) -> dict[str, float]:
    """Return how many seconds each layer took, from the first start of an attempt to the last end.

    Args:
        timings: The times. A layer with an attempt that has not ended is left out.

    Example:
        >>> from laminar_runtime.timings import Attempt
        >>> splits = [Attempt(layer="A", index=i, started=i * 1000, stopped=4000 + i * 1000) for i in range(3)]
        >>> measure(Timings(flow="F", execution="e", attempts=splits))
        {'A': 6.0}
    """
    begins: dict[str, int] = {}
    ends: dict[str, int] = {}
    unknown: set[str] = set()
    for one in timings.attempts:
        if one.started is None or one.stopped is None:
            unknown.add(one.layer)
            continue
        begins[one.layer] = min(begins.get(one.layer, one.started), one.started)
        ends[one.layer] = max(ends.get(one.layer, one.stopped), one.stopped)
    return {layer: (ends[layer] - begin) / 1000 for layer, begin in begins.items() if layer not in unknown}


def longest_path(layers: Sequence[ReportLayer], seconds: Mapping[str, float]) -> tuple[float, tuple[str, ...]]:
    """Return the longest path of a flow: no plan is shorter.

    Args:
        layers: The layers.
        seconds: How long they take; one that is not there takes no time.

    Example:
        >>> layers = [ReportLayer(name="A"), ReportLayer(name="B", depends=["A"]), ReportLayer(name="C")]
        >>> longest_path(layers, {"A": 1, "B": 2, "C": 2})
        (3.0, ('A', 'B'))
    """
    named = {layer.name: layer for layer in layers}
    ends: dict[str, float] = {}
    before: dict[str, str | None] = {}
    stack = [layer.name for layer in reversed(layers)]
    while stack:
        name = stack[-1]
        missing = [above for above in named[name].depends if above in named and above not in ends]
        if missing and name not in ends:
            stack += missing
            continue
        stack.pop()
        above = [one for one in named[name].depends if one in ends]
        last = max(above, key=ends.__getitem__, default=None)
        before[name] = last
        ends[name] = float(seconds.get(name, 0)) + (ends[last] if last else 0.0)
    found: str | None = max(ends, key=ends.__getitem__, default=None)
    total = ends[found] if found else 0.0
    path: list[str] = []
    while found:
        path.append(found)
        found = before[found]
    return total, tuple(reversed(path))


def advise(
    timings: Timings, layers: Sequence[ReportLayer], *, flow: Flow | None = None, planner: Planner | None = None
) -> Iterator[str]:
    """Yield what the times of an execution say about its plan, a line each.

    Args:
        timings: The times of an execution that has ended.
        layers: The layers of its flow.
        flow: The flow, if its code is there.
        planner: Compares plans of the flow, if the compiler is installed.
    """
    seconds = measure(timings)
    if timings.lasted is None or not seconds or not any(layer.depends for layer in layers):
        return
    total, path = longest_path(layers, seconds)
    share = f" ({100 * total / timings.lasted:.0f} %)" if timings.lasted else ""
    yield (
        f"The longest path of the flow took {total:,.1f} s of {timings.lasted:,.1f} s{share}: {' -> '.join(path)}. "
        "No plan is shorter than that; the rest is waits for capacity, starts, transitions and barriers."
    )
    slowest = max(path, key=lambda name: seconds.get(name, 0))
    yield f"The layer that decides most is {slowest}, with {seconds.get(slowest, 0):,.1f} s."
    if flow is not None and planner is not None:
        yield from planner(flow, seconds)
    elif flow is None:
        command = "laminar report --deployed flow.py"
        yield f"With the flow's file, this page compares the plan with those of a profile: {command}."
