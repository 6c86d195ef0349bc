"""Tests of flows: run a flow in memory, run one layer with given artifacts, and look at results and failures.

The functions are fixtures for pytest, too, which a ``conftest.py`` opts into::

    pytest_plugins = ["laminar_runtime.testing"]

A run leaves nothing behind. All layers run in this process, whatever their executors, so that errors of their code
reach the test unchanged, and a debugger stops in them. Waits between attempts are left out.
`laminar_codegen.rehearsal.testing` has the fixture that rehearses a flow: it deploys it to an embedded AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, overload

import pytest

from laminar_runtime import _records
from laminar_runtime.configurations import datastores, executors, flows, schedulers
from laminar_runtime.exceptions import FlowError
from laminar_runtime.execution import Execution
from laminar_runtime.failures.record import Failures
from laminar_runtime.failures.tracebacks import Note
from laminar_runtime.flow import Flow
from laminar_runtime.layer import Layer, Parameters
from laminar_runtime.storage.layout import LayerKey

__all__ = ["fail_flow", "fail_layer", "run_flow", "run_layer", "shards", "splits"]

LayerT = TypeVar("LayerT", bound=Layer)
#: The artifacts of layers, by the layer, or its name, and the attribute. None stands for a layer that was skipped.
Given = Mapping[type[Layer] | str, Mapping[str, Any] | None]

#: The id of executions.
_ID = "test"


@_records.frozen
class _Values:
    """The values of one attribute: of all shards of a layer, or one of each split of a fan-out."""

    values: tuple[Any, ...]
    of_splits: bool


def shards(values: Iterable[Any]) -> Any:
    """Return an artifact of `run_layer` that its layer stored by ``self.shard``: readers get one item after the other.

    Args:
        values: The items.
    """
    return _Values(tuple(values), of_splits=False)


def splits(values: Iterable[Any]) -> Any:
    """Return an artifact of `run_layer` that each split of a fan-out assigned.

    Args:
        values: The value of each split. All attributes of the layer need as many.
    """
    return _Values(tuple(values), of_splits=True)


def run_flow(flow: Flow | type[Flow], /, **parameters: Any) -> Execution:
    """Run a flow in memory.

    Args:
        flow: The flow, or its class.
        **parameters: The flow's parameters.

    Returns:
        The execution: ``execution.layer(Load).rows`` is an artifact.

    Raises:
        Exception: What a layer raises, unchanged.

    Example:
        >>> class Sums(Flow): ...
        >>> @Sums.register
        ... class Add(Layer):
        ...     def __call__(self, parameters: Parameters) -> None:
        ...         self.total = sum(parameters.numbers)
        >>> run_flow(Sums, numbers=[1, 2, 3]).layer(Add).total
        6
    """
    return _run(_in_memory(flow), parameters)


def fail_flow(flow: Flow | type[Flow], /, **parameters: Any) -> Failures:
    """Run a flow in memory that must fail, and return its failures.

    Args:
        flow: The flow, or its class.
        **parameters: The flow's parameters.

    Returns:
        The failures, each with the layer, the split, the attempt, the class of the error, its message and its frame.

    Raises:
        AssertionError: If it succeeds.

    Example:
        >>> class Sums(Flow): ...
        >>> @Sums.register
        ... class Divide(Layer):
        ...     def __call__(self, parameters: Parameters) -> None:
        ...         self.quotient = 1 / parameters.number
        >>> print(fail_flow(Sums, number=0).shown[0].headline)
        layer 'Divide' of flow 'Sums' failed on attempt 1: ZeroDivisionError: division by zero
    """
    return _fail(_in_memory(flow), parameters)


@overload
def run_layer(
    flow: Flow | type[Flow], layer: type[LayerT], given: Given | None = ..., /, **parameters: Any
) -> LayerT: ...
@overload
def run_layer(flow: Flow | type[Flow], layer: str, given: Given | None = ..., /, **parameters: Any) -> Any: ...
def run_layer(
    flow: Flow | type[Flow], layer: type[Layer] | str, given: Given | None = None, /, **parameters: Any
) -> Any:
    """Run one layer of a flow in memory, with its hooks, its splits and its attempts; no other layer runs.

    Args:
        flow: The flow, or its class.
        layer: The layer, or its name.
        given: The artifacts of the layers that it depends on, by layer and attribute; see `shards` and `splits`. None
            in place of them stands for a layer that was skipped. Other layers finished and assigned nothing.
        **parameters: The flow's parameters.

    Returns:
        The layer: its attributes are its artifacts, and ``state.finished`` says whether it ran.

    Raises:
        Exception: What the layer raises, unchanged.
        FlowError: If the flow has no such layer.

    Example:
        >>> class Report(Flow): ...
        >>> @Report.register
        ... class Load(Layer):
        ...     def __call__(self) -> None:
        ...         raise OSError("no network in a test")
        >>> @Report.register
        ... class Count(Layer):
        ...     def __call__(self, load: Load) -> None:
        ...         self.rows = len(load.rows)
        >>> run_layer(Report, Count, {Load: {"rows": [1, 2, 3]}}).rows
        3
    """
    made, name = _prepare(flow, layer, given or {})
    return _run(made, parameters).layer(name)


def fail_layer(
    flow: Flow | type[Flow], layer: type[Layer] | str, given: Given | None = None, /, **parameters: Any
) -> Failures:
    """Run one layer of a flow in memory that must fail, and return its failures. It takes what `run_layer` takes.

    Args:
        flow: The flow, or its class.
        layer: The layer, or its name.
        given: The artifacts of the layers that it depends on.
        **parameters: The flow's parameters.

    Raises:
        AssertionError: If it succeeds.
    """
    made, _ = _prepare(flow, layer, given or {})
    return _fail(made, parameters)


class _Scheduler(schedulers.Scheduler):
    """Runs an execution, or one layer of it.

    Args:
        only: The name of that layer; empty for all layers.
    """

    def __init__(self, only: str = "") -> None:
        super().__init__()
        self._only = only

    def check_new(self, *, execution: Execution) -> None:
        """Accept artifacts: they were given."""

    def skippable(self, *, execution: Execution, runnable: set[str], finished: set[str]) -> tuple[set[str], set[str]]:
        """Separate the layers that do not run."""
        others = {name for name in runnable if self._only and name != self._only}
        runnable, finished = super().skippable(execution=execution, runnable=runnable - others, finished=finished)
        return runnable, finished | others


def _in_memory(flow: Flow | type[Flow], only: str = "") -> Flow:
    """Return a copy of a flow that runs in this process and leaves nothing behind."""
    own = flow() if isinstance(flow, type) else flow
    store = datastores.Memory(pickle=own.configuration.datastore.pickle)
    store.protocols.update(own.configuration.datastore.protocols)
    made = type(own).__new__(type(own))
    made.__dict__.update(vars(own))
    made.configuration = flows.Configuration(
        store, executors.Thread(), _Scheduler(only), own.configuration.container, own.configuration.timeout
    )
    made.execution = Execution(None, made)
    registered = {name: _in_process(definition) for name, definition in own.registry.items()}
    vars(made)["registry"] = registered
    made._keep_in(store)  # noqa: SLF001 - one unit
    return made


def _in_process(definition: Any) -> Any:
    """Return the definition of a layer that runs in this process, whose attempts follow each other at once."""
    own = definition.configuration
    retry = _records.copy(own.retry, delay=0.0, jitter=0.0)
    return _records.evolve(definition, given=_records.copy(own, executor=None, retry=retry))


def _run(flow: Flow, parameters: Mapping[str, Any]) -> Execution:
    try:
        return flow(_ID, **parameters)
    except Exception as error:
        notes = getattr(error, "__notes__", [])
        # Nothing is left that could be resumed.
        notes[:] = [note for note in notes if not (isinstance(note, Note) and note.startswith("Resume "))]
        raise


def _fail(flow: Flow, parameters: Mapping[str, Any]) -> Failures:
    try:
        _run(flow, parameters)
    except Exception:
        failures = flow.execution(_ID).failures()
        if not failures:  # the flow is declared incorrectly, or the fault is that of the test
            raise
        return failures
    raise AssertionError(f"flow '{flow.name}' was expected to fail, and succeeded")


def _prepare(flow: Flow | type[Flow], layer: type[Layer] | str, given: Given) -> tuple[Flow, str]:
    """Return a flow in memory that has artifacts, and runs one layer only; and the name of the layer."""
    name = layer if isinstance(layer, str) else layer.__name__
    made = _in_memory(flow, only=name)
    named = {one if isinstance(one, str) else one.__name__: artifacts for one, artifacts in given.items()}
    known = made.registry.keys() - {Parameters.__name__}
    if unknown := sorted({name, *named} - known):
        what = ", ".join(f"'{one}'" for one in unknown)
        raise FlowError(f"flow '{made.name}' has no layer {what}. Its layers: {', '.join(sorted(known))}")
    for one in known - {name}:
        if (artifacts := named.get(one, {})) is not None:
            _store(made.datastore, LayerKey(made.name, _ID, one), artifacts)
    return made, name


def _store(store: datastores.DataStore, key: LayerKey, artifacts: Mapping[str, Any]) -> None:
    """Store the artifacts of a layer that finished."""
    counts = {len(value.values) for value in artifacts.values() if isinstance(value, _Values) and value.of_splits}
    if len(counts) > 1:
        raise FlowError(f"the attributes of layer '{key.layer}' have different numbers of splits: {sorted(counts)}")
    for name, value in artifacts.items():
        if not isinstance(value, _Values):
            store.write(key, index=0, name=name, values=[value], sharded=False)
        elif value.of_splits:
            for index, item in enumerate(value.values):
                store.write(key, index=index, name=name, values=[item], sharded=False)
        else:
            store.write(key, index=0, name=name, values=value.values, sharded=True)
    store.ledger.write_record(key, splits=next(iter(counts), 1))


@pytest.fixture(name="run_flow")
def _run_flow() -> Callable[..., Execution]:
    """Run a flow in memory: see `run_flow`."""
    return run_flow


@pytest.fixture(name="fail_flow")
def _fail_flow() -> Callable[..., Failures]:
    """Run a flow in memory that must fail: see `fail_flow`."""
    return fail_flow


@pytest.fixture(name="run_layer")
def _run_layer() -> Callable[..., Any]:
    """Run one layer with given artifacts: see `run_layer`."""
    return run_layer


@pytest.fixture(name="fail_layer")
def _fail_layer() -> Callable[..., Failures]:
    """Run one layer that must fail: see `fail_layer`."""
    return fail_layer
