"""The behaviour of a flow in a process: launch it, record it, or run or plan the task of the process.

`Flow`, `Layer` and `Execution` only declare. The meaning of a flow's call and of its truth value depends on the
process, and is decided here::

    the program itself          launch the flow: its scheduler runs it
    a task's process            run a task of this flow, plan its layer, or link its parameters
    the compiler                record the flow, and run nothing
    an imported module          do nothing: see `laminar_runtime.programs.importing`
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from laminar_runtime import _records, stored_parameters, task_environment
from laminar_runtime.configurations import datastores
from laminar_runtime.exceptions import ExecutionError, FlowError, StartedBeforeError
from laminar_runtime.identifiers import check_execution_id, new_execution_id
from laminar_runtime.layer import Parameters, store_as
from laminar_runtime.pickling import homes
from laminar_runtime.programs import importing, loading
from laminar_runtime.splits import fanout
from laminar_runtime.tasks import claims, task, task_process

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution
    from laminar_runtime.flow import Flow

__all__ = [
    "chain",
    "enter_guard",
    "follow",
    "launch",
    "link_parameters",
    "note",
    "open_execution",
    "refuse_results",
    "resume",
]


def note(flow: Flow, maker: FrameType) -> None:
    """Record a new flow, if the compiler reads the file that makes it.

    Args:
        flow: The flow.
        maker: The frame of the code that makes it.
    """
    loaded = loading.active()
    if loaded is not None and _importer(maker) is None:
        loaded.flows.append(flow)


def enter_guard(flow: Flow, asking: FrameType) -> bool:
    """Return the truth value of a flow, after running the flow's task if this process was started for one.

    During an import the flows of the module are false. A flow that starts a chain is true also for the compiler, and in
    tasks of other flows, which may be later in the chain.

    Args:
        flow: The flow.
        asking: The frame of the ``if`` statement.

    Returns:
        Whether the body of the ``if`` statement runs.
    """
    homes.home_of(type(flow)).note()
    if _importer(asking) is not None and not claims.is_task_process():
        return False
    if loading.active() is None:
        if not claims.is_task_process():
            return True
        _run_task(flow)
        if task_environment.TAKEN in os.environ or importing.runs_no_task(asking):
            return False
    from laminar_runtime.introspection import chaining

    return chaining.guards_chain(asking)


def launch(
    flow: Flow, execution: str | None, parameters: Mapping[str, Any], tags: Mapping[str, str] | None = None
) -> Execution:
    """Run a flow; if AWS Step Functions schedules it, start it.

    Args:
        flow: The flow.
        execution: The execution's id. By default a new id is made.
        parameters: The attributes of the flow's `Parameters` layer.
        tags: Tags of the jobs of the execution, if AWS Step Functions schedules it.

    Returns:
        The execution.

    Raises:
        FlowError: If the flow is declared incorrectly, or its parameters do not fit what it declares; if a module is
            being imported; or if a layer calls the flow and the flow's datastore would be lost at the end of the
            layer's task.
        ExecutionError: If the execution fails, or the id was used before with other parameters.
    """
    launched = _launches(flow)
    homes.home_of(type(flow)).note()
    if not launched:
        return follow(flow)
    dependencies = flow.dependencies
    if not all((flow.name, *dependencies)):
        raise FlowError(f"flow '{flow.name}' has a class without a name, which is needed for a folder. Name the class")
    parameters = stored_parameters.convert(flow, parameters)
    run = flow.execution(new_execution_id() if execution is None else check_execution_id(execution))
    run.tags = tags or {}
    scheduler = flow.configuration.scheduler
    with scheduler.holding(execution=run):
        if execution is not None:
            scheduler.check_new(execution=run)
        if not scheduler.take_parameters(execution=run, parameters=parameters, chosen=execution is not None):
            raise StartedBeforeError(
                f"execution {run.id} of flow '{flow.name}' was started before with other parameters: resume it with "
                f"flow.execution('{run.id}').resume(), or run the flow with another id"
            )
        return _schedule(run, dependencies)


def resume(execution: Execution) -> Execution:
    """Run an execution again, without the layers and the splits that finished.

    Args:
        execution: The execution.

    Returns:
        The execution, resumed.

    Raises:
        FlowError: If a module is being imported, the id is not valid, or the stored parameters do not fit what the flow
            declares now.
        ExecutionError: If the execution fails again, or does not exist.
    """
    flow = execution.flow
    if not _launches(flow):
        return follow(flow)
    check_execution_id(execution.key("").execution)
    if not execution.known:
        where = f"flow '{flow.name}' has no execution {execution.id} in {execution.datastore.root}"
        raise ExecutionError(f"{where}: there is nothing to resume")
    with flow.configuration.scheduler.holding(execution=execution):
        stored_parameters.convert_again(execution)
        return _schedule(_records.evolve(execution, retry=True), flow.dependencies)


def chain(execution: Execution, flow: Flow, linker: Callable[[Execution], Parameters]) -> Execution:
    """Run a flow with the same id after the end of an execution of another flow.

    Args:
        execution: The execution.
        flow: The flow to run.
        linker: Makes the parameters of that flow from the execution.

    Returns:
        The execution of that flow.
    """
    name = execution.key("").execution
    if execution.flow.configuration.scheduler.runs_next(execution=execution, flow=flow):
        return flow.execution(name)
    parameters = link_parameters(linker, execution.wait())
    if execution.retry:  # the next flow of a resumed execution may have been started, too
        following = _records.evolve(flow.execution(name), retry=True)
        stored_parameters.link(following, parameters)
        return following.resume()
    return flow(execution.id, **parameters)


def follow(
    flow: Flow, before: Flow | None = None, linker: Callable[[Execution], Parameters] | None = None
) -> Execution:
    """Handle a call of a flow in a process that launches nothing: record the call, or run the task.

    Args:
        flow: The flow.
        before: The previous flow of the chain, if any.
        linker: Makes the flow's parameters from the execution of the previous flow.

    Returns:
        An execution without results.
    """
    if (loaded := loading.active()) is not None:
        loaded.calls.append(loading.Call(flow, before, linker))
    else:
        _run_task(flow)
        if before is not None and linker is not None:
            _link(flow, before, linker)
    return flow.execution.without_results()


def refuse_results(flow: str) -> NoReturn:
    """Stop a file that uses the results of a flow in a process that did not launch the flow.

    Args:
        flow: The flow's name.

    Raises:
        LoadingStopped: If the compiler reads the file.
        FlowError: If a process of multiprocessing reads it again.
        SystemExit: If this process ran the file for a task.
    """
    if loading.active() is not None:
        raise loading.LoadingStopped
    if not claims.is_task_process():
        what = f"a multiprocessing child runs the file again, and uses results of flow '{flow}'"
        raise FlowError(f"{what}: {importing.fix(flow)}")
    raise SystemExit(0)


def open_execution(flow: Flow, context: task_environment.TaskContext) -> Execution:
    """Return the execution of a task. Its datastore is that of the environment, or the flow's.

    Args:
        flow: The flow.
        context: The task.
    """
    root, own = os.environ.get(task_environment.DATASTORE_ROOT), flow.configuration.datastore
    flow._keep_in(datastores.from_root(root, own) if root else own)  # noqa: SLF001 - one unit
    return _records.evolve(flow.execution(context.execution), retry=context.retry, upstream=context.upstream)


def link_parameters(linker: Callable[[Execution], Parameters], execution: Execution) -> dict[str, Any]:
    """Return the parameters that a linker makes from an execution.

    Args:
        linker: The linker.
        execution: The execution, after its end.
    """
    with task_environment.outside():
        return {name: value for name, value in vars(linker(execution)).items() if name != "_private"}


def _launches(flow: Flow) -> bool:
    """Return whether a call of a flow launches it: not for the compiler, and not in a task's process.

    Raises:
        FlowError: If a module is being imported, or a task calls the flow and the flow's datastore would be lost at the
            end of the task.
    """
    module = _importer(sys._getframe(1))  # noqa: SLF001 - the frame of the call
    if module not in {None, importing.AGAIN} and not claims.is_task_process():
        what = f"flow '{flow.name}' is called while the module '{module}' is imported, but an import starts no flow"
        raise FlowError(f"{what}: {importing.fix(flow.name)}")
    if module is not None or loading.active() is not None or claims.is_task_process():
        return False
    claims.check_datastore(flow.name, lambda: flow.datastore)
    return True


def _schedule(execution: Execution, dependencies: Mapping[str, set[str]]) -> Execution:
    """Run an execution with the flow's scheduler.

    Raises:
        FlowError: If the dependencies of the layers have a cycle.
    """
    import graphlib

    try:
        graphlib.TopologicalSorter(dependencies).prepare()
    except graphlib.CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        msg = f"the dependencies of flow '{execution.flow_name}' have a cycle: {cycle}. Remove one of them"
        raise FlowError(msg) from None
    execution.called = importing.by_program(sys._getframe(1))  # noqa: SLF001 - the frame of the call
    execution.flow.configuration.scheduler.run(execution=execution)
    return execution


def _link(flow: Flow, before: Flow, linker: Callable[[Execution], Parameters]) -> None:
    """Make and store a flow's parameters, if this process was started for that."""
    context = claims.claim(flow.name, linking=True)
    if context is not None:
        from laminar_runtime.planner import planner

        with task_process.reporting(flow, context.layer), claims.underway(), task_environment.outside():
            execution = open_execution(flow, context)
            stored_parameters.link(execution, link_parameters(linker, open_execution(before, context)))
            planner.write_empty_answer()


def _run_task(flow: Flow) -> None:
    """Run or plan the task that this process was started for, if it is a task of the flow."""
    context = claims.claim(flow.name)
    if context is None:
        return
    if task_environment.PACK in os.environ:
        from laminar_runtime.tasks import pack_process

        # It returns in the processes of the layers.
        first = context
        context = pack_process.run(flow, context, lambda: open_execution(flow, first))
    elif task_environment.LAYER_TIMEOUT in os.environ:
        from laminar_runtime.tasks import timed_process

        # It returns in the process of the task.
        alone = context
        context = timed_process.run(flow, context, lambda: open_execution(flow, alone))
    if context.claims:
        from laminar_runtime.tasks import worker_process

        with task_process.reporting(flow, context.layer):
            claims.check_layer(context, flow.classes)
            # It returns in the process of a split.
            worker_process.run(flow, context)
        context = claims.claim(flow.name)
        if context is None:
            return
    from laminar_runtime.process import prompts

    # Existing objects stay until the process ends, so the garbage collector need not visit them during the layer.
    gc.freeze()
    reporting = task_process.reporting(flow, context.layer)
    with reporting, claims.underway(), prompts.refuse_prompts(flow.name, context.layer):
        claims.check_layer(context, flow.classes)
        execution = open_execution(flow, context)
        _keep_in_memory(execution.datastore)
        stored_parameters.take_first(execution, context.layer)
        if _notes_graph(flow, context):
            from laminar_runtime import graph_notes

            graph_notes.write_graph(execution)
        if _only_decides(execution, context):
            return
        if context.listed:
            context = fanout.resolve_index(execution.datastore, context)
            # Processes that the layer starts read it.
            os.environ[task_environment.LAYER_INDEX] = str(context.index)
        fields = {"index": context.index, "splits": context.splits, "attempt": context.attempt}
        task.run_layer(execution, store_as(execution.layer(context.layer, **fields), context.key.layer), context)


def _notes_graph(flow: Flow, context: task_environment.TaskContext) -> bool:
    """Return whether a task writes the note on the graph of its execution: one of a first layer, on AWS.

    On this machine the local scheduler has written it. Of the splits of a fan-out, the first one, or their planner, is
    enough. A listed split has a planner.
    """
    first = context.deployed and not context.listed and not context.index
    return first and flow.dependencies_of(context.layer) <= {Parameters.__name__}


def _keep_in_memory(store: datastores.DataStore) -> None:
    """Keep what is stored in memory, too, if the layers of a job do so."""
    folder = os.environ.get(task_environment.KEPT)
    # What is in a folder of this machine is read from there.
    if folder and store.transport.at_once > 1:
        from laminar_runtime.configurations.datastores.kept import KeptTransport

        store.transport = KeptTransport(store.transport, folder)


def _only_decides(execution: Execution, context: task_environment.TaskContext) -> bool:
    """Return whether this process runs no layer: it answers the planner's request, or a packed layer is skipped."""
    if task_environment.PLAN_FILE in os.environ:
        _plan(execution, context)
        return True
    if task_environment.DECIDES in os.environ:
        from laminar_runtime.tasks import pack_process

        return pack_process.is_skipped(execution, context)
    return False


def _plan(execution: Execution, context: task_environment.TaskContext) -> None:
    """Answer the planner's request about a layer."""
    from laminar_runtime.planner import planner

    names = {**dict(context.upstream), context.layer: context.key.layer}
    # Hooks run outside of a task, as they do with the local scheduler.
    with task_environment.outside():
        execution = execution.with_storage_names(names)
        planner.answer(execution, context.layer, {**planner.read_request(), "drive": context.drive})


def _importer(frame: FrameType) -> str | None:
    """Return the name of the module whose import runs the code of a frame.

    Returns:
        The name; None if no import runs the code, or the compiler reads the file.
    """
    module, loaded = importing.module(frame), loading.active()
    return None if loaded is not None and module == loaded.module else module
