"""Measures past executions, for a profile: how long layers and splits took, and how long jobs took to start.

The records of the datastore have the seconds of each layer, and the notes of its splits those of each split: of
executions on this machine, of rehearsed and of deployed ones. A layer without a record is measured by the attempts of
its deployed execution, and so are starts.
"""

from __future__ import annotations

import json
import math
import statistics
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs

from laminar_codegen.planning.past_starts import Start, spread_of, starts_of_functions, starts_of_jobs
from laminar_codegen.planning.profile import LayerTimes
from laminar_runtime import Execution, Flow, Parameters
from laminar_runtime.configurations.layers import ForEach
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import ExecutionError, MissingError, NotFoundError
from laminar_runtime.timings import Attempt

__all__ = ["Measured", "measure"]

#: The seconds of a layer in an execution, and those of its splits.
_Seconds = tuple[float, Sequence[float]]


@attrs.frozen(eq=False)
class Measured:
    """What past executions of a flow say.

    Args:
        layers: The times of the layers that ended in one, in the order of registration.
        starts: How long jobs took to start.
        notes: What could not be read, a line for each.
    """

    layers: Mapping[str, LayerTimes]
    starts: Sequence[Start] = ()
    notes: Sequence[str] = ()


@attrs.define(eq=False)
class _Samples:
    """What was measured of a layer: in each execution its seconds and the number of its splits, and each split."""

    seconds: list[float] = attrs.field(factory=list)
    counts: list[int] = attrs.field(factory=list)
    # Ten thousand splits of many executions: eight bytes each.
    splits: array[float] = attrs.field(factory=lambda: array("d"))

    def add(self, seconds: float, splits: Sequence[float]) -> None:
        self.seconds.append(seconds)
        if splits:
            self.counts.append(len(splits))
            self.splits.extend(splits)

    def times(self) -> LayerTimes:
        return LayerTimes(
            seconds=round(statistics.median(self.seconds), 3),
            spread=spread_of(self.seconds),
            executions=len(self.seconds),
            split_seconds=round(math.fsum(self.splits) / len(self.splits), 3) if self.splits else None,
            split_spread=spread_of(self.splits),
            splits=round(statistics.median(self.counts)) if self.counts else None,
        )


def measure(flow: Flow, executions: Iterable[str], deployment: Deployment | None = None) -> Measured:
    """Measure the layers of a flow, and the starts of its jobs.

    Args:
        flow: The flow. Its records are read from its datastore.
        executions: The ids of the executions.
        deployment: Its deployment, whose histories and jobs are read for starts, and for layers without a record; None
            to read none.
    """
    samples: dict[str, _Samples] = {name: _Samples() for name in flow.registry if name != Parameters.__name__}
    piped = {name for name in samples if flow.registry[name].configuration.foreach.pipelined}
    starts: list[Start] = []
    notes: dict[str, None] = {}
    for name in executions:
        execution = flow.execution(name)
        found = {layer: noted for layer in samples if (noted := _notes_of(execution, layer)) is not None}
        if deployment is not None:
            # Attempts may be many. They are forgotten before those of the next execution are read.
            timed, begun = _ask_aws(_attempts(deployment, name, flow.name, notes), found, samples.keys(), piped)
            found.update(timed)
            starts += begun
        for layer, (seconds, splits) in found.items():
            samples[layer].add(seconds, splits)
    layers = {layer: found.times() for layer, found in samples.items() if found.seconds}
    return Measured(layers, tuple(starts), tuple(notes))


def _notes_of(execution: Execution, layer: str) -> _Seconds | None:
    """Return the seconds that the tasks of a layer noted, and those of its splits; None if it has not finished."""
    run = execution.layer(layer)
    store, key = execution.datastore, execution.key(run)
    record = store.ledger.read_record(key)
    if record is None:
        return None
    foreach = run.configuration.foreach
    if record.seconds is not None and not foreach:
        return record.seconds, ()
    notes = [f"{key.splits}{name}" for name in store.transport.names(key.splits)]

    def seconds(path: str) -> float | None:
        try:
            noted: Any = json.loads(store.transport.get(path))
        except (MissingError, ValueError):
            return None
        return noted.get("seconds") if isinstance(noted, dict) else None

    splits = [found for found in store.map(seconds, notes) if found is not None]
    if not splits:
        return None if record.seconds is None else (record.seconds, ())
    # Also of a run on this machine, whose record has the seconds of all splits: there only so many run at once.
    return _together(foreach, splits), splits if foreach else ()


def _together(foreach: ForEach, splits: Sequence[float]) -> float:
    """Return the seconds of a fan-out on AWS, by those of its splits."""
    return max(*splits, math.fsum(splits) / _at_once(foreach, len(splits)))


def _at_once(foreach: ForEach, splits: int) -> int:
    """Return how many splits of a fan-out run at once: those of a job one after the other, if they share jobs."""
    jobs = math.ceil(splits / (foreach.splits_per_job or foreach.splits_at_once))
    return min(foreach.max_concurrency or splits, jobs * foreach.splits_at_once)


def _attempts(deployment: Deployment, execution: str, flow: str, notes: dict[str, None]) -> tuple[Attempt, ...]:
    """Return the attempts of a flow in a deployed execution; none if AWS does not know it, or says nothing of it."""
    try:
        timings = deployment.execution(execution).timings()
    except NotFoundError:
        notes[f"the deployment '{deployment.name}' has no execution {execution}: its starts are unknown"] = None
        return ()
    except ExecutionError as error:
        notes[str(error)] = None
        return ()
    notes.update(dict.fromkeys(timings.notes))
    return tuple(one for one in timings.attempts if one.flow in {"", flow})


def _ask_aws(
    attempts: Sequence[Attempt], found: Mapping[str, _Seconds], layers: Collection[str], piped: Collection[str]
) -> tuple[dict[str, _Seconds], list[Start]]:
    """Return the seconds of layers that are not found yet, by their attempts, and the starts of jobs and functions."""
    code = {layer: seconds for layer, (seconds, _) in found.items()}
    starts = [*starts_of_jobs(attempts, piped), *starts_of_functions(attempts, code)]
    return _by_attempts(attempts, [layer for layer in layers if layer not in found]), starts


def _by_attempts(attempts: Iterable[Attempt], layers: Iterable[str]) -> dict[str, _Seconds]:
    """Return the seconds of layers, and of their splits, by their attempts that succeeded.

    The start of Python and the import of the flow are among them. A layer that shared a job has no attempts of its own.
    """
    wanted = frozenset(layers)
    sharing: dict[str, set[str]] = {}
    ran: dict[str, list[Attempt]] = {}
    for one in attempts:
        if one.job:
            sharing.setdefault(one.job, set()).add(one.layer)
        if one.layer in wanted and one.outcome == "succeeded" and one.ran is not None:
            ran.setdefault(one.layer, []).append(one)
    found: dict[str, _Seconds] = {}
    for layer, ended in ran.items():
        if any(len(sharing.get(one.job, ())) > 1 for one in ended):
            continue
        seconds = [one.ran or 0.0 for one in ended]
        # Children that claim splits are not attempts at one.
        found[layer] = max(seconds), seconds if all(one.index is not None for one in ended) else ()
    return found
