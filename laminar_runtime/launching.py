"""What a process does with a flow: launch it, note it, run or plan the task that the process was started for.

`Flow`, `Layer` and `Execution` declare. A call of a flow, and the question whether it is true, mean something else in
each process, and that is decided here::

    the program itself          launch the flow, and have its scheduler run it
    a task's process            run the task if it is one of this flow, plan its layer, or link its parameters
    the compiler                note the flow, and run nothing
    a module that is imported   nothing: see `laminar_runtime.programs.importing`
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations import datastores
from laminar_runtime.exceptions import ExecutionError, FlowError
from laminar_runtime.identifiers import check_execution_id, new_execution_id
from laminar_runtime.layer import Parameters
from laminar_runtime.pickling import homes
from laminar_runtime.programs import importing, loading
from laminar_runtime.splits import fanout
from laminar_runtime.tasks import task

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
    """Note a flow that was made, if the compiler reads the file that makes it.

    Args:
        flow: The flow.
        maker: The frame of the code that makes it.
    """
    loaded = loading.active()
    if loaded is not None and _importer(maker) is None:
        loaded.flows.append(flow)


def enter_guard(flow: Flow, asking: FrameType) -> bool:
    """Decide whether the code that asks if a flow is true goes on, and run the flow's task if this process is for it.

    While a module is imported its flows are false. What guards a chain is true also where the file is only read, and in
    tasks of other flows: theirs may follow.

    Args:
        flow: The flow.
        asking: The frame of the code that asks.

    Returns:
        Whether it goes on.
    """
    homes.home_of(type(flow)).note()
    if _importer(asking) is not None and not task.requested():
        return False
    if loading.active() is None:
        if not task.requested():
            return True
        _run_task(flow)
        if task_environment.TAKEN in os.environ or importing.runs_no_task(asking):
            return False
    from laminar_runtime.introspection import chaining

    return chaining.guards_chain(asking)


def launch(flow: Flow, execution: str | None, parameters: Mapping[str, Any]) -> Execution:
    """Run a flow, or start it if another engine schedules it.

    Args:
        flow: The flow.
        execution: The execution's id; a new one unless given.
        parameters: The attributes of the flow's `Parameters` layer.

    Returns:
        The execution.

    Raises:
        FlowError: If the flow is declared wrongly, a module is imported meanwhile, or the call is of a layer, and the
            flow's datastore ends with the layer's task.
        ExecutionError: If it fails, or was run before under the same id.
    """
    launched = _launches(flow)
    homes.home_of(type(flow)).note()
    if not launched:
        return follow(flow)
    dependencies = flow.dependencies
    if not all((flow.name, *dependencies)):
        raise FlowError(f"flow '{flow.name}' has a class without a name: it names a folder. Name the class")
    run = flow.execution(new_execution_id() if execution is None else check_execution_id(execution))
    with flow.configuration.scheduler.holding(execution=run):
        if execution is not None:
            flow.configuration.scheduler.check_new(execution=run)
            run.take_input()
        if not run.offer(parameters):
            raise ExecutionError(
                f"execution {run.id} of flow '{flow.name}' was started before, with other parameters: go on "
                f"with it by flow.execution('{run.id}').resume(), or run the flow under another id"
            )
        return _schedule(run, dependencies)


def resume(execution: Execution) -> Execution:
    """Run an execution again, without the layers and the splits that finished.

    Args:
        execution: The execution.

    Returns:
        The execution, resumed.

    Raises:
        FlowError: If a module is imported meanwhile, or the id is none.
        ExecutionError: If it fails again, or nothing is known of it.
    """
    flow = execution.flow
    if not _launches(flow):
        return follow(flow)
    check_execution_id(execution.key("").execution)
    if not execution.known:
        where = f"flow '{flow.name}' has no execution {execution.id} in {execution.datastore.root}"
        raise ExecutionError(f"{where}: there is nothing to resume")
    with flow.configuration.scheduler.holding(execution=execution):
        return _schedule(_records.evolve(execution, retry=True), flow.dependencies)


def chain(execution: Execution, flow: Flow, linker: Callable[[Execution], Parameters]) -> Execution:
    """Run a flow after an execution of another one ended, under the same id.

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
    if execution.retry:  # what a resumed execution goes on to may have been begun too
        following = _records.evolve(flow.execution(name), retry=True)
        following.link(parameters)
        return following.resume()
    return flow(execution.id, **parameters)


def follow(
    flow: Flow, before: Flow | None = None, linker: Callable[[Execution], Parameters] | None = None
) -> Execution:
    """Do what a call of a flow means in a process that launches none: note the call, or run the task.

    Args:
        flow: The flow.
        before: The flow whose end the call waits for, if any.
        linker: Makes the flow's parameters from the execution of that one.

    Returns:
        An execution that has no results here.
    """
    if (loaded := loading.active()) is not None:
        loaded.calls.append((flow, before))
    else:
        _run_task(flow)
        if before is not None and linker is not None:
            _link(flow, before, linker)
    return flow.execution.without_results()


def refuse_results(flow: str) -> NoReturn:
    """End what a file does with the results of a flow in a process that launched none: the one that did does it.

    Args:
        flow: The flow's name.

    Raises:
        LoadingStopped: If the compiler reads the file.
        FlowError: If a process of multiprocessing reads it again.
        SystemExit: If this process ran the file for a task.
    """
    if loading.active() is not None:
        raise loading.LoadingStopped
    if not task.requested():
        what = f"a process of multiprocessing reads the file again, and comes to results of flow '{flow}'"
        raise FlowError(f"{what}: {importing.fix(flow)}")
    raise SystemExit(0)


def open_execution(flow: Flow, context: task_environment.TaskContext) -> Execution:
    """Return the execution of a flow that a task belongs to; the environment may say where its datastore is.

    Args:
        flow: The flow.
        context: The task.
    """
    root, own = os.environ.get(task_environment.DATASTORE_ROOT), flow.configuration.datastore
    flow._keep_in(datastores.from_root(root, own) if root else own)  # noqa: SLF001 - one unit
    return _records.evolve(flow.execution(context.execution), retry=context.retry)


def link_parameters(linker: Callable[[Execution], Parameters], execution: Execution) -> dict[str, Any]:
    """Return the parameters that a linker makes from an execution.

    Args:
        linker: The linker.
        execution: The execution, which has ended.
    """
    with task_environment.outside():
        return {name: value for name, value in vars(linker(execution)).items() if name != "_private"}


def _launches(flow: Flow) -> bool:
    """Whether this process runs a flow if it is called: it does not read its file only, nor was made for a task.

    Raises:
        FlowError: If it is called because a module is imported, or by a task that its datastore ends with.
    """
    module = _importer(sys._getframe(1))  # noqa: SLF001 - what runs this
    if module not in {None, importing.AGAIN} and not task.requested():
        what = f"flow '{flow.name}' is called while the module '{module}' is imported, and an import starts nothing"
        raise FlowError(f"{what}: {importing.fix(flow.name)}")
    if module is not None or loading.active() is not None or task.requested():
        return False
    task.check_kept(flow.name, lambda: flow.datastore)
    return True


def _schedule(execution: Execution, dependencies: Mapping[str, set[str]]) -> Execution:
    """Have the scheduler run an execution.

    Raises:
        FlowError: If layers depend on each other in a circle.
    """
    import graphlib

    try:
        graphlib.TopologicalSorter(dependencies).prepare()
    except graphlib.CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise FlowError(f"layers of flow '{execution.flow_name}' depend on each other in a circle: {circle}") from None
    execution.called = importing.by_program(sys._getframe(1))  # noqa: SLF001 - what runs this
    execution.flow.configuration.scheduler.run(execution=execution)
    return execution


def _link(flow: Flow, before: Flow, linker: Callable[[Execution], Parameters]) -> None:
    """Make a flow's parameters, if this process was started for that."""
    context = task.claim(flow.name, linking=True)
    if context is not None:
        from laminar_runtime.planner import planner

        with task.reporting(), task.underway(), task_environment.outside():
            open_execution(flow, context).link(link_parameters(linker, open_execution(before, context)))
            planner.done()


def _run_task(flow: Flow) -> None:
    """Run, or plan, the task that this process was started for, if it is one of a flow."""
    context = task.claim(flow.name)
    if context is None:
        return
    from laminar_runtime.process import prompts

    # What is there now stays until the process ends: the layer's garbage collections need not look through it.
    gc.freeze()
    with task.reporting(), task.underway(), prompts.refuse_prompts(flow.name, context.layer):
        task.check_known(context, flow.classes)
        execution = open_execution(flow, context)
        if task_environment.PLAN_FILE in os.environ:
            _plan(execution, context)
            return
        if context.listed:
            context = fanout.resolve_index(execution.datastore, context)
            # Processes that the layer starts ask the environment.
            os.environ[task_environment.LAYER_INDEX] = str(context.index)
        fields = {"index": context.index, "splits": context.splits, "attempt": context.attempt}
        task.run_layer(execution, execution.layer(context.layer, **fields), context)


def _plan(execution: Execution, context: task_environment.TaskContext) -> None:
    """Answer what the planner is asked about a layer."""
    from laminar_runtime.planner import planner

    # Hooks see what they see where this process schedules: no task.
    with task_environment.outside():
        planner.answer(execution, context.layer, {**planner.asked(), "drive": context.drive})


def _importer(frame: FrameType) -> str | None:
    """Return the name of the module at whose import code runs.

    None if no import runs it, or it is in the file that is being read.
    """
    module, loaded = importing.module(frame), loading.active()
    return None if loaded is not None and module == loaded.module else module
