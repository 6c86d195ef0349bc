"""Runs one task: a layer, or one split of one. The same code serves threads, processes, containers and functions."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from laminar_runtime import task_environment, types
from laminar_runtime.configurations.datastores import DataStore, Local, Memory
from laminar_runtime.configurations.executors.tasks import Permit
from laminar_runtime.configurations.hooks import annotation, event
from laminar_runtime.configurations.layers import Configuration
from laminar_runtime.exceptions import FlowError, LayerError, UnfinishedError
from laminar_runtime.identifiers import new_attempt
from laminar_runtime.layer import Layer, Parameters
from laminar_runtime.process.endings import Ended
from laminar_runtime.programs import importing, loading
from laminar_runtime.splits import fanout
from laminar_runtime.storage.archives import Archive
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks import attempts
from laminar_runtime.tasks.assignments import Assigned, assigning

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = [
    "check_kept",
    "check_known",
    "claim",
    "finished",
    "hooked",
    "hooks_of",
    "reporting",
    "requested",
    "run_layer",
    "underway",
]


def finished(datastore: DataStore, key: LayerKey, context: TaskContext) -> bool:
    """Whether a task ran to its end, in this or an earlier attempt.

    Args:
        datastore: The flow's datastore.
        key: The layer.
        context: The task.

    Raises:
        DamagedError: If what says so is damaged.
    """
    if context.splits != 1:
        return datastore.ledger.read_split(key, index=context.index) is not None
    return datastore.ledger.read_commit(key, index=0) is not None


def hooks_of(layer: Layer, kind: annotation.Kind) -> list[Callable[..., Any]]:
    """The hooks of a kind that a layer has, in the order in which they are called.

    Args:
        layer: The layer.
        kind: The kind of hook.
    """
    return [hook for hook in layer.definition.hooks if annotation.kind_of(hook) == kind]


def hooked(execution: Execution, layer: Layer, kind: annotation.Kind) -> contextlib.ExitStack:
    """Call the hooks of a kind, those that are generators around the ``with`` block.

    Args:
        execution: The execution.
        layer: The layer they are called on.
        kind: The kind of hook.

    Raises:
        FlowError: If a submission hook sets how the layer is retried.
    """
    return event.around(_with_arguments(execution, layer, kind))


def _with_arguments(
    execution: Execution, layer: Layer, kind: annotation.Kind
) -> Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Each hook with its arguments; when the next one is asked for, it has been called."""
    for hook in hooks_of(layer, kind):
        retry = layer.configuration.retry
        yield hook, (layer, *types.dependencies(execution, hook))
        if kind == "submission" and layer.configuration.retry != retry:
            raise FlowError(
                f"submission hook '{hook.__name__}' of layer '{layer.name}' sets configuration.retry, which counts "
                "before a task is submitted: give it when the layer is registered, or set it in a retry hook"
            )


def run_layer(execution: Execution, layer: Layer, context: TaskContext, permit: Permit | None = None) -> None:
    """Run one task in this process: bind its dependencies, call it, store its artifacts, note that it finished.

    A split that finished in this execution before is not run again, nor is a layer of a resumed execution that did. If
    another run of the task finishes meanwhile, this one ends well, and nothing of it is read.

    Args:
        execution: The execution.
        layer: An instance of the layer, with the split's index.
        context: The task.
        permit: What an executor withdraws that gives the task up: it leaves nothing then.

    Raises:
        Exception: Whatever the layer or its hooks raise, but for what its configuration catches.
    """
    store, key, fans_out = execution.datastore, execution.key(layer), bool(layer.configuration.foreach)
    # Of a pipeline the only split is run by a job, as one of many is, and so it may have been run before.
    again = context.splits != 1 or fans_out or context.retry
    if not (again and finished(store, key, context)):
        context = attempts.counted(store, key, context, layer)
        if context.run:
            layer.__dict__["attempt"] = context.attempt
        with task_environment.activate(context), attempts.failing(store, key, context, layer):
            commit = _attempt(execution, layer, context)
            with (permit or Permit()).used() as permitted:
                if not permitted:
                    return
                store.ledger.commit(key, index=context.index, commit=commit, fans_out=fans_out)
    if fans_out and context.splits == 1 and store.ledger.read_record(key) is None:
        store.ledger.write_record(key, splits=1)


def _attempt(execution: Execution, layer: Layer, context: TaskContext) -> Commit:
    """Run a layer once, and give what it leaves."""
    started = time.monotonic()
    attempt = layer._private.attempt = new_attempt(context.attempt)  # noqa: SLF001 - one unit
    with _guarded(execution, layer, context) as guarded:
        archives = _call(guarded, layer, context)
    return Commit(attempt, archives, round(time.monotonic() - started, 3))


def _call(execution: Execution, layer: Layer, context: TaskContext) -> dict[str, Archive]:
    """Call a layer, store what it assigns, and give the archives of that."""
    private, store, key = layer._private, execution.datastore, execution.key(layer)  # noqa: SLF001 - one unit
    dependencies = _dependencies(execution, layer, context)
    assigned = Assigned()
    caught: list[BaseException] = []
    try:
        with (
            hooked(execution, layer, "execution"),
            _staying(layer),
            _forgiving(layer.configuration, caught),
            assigning(layer) as assigned,
        ):
            layer(*dependencies)
    except BaseException as error:
        for failure in _store(layer, store, key, assigned, context.index):
            error.add_note(f"Besides, {failure}")
        raise
    failures = _store(layer, store, key, assigned, context.index)
    if failures:
        for failure in failures[1:]:
            failures[0].add_note(f"Besides, {failure}")
        for taken in caught:
            failures[0].add_note(f"That was after {type(taken).__name__}: {taken}, which the layer's Catch takes")
        raise failures[0]
    return private.archives


def _store(layer: Layer, store: DataStore, key: LayerKey, assigned: Assigned, index: int) -> list[Exception]:
    """Store what was assigned, as far as it can be, and note its archives.

    Returns:
        What kept the rest from being stored.
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


@contextlib.contextmanager
def _guarded(execution: Execution, layer: Layer, context: TaskContext) -> Iterator[Execution]:
    """The execution as a task sees it: in a split of a pipelined layer, without what may not be there yet.

    A split that asked for that fails at its end, too, whoever took the error that it got: the layer, `Catch` or hooks.
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
    """The layers that ``__call__`` names, each attribute that is fanned out over being this split's element of it."""
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


@contextlib.contextmanager
def _forgiving(configuration: Configuration, caught: list[BaseException]) -> Iterator[None]:
    try:
        yield
    except configuration.catch.exceptions as error:
        caught.append(error)


@contextlib.contextmanager
def _staying(layer: Layer) -> Iterator[None]:
    """Have a layer that exits the process fail: its task has not run to its end, whatever the exit code says."""
    try:
        yield
    except Ended:
        raise
    except SystemExit as error:
        raise LayerError(f"layer '{layer.name}' called sys.exit({error.code!r}): return from it, or raise") from error


class reporting:  # noqa: N801 - it is called in a with statement
    """Has an error that ends the task known, while it goes on from the ``with`` block.

    It is reported in the file that whoever started the process asked for, and is then told there, so this process does
    not print it. The process is to fail, too, also if the flow's file goes on and ends as if nothing had happened.
    """

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, (GeneratorExit, Ended)):
            return
        from laminar_runtime.failures import tracebacks

        tracebacks.trim(error)
        path = os.environ.get(task_environment.ERROR_FILE)
        if isinstance(error, Exception):
            _errors[os.getpid()] = error, bool(path)
        if path:
            from pathlib import Path

            from laminar_runtime.failures import reports

            reports.write(Path(path), error, attempt=int(os.environ.get(task_environment.LAYER_ATTEMPT) or 0))
            _leave_to_reader(error)


def _leave_to_reader(error: BaseException) -> None:
    """Have Python not print an error at the end of this process."""
    printed = sys.excepthook

    def hook(kind: type[BaseException], value: BaseException, traceback: TracebackType | None) -> None:
        if value is not error:
            printed(kind, value, traceback)

    sys.excepthook = hook


def claim(flow: str, *, linking: bool = False) -> TaskContext | None:
    """Take the task that this process was started for, if it is one of a flow and was not taken before.

    To make the parameters of a flow that follows another one is a task too: that of its `Parameters`.

    A file may be read again, as when a pickle imports it, and in a process that the task starts, as multiprocessing
    does. So that its task runs once, the environment, which such processes inherit, says who took it.

    Args:
        flow: The flow's name.
        linking: Whether its parameters can be made here.

    Returns:
        The task, None if there is nothing to run.
    """
    context = TaskContext.parse(os.environ)
    if context is None or context.flow != flow or task_environment.TAKEN in os.environ:
        return None
    if importing.runs_no_task(sys._getframe(1)):  # noqa: SLF001 - what the flow is asked by
        return None
    if context.layer == Parameters.__name__ and not linking:
        return None
    os.environ[task_environment.TAKEN] = str(os.getpid())
    return context


#: Whether this process runs the task that it took.
_underway = False


@contextlib.contextmanager
def underway() -> Iterator[None]:
    """Have the task be run by the ``with`` block: flows that its layer calls, in whatever thread, are launched."""
    global _underway  # noqa: PLW0603 - the layer's threads are none of ours
    _underway = True
    try:
        with _leaving():
            yield
    finally:
        _underway = False


@contextlib.contextmanager
def _leaving() -> Iterator[None]:
    """Have ``os._exit(0)`` fail the process: the task has not run to its end, and whoever started it takes 0 for done.

    Processes that are forked from this one end as they like.
    """
    leave, process = os._exit, os.getpid()

    def fail(status: int) -> NoReturn:
        if status == 0 and os.getpid() == process:
            sys.stderr.write("a layer called os._exit(0) before it ended, which fails its task: return from it\n")
            sys.stderr.flush()
            status = 1
        leave(status)

    os._exit = fail
    try:
        yield
    finally:
        os._exit = leave


def check_kept(flow: str, datastore: Callable[[], DataStore]) -> None:
    """Refuse to launch a flow in a task if what it would store ends with the task.

    Args:
        flow: The flow's name.
        datastore: Gives its datastore.

    Raises:
        FlowError: If it keeps artifacts in the memory of the task's process, or in a folder of the task's container.
    """
    context = TaskContext.parse(os.environ)
    if context is None:
        return
    store, own = datastore(), os.environ.get(task_environment.DATASTORE_ROOT, "")
    lost = isinstance(store, Local) and task_environment.folders(os.environ) != "all" and not _inside(store.root, own)
    if not lost and not (isinstance(store, Memory) and _underway):
        return
    raise FlowError(
        f"flow '{flow}' is called by layer '{context.layer}' of flow '{context.flow}', and keeps its artifacts in "
        f"{store.root}, which ends with the layer's task: give it a datastore that stays, such as that of the layer, "
        f"as in {flow}(datastore=self.execution.datastore), or datastores.AWS.S3(...)"
    )


def _inside(folder: str, root: str) -> bool:
    return folder == root or folder.startswith(f"{root}{os.sep}")


#: The error of the task that this process ran, and whether whoever started the process tells it, by the process: what
#: is forked has its parent's memory.
_errors: dict[int, tuple[Exception, bool]] = {}


def _check_taken() -> None:
    """Have a process fail that did not run the task that it was started for, or whose task failed.

    Whoever started it takes 0 for done, and the flow's file may handle errors of its flow.
    """
    if (ended := _errors.get(os.getpid())) is not None:
        from laminar_runtime.failures import tracebacks

        error, told = ended
        code = task_environment.UNFINISHED if isinstance(error, UnfinishedError) else None
        _fail("" if told or hasattr(sys, "last_value") else tracebacks.text(error) or f"{error}\n", code)
    if not requested() or task_environment.TAKEN in os.environ or loading.read_only():
        return
    flow, layer = os.environ[task_environment.FLOW_NAME], os.environ[task_environment.LAYER_NAME]
    fix = f"does the file call its flow, as in 'if flow := {flow}(): flow()', before it goes on to results?"
    _fail(f"layer '{layer}' was not run: {fix}\n")


def _fail(why: str, code: int | None = None) -> None:
    sys.stderr.write(why)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or attempts.exit_code())  # at its end a process can change its exit code in no other way


def _print_at_once() -> None:
    """Have each line be written when it ends, in an encoding that has all characters.

    What a task prints is for a log, and not for a terminal, so Python would hold it back, and lose it when the process
    is killed; and a character that the locale does not have would fail the layer.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


if task_environment.LAYER_NAME in os.environ:
    _print_at_once()
    atexit.register(_check_taken)


def requested() -> bool:
    """Whether this process was started for a task, and does not run it at present.

    A process that a task starts inherits its environment, but is no task: it may launch flows, as the task's layer may.
    """
    taken = os.environ.get(task_environment.TAKEN, "")
    return not _underway and taken in {"", str(os.getpid())} and TaskContext.parse(os.environ) is not None


def check_known(context: TaskContext, classes: dict[str, type[Layer]]) -> None:
    """Refuse a task of a layer that the flow does not have.

    Args:
        context: The task.
        classes: The flow's layers.

    Raises:
        FlowError: If the layer is not among them.
    """
    if context.layer not in classes:
        msg = f"flow '{context.flow}' has no layer '{context.layer}': is the code of this task older than its caller?"
        raise FlowError(msg)
