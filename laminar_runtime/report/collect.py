"""Makes the report of an execution from its handle, whatever kind of run it is of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from laminar_runtime.causes.texts import is_refused
from laminar_runtime.costs import Cost
from laminar_runtime.failures.record import Failures
from laminar_runtime.handles import ENDED, ExecutionHandle
from laminar_runtime.report.advice import Planner, advise
from laminar_runtime.report.artifacts import ValueReader, list_artifacts
from laminar_runtime.report.layers import PARAMETERS, FlowNames, Reader, add_records, find_layers
from laminar_runtime.report.record import Report, ReportArtifact, ReportLayer
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.timings import Timings

if TYPE_CHECKING:
    from laminar_runtime.configurations.datastores import DataStore
    from laminar_runtime.execution import Execution
    from laminar_runtime.flow import Flow

__all__ = ["collect_report"]

#: The most failures that a page has in full. All are counted.
_FAILURES = 50
#: The entry points that compare plans of a flow: the compiler has one.
_PLANNERS = "laminar_runtime.report.planners"


def collect_report(
    handle: ExecutionHandle, *, flow: Flow | None = None, previews: bool = False, resume: str = ""
) -> Report:
    """Make the report of an execution. What cannot be read is a note in it.

    Args:
        handle: The execution.
        flow: Its flow, if the code is there: its layers, their dependencies and docstrings.
        previews: Whether to read values that are not plain for previews, which runs code of the flow and of whoever
            wrote to the datastore. It needs the flow.
        resume: The command that resumes it; empty for that of the handle.

    Raises:
        LaminarError: If its times cannot be read.
    """
    reader = Reader()
    timings, cost = _measure(handle, reader)
    failures = reader.read("the failures", lambda: handle.failures(most=_FAILURES), Failures())
    store = reader.read("the datastore", lambda: _store(handle, flow), None)
    names = FlowNames(timings, flow)
    layers = tuple(find_layers(flow, store, timings, failures, names, reader))
    found: tuple[ReportArtifact, ...] = ()
    if store is not None:
        layers = reader.read("the records of layers", lambda: tuple(add_records(layers, store, timings, names)), layers)
        read = _value_reader(handle) if previews and flow is not None else None
        found = reader.read("the artifacts", lambda: tuple(_artifacts(store, layers, timings, names, read)), found)
    advice: tuple[str, ...] = ()
    if timings.status in ENDED:
        lines = advise(timings, layers, flow=flow, planner=_planner() if flow is not None else None)
        advice = reader.read("the plans", lambda: tuple(lines), advice)
    refused = any(one.flow in {"", names.all[0]} and is_refused(one.error_class, one.reason) for one in failures)
    return Report(
        timings=timings,
        layers=layers,
        failures=failures,
        artifacts=found,
        cost=cost,
        advice=advice,
        link=str(getattr(handle, "link", "")),
        resume="" if refused else resume or str(getattr(handle, "resume_command", "")),
        refused=refused,
        notes=(*timings.notes, *failures.notes, *reader.notes),
        made=round(time.time() * 1000),
    )


def _store(handle: Any, flow: Flow | None) -> DataStore | None:
    """Return where an execution stores: a handle says it, by its execution or its deployment; else the flow does."""
    execution: Execution | None = getattr(handle, "execution", None)
    if execution is not None:
        return execution.datastore
    root = str(getattr(getattr(handle, "deployment", None), "datastore_root", ""))
    if root:
        from laminar_runtime.configurations import datastores

        return datastores.AWS.S3(root=root)
    return None if flow is None else flow.datastore


def _measure(handle: ExecutionHandle, reader: Reader) -> tuple[Timings, Cost | None]:
    """Return the times of an execution and its cost, by one set of requests where the handle can do that."""
    measure: Callable[[], tuple[Timings, Cost]] | None = getattr(handle, "measure", None)
    if measure is not None:
        return measure()
    return handle.timings(), reader.read("the cost", handle.cost, None)


def _artifacts(
    store: DataStore,
    layers: Sequence[ReportLayer],
    timings: Timings,
    names: FlowNames,
    read: ValueReader | None,
) -> Iterator[ReportArtifact]:
    keys = {
        name: LayerKey(names.of(name), timings.execution, name) for name in (PARAMETERS, *(one.name for one in layers))
    }
    splits: dict[str, list[int]] = {}
    for one in timings.attempts:
        if one.outcome == "succeeded" and one.index is not None:
            splits.setdefault(one.layer, []).append(one.index)
    return list_artifacts(store, keys, splits=splits, read=read)


def _value_reader(handle: ExecutionHandle) -> ValueReader:
    """Return a function that reads the first value of an attribute."""

    def read(layer: str, attribute: str) -> Any:
        from laminar_runtime.configurations.datastores import Accessor

        value = getattr(handle.layer(layer), attribute)
        return value[0] if isinstance(value, Accessor) and len(value) else value

    return read


def _planner() -> Planner | None:
    """Return what compares plans, if the compiler is installed."""
    from importlib.metadata import entry_points

    found = next(iter(entry_points(group=_PLANNERS)), None)
    if found is None:
        return None
    planner: Planner = found.load()
    return planner
