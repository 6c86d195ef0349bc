"""The layers of an execution for its page: their dependencies, and how far they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from laminar_runtime import _records
from laminar_runtime.exceptions import LaminarError
from laminar_runtime.failures.record import Failures
from laminar_runtime.handles import ENDED
from laminar_runtime.report.record import LayerState, ReportLayer
from laminar_runtime.storage import runs
from laminar_runtime.storage.graphs import read_graph
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.timings import Attempt, Timings

if TYPE_CHECKING:
    from laminar_runtime.configurations.datastores import DataStore
    from laminar_runtime.flow import Flow

__all__ = ["PARAMETERS", "FlowNames", "Reader", "add_records", "find_layers"]

Value = TypeVar("Value")

PARAMETERS = "Parameters"


class Reader:
    """Reads parts of a report, and notes those that cannot be read."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def read(self, what: str, read: Callable[[], Value], default: Value) -> Value:
        """Return what a function reads, or a default if it cannot.

        Args:
            what: What it reads, for the note.
            read: The function.
            default: The default.
        """
        try:
            return read()
        except (LaminarError, OSError) as error:
            self.notes.append(f"{what} cannot be read: {error}")
        except Exception as error:  # noqa: BLE001 - a page with a note is better than none
            self.notes.append(f"{what} cannot be read: {type(error).__name__}: {error}")
        return default


class FlowNames:
    """The names of the flows of an execution, by which a datastore has its layers: a chain has several.

    Args:
        timings: The attempts, each of which may name its flow.
        flow: The flow, if its code is there.
    """

    def __init__(self, timings: Timings, flow: Flow | None = None) -> None:
        self._known = {one.layer: one.flow for one in timings.attempts if one.flow}
        first = next(iter(self._known.values()), timings.flow) if flow is None else flow.name
        #: The names, that of the flow itself first.
        self.all = tuple(dict.fromkeys([first, *self._known.values()]))

    def of(self, layer: str) -> str:
        """Return the name of the flow of a layer.

        Args:
            layer: The layer's name.
        """
        return self._known.get(layer, self.all[0])


def find_layers(  # noqa: PLR0913, PLR0917 - all that may know them
    flow: Flow | None,
    store: DataStore | None,
    timings: Timings,
    failures: Failures,
    names: FlowNames,
    reader: Reader,
) -> Iterator[ReportLayer]:
    """Yield the layers of an execution: by the flow's code, else by the note of the execution, else by its attempts.

    Args:
        flow: The flow, if its code is there.
        store: The datastore, if it can be read.
        timings: The attempts, which say how far layers are.
        failures: The failures, which know the number of splits.
        names: The names of the flows of the execution.
        reader: Reads the note.
    """
    last = _last_attempts(timings)
    for layer in _layers(flow, store, timings, names, reader):
        yield _records.evolve(layer, **_state(layer.name, last.get(layer.name, {}), failures))


def _layers(
    flow: Flow | None, store: DataStore | None, timings: Timings, names: FlowNames, reader: Reader
) -> Iterator[ReportLayer]:
    if flow is not None:
        yield from _layers_of_flow(flow)
        return
    noted: list[ReportLayer] = []
    if store is not None:
        noted = reader.read("the graph", lambda: _layers_of_notes(store, timings, names), noted)
    if not noted:
        reader.notes.append("the dependencies of layers are not known here: give the flow's file to see them")
    known = {layer.name for layer in noted}
    yield from noted
    yield from (
        ReportLayer(name=name) for name in dict.fromkeys(one.layer for one in timings.attempts) if name not in known
    )


def _layers_of_flow(flow: Flow) -> Iterator[ReportLayer]:
    from laminar_runtime.configurations.hooks import annotation

    for name, definition in flow.registry.items():
        if name == PARAMETERS:
            continue
        foreach = definition.configuration.foreach
        yield ReportLayer(
            name=name,
            depends=tuple(one for one in flow.registry if one in flow.dependencies_of(name) and one != PARAMETERS),
            over=tuple(f"{one.name}.{one.attribute}" for one in foreach.parameters),
            pipelined=foreach.pipelined,
            optional=any(annotation.kind_of(hook) == "entry" for hook in definition.hooks),
            summary=(definition.layer.__doc__ or "").strip().partition("\n")[0],
        )


def _layers_of_notes(store: DataStore, timings: Timings, names: FlowNames) -> list[ReportLayer]:
    """Return the layers that the execution itself has noted, with the flow's code. Any code may have written it."""
    return [layer for name in names.all for layer in _layers_of_note(store, name, timings.execution)]


def _layers_of_note(store: DataStore, flow: str, execution: str) -> list[ReportLayer]:
    return [
        ReportLayer(
            name=str(name),
            depends=tuple(str(one) for one in facts["after"] if one != PARAMETERS),
            over=tuple(str(one) for one in facts.get("over", ())),
            pipelined=bool(facts.get("pipelined")),
            optional=bool(facts.get("optional")),
            summary=str(facts.get("summary", "")),
        )
        for name, facts in (read_graph(store.transport, flow, execution) or {}).items()
        if name != PARAMETERS
    ]


def _last_attempts(timings: Timings) -> dict[str, dict[int | None, Attempt]]:
    """Return the last attempt at each split, by the name of its layer and by its index."""
    last: dict[str, dict[int | None, Attempt]] = {}
    for one in sorted(timings.attempts, key=lambda one: (one.created or 0, one.attempt)):
        last.setdefault(one.layer, {})[one.index] = one
    return last


def _state(layer: str, last: Mapping[int | None, Attempt], failures: Failures) -> dict[str, Any]:
    """Return the state and the number of splits of a layer, by the last attempts at its splits."""
    if not last:
        return {}
    splits = max([len(last), *(one.splits for one in failures if one.layer == layer)])
    return {"state": _state_of([one.outcome for one in last.values()]), "splits": splits}


def _state_of(outcomes: Iterable[str]) -> LayerState:
    found = set(outcomes)
    if "failed" in found:
        return "failed"
    if "stopped" in found:
        return "stopped"
    if found == {"succeeded"}:
        return "succeeded"
    return "running" if found & {"running", "succeeded"} else "waiting"


def add_records(
    layers: Iterable[ReportLayer], store: DataStore, timings: Timings, names: FlowNames
) -> Iterator[ReportLayer]:
    """Yield layers with what their records say: one without attempts may have finished before, or be skipped.

    Args:
        layers: The layers.
        store: The datastore.
        timings: The execution.
        names: The names of the flows of the execution.
    """
    skipped, ran_first = timings.status == "SUCCEEDED", _is_first_run(store, timings)
    for layer in layers:
        key = LayerKey(names.of(layer.name), timings.execution, layer.name)
        record = store.ledger.read_record(key)
        if record is None:
            yield (
                _records.evolve(layer, state="skipped")
                if layer.state == "not run" and skipped
                else _add_commits(layer, store, key, timings)
            )
        elif layer.state == "not run":
            # Of a run that was killed, the times of its last attempts are not known.
            before: LayerState = "succeeded" if ran_first else "finished before"
            yield _records.evolve(layer, state=before, splits=record.splits)
        else:
            # A fan-out that tolerates failures has finished with them.
            state: LayerState = "succeeded" if layer.state in {"failed", "stopped"} else layer.state
            yield _records.evolve(layer, state=state, splits=record.splits)


def _is_first_run(store: DataStore, timings: Timings) -> bool:
    """Return whether the execution ran on a machine, and was not resumed."""
    run = runs.read(store.transport, timings.flow, timings.execution)
    return run is not None and run.started_by != "resume"


def _add_commits(layer: ReportLayer, store: DataStore, key: LayerKey, timings: Timings) -> ReportLayer:
    """Return a layer that has not finished, with its splits that have: nobody may have noted their times."""
    names = (name.removesuffix(".json") for name in store.transport.names(key.splits))
    found = [int(name) for name in names if name.isdecimal()]
    if not found:
        return layer
    state: LayerState = layer.state
    if state == "not run":
        state = "failed" if timings.status in ENDED else "running"
    return _records.evolve(layer, state=state, splits=max(layer.splits or 0, max(found) + 1))
