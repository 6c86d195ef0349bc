"""Run one task: a layer, or one split of one. The same code serves threads, processes, containers and functions."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from laminar_runtime import task_environment, types
from laminar_runtime.blocks import add_note, block
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.layers import Configuration
from laminar_runtime.exceptions import LayerError
from laminar_runtime.identifiers import new_attempt
from laminar_runtime.layer import Layer
from laminar_runtime.process.endings import Ended
from laminar_runtime.splits import fanout
from laminar_runtime.storage.archives import Archive
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks import attempts
from laminar_runtime.tasks.assignments import Assigned, assigning

if TYPE_CHECKING:
    from laminar_runtime.configurations.executors.tasks import Permit
    from laminar_runtime.execution import Execution

__all__ = ["has_finished", "run_layer"]


def has_finished(datastore: DataStore, key: LayerKey, context: TaskContext) -> bool:
    """Return whether a task ran to its end, in this or an earlier attempt.

    Args:
        datastore: The flow's datastore.
        key: The layer.
        context: The task.

    Raises:
        DamagedError: If its commit or record is damaged.
    """
    if context.splits != 1:
        return datastore.ledger.read_split(key, index=context.index) is not None
    return datastore.ledger.read_commit(key, index=0) is not None


def run_layer(execution: Execution, layer: Layer, context: TaskContext, permit: Permit | None = None) -> None:
    """Run one task in this process: bind its dependencies, call it, store its artifacts and commit it.

    It does not run again what finished before: a split, or a layer of a resumed execution. If another run of the task
    finishes meanwhile, this one ends without an error, and nobody reads its artifacts.

    Args:
        execution: The execution.
        layer: An instance of the layer, with the split's index.
        context: The task.
        permit: Withdrawn by an executor that gives the task up; the task leaves no commit then.

    Raises:
        Exception: What the layer or its hooks raise, except for what its configuration catches.
    """
    store, key, fans_out = execution.datastore, execution.key(layer), bool(layer.configuration.foreach)
    # Of a pipeline the only split is run by a job, as one of many is, and so it may have been run before.
    again = context.splits != 1 or fans_out or context.retry
    if not (again and has_finished(store, key, context)):
        context = attempts.begin_attempt(store, key, context, layer)
        if context.run:
            layer.__dict__["attempt"] = context.attempt
        with task_environment.activate(context), attempts.failing(store, key, context, layer):
            commit = _attempt(execution, layer, context)
            with permit.hold() if permit else contextlib.nullcontext(True) as permitted:  # noqa: FBT003
                if not permitted:
                    return
                store.ledger.commit(key, index=context.index, commit=commit, fans_out=fans_out)
    if fans_out and context.splits == 1 and store.ledger.read_record(key) is None:
        store.ledger.write_record(key, splits=1)


def _attempt(execution: Execution, layer: Layer, context: TaskContext) -> Commit:
    """Run a layer once, and return its commit."""
    started = time.monotonic()
    attempt = layer._private.attempt = new_attempt(context.attempt)  # noqa: SLF001 - one unit
    with _with_guard(execution, layer, context) as guarded:
        archives = _call(guarded, layer, context)
    return Commit(attempt, archives, round(time.monotonic() - started, 3))


def _call(execution: Execution, layer: Layer, context: TaskContext) -> dict[str, Archive]:
    """Call a layer, store what it assigns, and return the archives by name."""
    private, store, key = layer._private, execution.datastore, execution.key(layer)  # noqa: SLF001 - one unit
    dependencies = _dependencies(execution, layer, context)
    assigned = Assigned()
    caught: list[BaseException] = []
    try:
        with (
            _hooks(execution, layer),
            _staying(layer),
            _forgiving(layer.configuration, caught),
            assigning(layer) as assigned,
        ):
            layer(*dependencies)
    except BaseException as error:
        for failure in _store(layer, store, key, assigned, context.index):
            add_note(error, f"Besides, {failure}")
        raise
    failures = _store(layer, store, key, assigned, context.index)
    if failures:
        for failure in failures[1:]:
            failures[0].add_note(f"Besides, {failure}")
        for taken in caught:
            failures[0].add_note(f"Before that, the layer's Catch caught {type(taken).__name__}: {taken}")
        raise failures[0]
    return private.archives


def _hooks(execution: Execution, layer: Layer) -> contextlib.AbstractContextManager[object]:
    """Call the execution hooks of a layer around the ``with`` block."""
    if not layer.definition.hooks:
        return contextlib.nullcontext()
    from laminar_runtime.tasks import layer_hooks  # most layers have no hooks

    return layer_hooks.calling(execution, layer, "execution")


def _store(layer: Layer, store: DataStore, key: LayerKey, assigned: Assigned, index: int) -> list[Exception]:
    """Store what was assigned, and note its archives.

    Returns:
        The errors of what could not be stored.
    """
    private = layer._private  # noqa: SLF001 - one unit
    failures: list[Exception] = list(assigned.refused)
    for name, value in assigned.artifacts.items():
        try:
            private.archives[name] = store.write(
                key, index=index, name=name, values=[value], sharded=False, attempt=private.attempt
            )
        except Exception as error:  # noqa: BLE001 - reported with those of others
            failures.append(error)
    return failures


@block
def _with_guard(execution: Execution, layer: Layer, context: TaskContext) -> Iterator[Execution]:
    """Yield the execution as a task sees it: in a split of a pipelined layer, without what may not be there yet.

    A split that reads such a layer fails at its end too, even if the layer, `Catch` or a hook caught the error.
    """
    if not layer.configuration.foreach.pipelined:
        yield execution
        return
    from laminar_runtime.tasks.pipelines import Guard

    guard = Guard(execution.flow, context)
    guarded = execution.with_guard(guard)
    layer.__dict__["execution"] = guarded
    try:
        yield guarded
    finally:
        refused = guard.close()
    if refused is not None:
        raise LayerError(refused)


def _dependencies(execution: Execution, layer: Layer, context: TaskContext) -> list[Layer]:
    """Return the layers that ``__call__`` names. Of what the layer fans out over, they show this split's element."""
    cls = type(layer)
    named = types.names(cls.__call__, execution.classes, layer=layer.name, flow=execution.flow_name)
    found = {name: execution.layer(name) for name in named}
    foreach, key = layer.configuration.foreach, execution.key(layer)
    if not foreach and task_environment.on_aws(os.environ):
        # The planner has looked at what a fan-out depends on.
        from laminar_runtime.tasks import upstream

        upstream.check(execution, layer, found)
    if foreach:
        for parameter, artifact in fanout.elements(execution.datastore, key, foreach, context.index):
            if parameter.name in found:
                found[parameter.name]._private.elements[parameter.attribute] = artifact  # noqa: SLF001 - one unit
    return [found[name] for name in named]


@block
def _forgiving(configuration: Configuration, caught: list[BaseException]) -> Iterator[None]:
    try:
        yield
    except configuration.catch.exceptions as error:
        caught.append(error)


@block
def _staying(layer: Layer) -> Iterator[None]:
    """Raise an error if a layer exits the process: its task has not run to its end, whatever the exit code says."""
    try:
        yield
    except Ended:
        raise
    except SystemExit as error:
        raise LayerError(
            f"layer '{layer.name}' called sys.exit({error.code!r}): return from the layer, or raise an error"
        ) from error
