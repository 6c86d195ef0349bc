"""The rules that a graph must keep before it is compiled: one function each. All problems are reported at once."""

from __future__ import annotations

import graphlib
import re
import shlex
from collections.abc import Callable, Iterator, Sequence

from laminar_codegen.allocate import longest_name
from laminar_codegen.checks.placements import PLACEMENT_RULES
from laminar_codegen.checks.retries import RETRY_RULES
from laminar_codegen.checks.texts import TEXT_RULES
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.graph import PARAMETERS, Graph, LayerNode
from laminar_codegen.ir.settings import NO_SETTINGS
from laminar_codegen.ir.state_names import LAYER_NAME_LENGTH
from laminar_codegen.limits import (
    DEFINITION_BYTES,
    EXECUTION_SECONDS,
    NAME_LENGTH,
)
from laminar_codegen.planning import fuse_fan_outs
from laminar_codegen.problems import CompileError, Problem
from laminar_codegen.problems.rules import (
    LAM007,
    LAM010,
    LAM011,
    LAM012,
    LAM013,
    LAM014,
    LAM015,
    LAM016,
    LAM020,
    LAM021,
    LAM024,
    LAM026,
    LAM028,
    LAM042,
    LAM043,
    LAM046,
    LAM052,
    LAM053,
    LAM058,
    LAM060,
    LAM062,
    LAM073,
    LAM091,
    LAM111,
)
from laminar_codegen.render.terraform_json import machine_bytes
from laminar_codegen.targets import registry as targets
from laminar_codegen.triggers import registry as triggers
from laminar_runtime.types import Hint

__all__ = ["CHAIN_RULES", "RULES", "check", "check_definitions", "warnings_of"]

Check = Callable[[Graph], Iterator[Problem]]

#: Names are copied into names of jobs, keys of objects and expressions of the state machine.
_NAME = re.compile("[A-Za-z0-9_]+")
#: How many layers a warning names.
_SHOWN = 3
_OTHERS = "characters other than ASCII letters, digits and underscores"


def check(graphs: Sequence[Graph]) -> None:
    """Refuse graphs that cannot be compiled. Warnings of the rules do not keep them from it.

    Args:
        graphs: The graphs of a flow and those that follow it.

    Raises:
        CompileError: With all problems that the rules find.
    """
    problems = [problem for problem in _broken_rules(graphs) if not problem.warning]
    if problems:
        raise CompileError(problems)


def warnings_of(graphs: Sequence[Graph]) -> list[Problem]:
    """Return what the rules find that does not keep graphs from being compiled.

    Args:
        graphs: The graphs of a flow and those that follow it.

    Returns:
        The warnings, sorted by their place.
    """
    return sorted({problem for problem in _broken_rules(graphs) if problem.warning})


def _broken_rules(graphs: Sequence[Graph]) -> Iterator[Problem]:
    rules = (*RULES, *(rule for kind in targets.kinds() for rule in kind.rules), check_triggers)
    for graph in graphs:
        for rule in rules:
            yield from rule(graph)
    for chain_rule in CHAIN_RULES:
        yield from chain_rule(graphs)


def check_settings(graph: Graph) -> Iterator[Problem]:
    """Check the settings of a deployment: those of its first flow."""
    if graph.settings != NO_SETTINGS:
        from laminar_codegen.checks.settings import SETTINGS_RULES  # few flows have settings

        for rule in SETTINGS_RULES:
            yield from rule(graph)


def check_settings_of_followers(graphs: Sequence[Graph]) -> Iterator[Problem]:
    """Check the settings of the flows that follow another one."""
    if len(graphs) > 1:
        from laminar_codegen.checks.settings import check_followers

        yield from check_followers(graphs)


def check_repetitions(graphs: Sequence[Graph]) -> Iterator[Problem]:
    """Check that the flows of a chain are different ones, whose labels begin differently."""
    seen: set[str] = set()
    for graph in graphs:
        if graph.prefix in seen:
            what = f"flow '{graph.flow}' is in the chain twice, or another flow of it has almost the same name"
            fix = "chain different flows: the results of one execution would hide those of the other"
            yield Problem(graph.location, LAM042, what, fix)
        seen.add(graph.prefix)


def check_locals(graphs: Sequence[Graph]) -> Iterator[Problem]:
    """Check that the flows of a chain have different names for their values."""
    flows = {graph.prefix: graph.flow for graph in graphs}
    for graph in graphs:
        other = flows.get(f"definition_{graph.prefix}")
        if other is not None:
            what = f"flows '{graph.flow}' and '{other}' cannot be in one chain: values of both would have one name"
            fix = "rename one of them, so that it does not begin with Definition"
            yield Problem(graph.location, LAM046, what, fix)


def check_lengths(graphs: Sequence[Graph]) -> Iterator[Problem]:
    """Check that the names of the flows of a chain leave room for the deployment's name."""
    if len(graphs) > 1 and longest_name(graphs) < len(graphs[0].flow):
        what = f"the names of the flows {', '.join(graph.flow for graph in graphs)} are too long for a chain"
        fix = "shorten them: state machines and functions are named after the deployment and all flows"
        yield Problem(graphs[0].location, LAM043, what, fix)


def check_definitions(graph: Graph, machines: Sequence[StateMachine]) -> None:
    """Refuse state machines that Step Functions would refuse for their size.

    Args:
        graph: The graph.
        machines: Its state machines.

    Raises:
        CompileError: If a definition is too large.
    """
    largest = max(map(machine_bytes, machines))
    if largest > DEFINITION_BYTES:
        limit = f"Step Functions accepts {DEFINITION_BYTES}"
        what = f"the definition of a state machine of flow '{graph.flow}' has about {largest} bytes; {limit}"
        fix = "split the flow into several, or compile it without exact joins"
        raise CompileError([Problem(graph.location, LAM028, what, fix)])


def check_layers(graph: Graph) -> Iterator[Problem]:
    """Check that a flow has layers."""
    if not graph.layers:
        fix = f"register at least one layer with @{graph.flow}.register"
        yield Problem(graph.location, LAM007, f"flow '{graph.flow}' has no layers", fix)


def check_calls(graph: Graph) -> Iterator[Problem]:
    """Check that each layer has a ``__call__``."""
    for layer in graph.layers:
        if layer.calls != "__call__":
            what = f"layer '{layer.name}' has no method __call__, and would do nothing"
            fix = f"rename its method '{layer.calls}'" if layer.calls else "define 'def __call__(self) -> None: ...'"
            yield Problem(layer.location, LAM060, what, fix)


_HINTS = {
    "missing": (LAM010, "has no type hint", "name the layer that it takes, as in '{parameter}: SomeLayer'"),
    "unknown": (
        LAM011,
        "has the type hint '{text}', which is not defined",
        "define a layer '{text}' and register it to {flow}",
    ),
    "unregistered": (
        LAM012,
        "depends on '{text}', which is not registered to the flow",
        "add @{flow}.register above class {text}",
    ),
    "keyword": (
        LAM062,
        "is keyword-only, and layers are passed by position",
        "remove the '*' or '**' before it",
    ),
    "parameters": (
        LAM012,
        "has the type hint '{text}', a subclass of Parameters that is not registered to the flow",
        "add @{flow}.register above class {text}, or write 'Parameters': all arguments that {flow} is called with",
    ),
    "other": (
        LAM013,
        "has the type hint '{text}', which is not a layer",
        "name a layer: values come from artifacts and Parameters",
    ),
}


def check_hints(graph: Graph) -> Iterator[Problem]:
    """Check that each parameter of a layer's methods names a layer of the flow."""
    for layer in graph.layers:
        for hint in layer.hints:
            if hint.problem is not None:
                yield _hint_problem(graph, layer, hint)


def _hint_problem(graph: Graph, layer: LayerNode, hint: Hint) -> Problem:
    rule, what, fix = _HINTS[hint.problem or "other"]
    words = {"parameter": hint.parameter, "text": hint.text, "flow": graph.flow}
    subject = f"parameter '{hint.parameter}' of layer '{layer.name}'"
    at = f"{graph.flow}.{layer.name}.{hint.function}({hint.parameter})"
    return Problem(layer.location, rule, f"{subject} {what.format(**words)}", fix.format(**words), at)


def check_inputs(graph: Graph) -> Iterator[Problem]:
    """Check that the declared parameters can be checked: their types have JSON forms, and their defaults fit."""
    for parameter in graph.inputs or ():
        for what in parameter.problems:
            fix = "use text, numbers, dates, enums, collections of these or a dataclass, and a default of that type"
            yield Problem(parameter.location, LAM015, what, fix)


def check_foreach(graph: Graph) -> Iterator[Problem]:
    """Check that each dimension of a fan-out names a layer of the flow."""
    known = {PARAMETERS, *(layer.name for layer in graph.layers)}
    for layer in graph.layers:
        for item in layer.foreach:
            if item.layer not in known:
                what = f"layer '{layer.name}' fans out over '{item.layer}', which is not registered to the flow"
                fix = f"add @{graph.flow}.register above class {item.layer}"
                yield Problem(layer.location, LAM014, what, fix, f"ForEach({item.layer}.{item.attribute})")


def check_limits(graph: Graph) -> Iterator[Problem]:
    """Check that the target of a layer can limit how many of its splits run at once."""
    for layer in graph.layers:
        limit = layer.fan_out.max_concurrency
        if limit is not None and not layer.executor.limits_splits:
            what = f"layer '{layer.name}' has max_concurrency={limit}, which {layer.executor.service} does not have"
            yield Problem(layer.location, LAM058, what, "run it on AWS Batch or AWS Lambda, or drop max_concurrency")


def check_shares(graph: Graph) -> Iterator[Problem]:
    """Check that a task of the target of a layer can run several of its splits."""
    for layer in graph.layers:
        number = layer.fan_out.splits_per_job
        if number is not None and not layer.executor.shares_splits:
            what = (
                f"layer '{layer.name}' has splits_per_job={number}, but {layer.executor.service} runs each split alone"
            )
            yield Problem(layer.location, LAM016, what, "run it on AWS Batch, or drop splits_per_job")


def check_cycles(graph: Graph) -> Iterator[Problem]:
    """Check that the dependencies have no cycle."""
    try:
        graphlib.TopologicalSorter({layer.name: layer.depends for layer in graph.layers}).prepare()
    except graphlib.CycleError as error:
        cycle = list(reversed(error.args[1]))
        location = next(layer.location for layer in graph.layers if layer.name == cycle[0])
        what = f"the dependencies of layers have a cycle: {' -> '.join(cycle)}"
        yield Problem(location, LAM020, what, "remove one of these dependencies", f"flow {graph.flow}")


def check_pipelines(graph: Graph) -> Iterator[Problem]:
    """Check that layers can run item by item where the flow requests it, and gain from it."""
    if any(True for rule in (check_hints, check_foreach, check_cycles) for _ in rule(graph)):
        return  # the dependencies are not known
    for layer, why, fix in fuse_fan_outs.obstacles(graph):
        over = f"ForEach({layer.foreach[0].layer}.{layer.foreach[0].attribute}, pipelined=True)"
        what = f"layer '{layer.name}' cannot run item by item: it {why}"
        yield Problem(layer.location, LAM053, what, fix, over)


def check_triggers(graph: Graph) -> Iterator[Problem]:
    """Check the triggers of a flow by the rules of their kinds. A flow that follows another has none."""
    for misfit in graph.misfits:
        fix = "give it what the flow declares, as in AWS.StepFunctions(triggers=[Schedule(..., parameters={...})])"
        yield Problem(graph.location, LAM111, misfit, fix)
    for trigger in graph.triggers:
        for rule in triggers.kind_of(trigger).rules:
            yield from rule(graph, trigger.value)
        if graph.linked:
            what = f"flow '{graph.flow}' follows another flow but has its own {trigger.kind}"
            fix = f"give the {trigger.kind} to the first flow, whose deployment it starts"
            yield Problem(graph.location, LAM052, what, fix)


def check_datastore(graph: Graph) -> Iterator[Problem]:
    """Check that the artifacts are not kept in memory, which containers do not share."""
    if graph.in_memory:
        what = f"flow '{graph.flow}' keeps its artifacts in memory, which containers do not share"
        fix = "use datastores.Local() or datastores.AWS.S3(...): with either, a deployed flow keeps artifacts in S3"
        yield Problem(graph.location, LAM021, what, fix)


def check_commands(graph: Graph) -> Iterator[Problem]:
    """Check that each container has a command, whose quotes are closed."""
    for layer in graph.layers:
        if not layer.container.command:
            what = f"the command of the container of layer '{layer.name}' is empty, or a quote in it is not closed"
            yield Problem(layer.location, LAM024, what, "leave the command out, or give one such as 'python main.py'")


def check_same_commands(graph: Graph) -> Iterator[Problem]:
    """Warn if the containers of a flow have different commands: most often one layer was forgotten."""
    found: dict[str, list[str]] = {}
    for layer in graph.layers:
        if layer.container.command:
            found.setdefault(shlex.join(layer.container.command), []).append(layer.name)
    if len(found) > 1:
        shown = "; ".join(f"{command!r} runs {_first_names(names)}" for command, names in found.items())
        what = f"the layers of flow '{graph.flow}' have different commands: {shown}"
        fix = f"give the flow one, which all layers have: {graph.flow}(container=Container(command=...))"
        yield Problem(graph.location, LAM091, what, fix)


def _first_names(names: Sequence[str]) -> str:
    """Return the names of some layers, the first of many."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def check_time_limit(graph: Graph) -> Iterator[Problem]:
    """Check that Step Functions accepts the time limit of an execution."""
    limit = graph.time_limit
    if limit is not None and not (limit == int(limit) and 1 <= limit <= EXECUTION_SECONDS):
        what = (
            f"flow '{graph.flow}' has a timeout of {limit:.10g} seconds; Step Functions accepts whole seconds, and "
            f"ends an execution after {EXECUTION_SECONDS}, a year"
        )
        fix = f"give it whole seconds from 1 to {EXECUTION_SECONDS}: {graph.flow}(timeout=3600)"
        yield Problem(graph.location, LAM073, what, fix)


def check_names(graph: Graph) -> Iterator[Problem]:
    """Check that AWS accepts the names. A class that is made by a call of ``type`` may have any name."""
    for layer in graph.layers:
        if len(layer.name) > LAYER_NAME_LENGTH or not _NAME.fullmatch(layer.name):
            what = f"the name of layer {layer.name!r} is too long, or has {_OTHERS}"
            fix = f"rename it: use at most {LAYER_NAME_LENGTH} of these characters"
            yield Problem(layer.location, LAM026, what, fix)
    if len(graph.flow) > NAME_LENGTH or not _NAME.fullmatch(graph.flow):
        what = f"the name of flow {graph.flow!r} is too long, or has {_OTHERS}"
        yield Problem(graph.location, LAM026, what, f"rename it: use at most {NAME_LENGTH} of these characters")
    elif not graph.flow[0].isalpha():
        # Batch jobs and roles are named after it.
        what = f"the name of flow '{graph.flow}' does not begin with a letter"
        yield Problem(graph.location, LAM026, what, "rename it: begin with a letter")


#: The rules of a flow, in the order of their messages.
RULES: tuple[Check, ...] = (
    check_layers,
    check_calls,
    check_hints,
    check_inputs,
    check_foreach,
    check_limits,
    check_shares,
    check_cycles,
    check_pipelines,
    check_datastore,
    check_commands,
    check_same_commands,
    *RETRY_RULES,
    check_time_limit,
    check_settings,
    check_names,
    *TEXT_RULES,
)

#: The rules of a chain of flows.
CHAIN_RULES: tuple[Callable[[Sequence[Graph]], Iterator[Problem]], ...] = (
    check_repetitions,
    check_locals,
    check_lengths,
    check_settings_of_followers,
    *PLACEMENT_RULES,
)
