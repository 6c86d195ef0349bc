"""The cases of `laminar_codegen.lower_states`. The input is a graph: see tests/support/graph_notation.py."""

from __future__ import annotations

import json

from laminar_codegen.frontend.build_graph import build_graph
from laminar_codegen.frontend.loader import Source
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.expressions import Expression
from laminar_codegen.ir.plan import ExactJoins, FanOut, PipelinedFanOut, Run, Step, print_plan
from laminar_codegen.lower_states import executions, objects
from laminar_codegen.lower_states.flow_sequence import emit_chain
from laminar_codegen.lower_states.input_check import find_problems
from laminar_codegen.lower_states.jobs import Jobs
from laminar_codegen.lower_states.joins import Joins
from laminar_codegen.lower_states.planner import Planners
from laminar_codegen.lower_states.split_machines import MachineSize, split_plan
from laminar_codegen.lower_states.states import emit_states, measure_steps
from laminar_codegen.planning.choose_packs import choose_packs
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.rehearsal.asl.query_language import evaluate
from tests.support.cases import cases_of
from tests.support.flow_snippets import of_snippet
from tests.support.graph_notation import graph_in, graphs_in, repeat_lines
from tests.support.shown import evaluator, options_in, states


def shown(machines: tuple[StateMachine, ...], *, arguments: bool) -> str:
    """Return machines with their states."""
    return "".join(
        f"{machine.name}: {machine.comment}{_limit(machine)}\n{states(machine.states, arguments=arguments)}"
        for machine in machines
    )


def _limit(machine: StateMachine) -> str:
    return "" if machine.timeout is None else f", ended after {machine.timeout} seconds"


@cases_of("lower_states.states")
def emitted(text: str) -> str:
    """A graph -> its states. With ``events`` its plan is split, with ``packing`` layers share jobs."""
    options, text = options_in(text, "joins", "events", "measured", "packing", "arguments")
    graph = graph_in(text)
    packs = choose_packs(graph, options.get("packing", "off"))
    plan = make_plan(graph, joins=options.get("joins", "barriers"), packs=packs)
    if "events" in options:
        plan = split_plan(plan, lambda _: MachineSize(0, options["events"]))
    if options.get("measured"):
        return f"{measure_steps(graph)(plan)}"
    return shown(emit_states(graph, plan), arguments=options.get("arguments", False))


@cases_of("lower_states.split_machines")
def split(text: str) -> str:
    """A graph -> its plan, split where layers have ``size`` bytes and ``events`` events."""
    options, text = options_in(text, "times", "size", "events", "joins")
    graph = graph_in(repeat_lines(text, options.get("times", 1)))
    size = MachineSize(options.get("size", 0), options.get("events", 0))

    def measure(step: Step) -> MachineSize:
        assert isinstance(step, Run | FanOut | PipelinedFanOut | ExactJoins)
        return MachineSize() if isinstance(step, ExactJoins) else size

    return print_plan(split_plan(make_plan(graph, joins=options.get("joins", "barriers")), measure))


@cases_of("lower_states.jobs")
def jobs(text: str) -> str:
    """A graph -> the states that run its first layer: alone, or as groups of splits that do not fail at once."""
    options, text = options_in(text, "arguments")
    graph = graph_in(text)
    layer, made = graph.layers[0], Jobs(graph)
    if options.get("arguments"):
        return states([made.group(layer, layer.name) if layer.foreach else made.job(layer, "Next")])
    if not layer.foreach:
        return states([made.job(layer, "Next")], arguments=False)
    found = states([made.group(layer, layer.name)], arguments=False)
    if layer.replanned:
        found += f"without stopping others:\n{states(made.group_passing_errors(layer, layer.name), arguments=False)}"
    return f"{found}together: {made.together(layer)!r}"


@cases_of("lower_states.planner")
def planners(text: str) -> str:
    """A graph -> the states that ask its planner about the layers: as one pipeline, or about the first."""
    graph = graph_in(text)
    made, layer = Planners.of(graph), graph.layers[0]
    if graph.pipelines:
        return states([*made.plan_chain(graph.layers, "Next"), *made.report_failure(graph.layers, "Next")])
    asked = made.plan(layer, f"{layer.name} plan", "Asks", "Next", again=layer.replanned)
    return states([*asked, *(made.replan(layer, "Next") if layer.replanned else []), made.record(layer, None)])


@cases_of("lower_states.joins")
def joins(text: str) -> str:
    """A graph with exact joins -> the states of each path. Those of a step are its layers' names."""
    graph = graph_in(text)
    plan = make_plan(graph, joins="exact")
    assert isinstance(plan, ExactJoins)
    made = Joins.of(objects.Objects(graph.flow, graph.encryption), plan)

    def entry(step: Step) -> str:
        assert isinstance(step, Run)
        return step.layer

    machine = Jobs(graph)
    layers = {layer.name: layer for layer in graph.layers}
    found = (
        made.chain(path, lambda step, after: iter([machine.job(layers[entry(step)], after)]), entry)
        for path in plan.paths
    )
    return "".join(f"path\n{states(path, arguments=False)}" for path in found)


@cases_of("lower_states.flow_sequence")
def chain(text: str) -> str:
    """Graphs -> the machine that runs theirs."""
    return shown((emit_chain(graphs_in(text)),), arguments=True)


cases_of("lower_states.objects")(evaluator(objects, states=states, Expression=Expression))
cases_of("lower_states.executions")(evaluator(executions, states=states))


@cases_of("lower_states.input_check")
@of_snippet
def input_check(source: Source) -> str:
    """A flow file with inputs in its comments -> what the first state of the flow says of each input."""
    graph = build_graph(source)
    assert graph.inputs is not None
    expression = f"{{'found': [{find_problems(graph.inputs)}]}}"
    lines = [line.removeprefix("# ") for line in source.file.read_text(encoding="utf-8").splitlines()]
    found = []
    for text in (line for line in lines if line.startswith("{")):
        context = {"Execution": {"Input": json.loads(text)}}
        problems = evaluate(expression, {"states": {"context": context}})["found"]
        found += [text, *(f"  {problem}" for problem in problems or ["fits"])]
    return "\n".join(found)
