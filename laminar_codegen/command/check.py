"""The command ``laminar-codegen check``: prints all problems of a flow, or the size and cost of an execution."""

from __future__ import annotations

import argparse
import datetime as dt
import difflib
import sys
from collections.abc import Iterator, Mapping, Sequence

import attrs

from laminar_codegen import pipeline
from laminar_codegen.checks import bodies as rules_of_bodies
from laminar_codegen.checks import graph as rules_of_graphs
from laminar_codegen.checks.clock import check_times
from laminar_codegen.checks.flow_file import check_call
from laminar_codegen.command.exits import Exit, explain
from laminar_codegen.command.options import add_flow, add_scheduling, scheduling_of
from laminar_codegen.cost import Formula, estimate, estimate_stop
from laminar_codegen.frontend import loader
from laminar_codegen.frontend.loader import Source
from laminar_codegen.frontend.locations import Locator
from laminar_codegen.frontend.method_bodies import read_bodies
from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import StateMachine, all_states
from laminar_codegen.limits import DEFINITION_BYTES, HISTORY_EVENTS
from laminar_codegen.lower_terraform.policy_limits import policy_warnings
from laminar_codegen.pipeline import Unit
from laminar_codegen.planning.makespan import complete, critical_path, makespan
from laminar_codegen.problems import CompileError, Problem
from laminar_codegen.problems.rules import RULES
from laminar_codegen.render.terraform_json import machine_bytes
from laminar_codegen.targets.batch.stop_jobs import STOP_JOBS
from laminar_codegen.targets.registry import kinds
from laminar_runtime.prices import TRANSITION

__all__ = ["DESCRIPTION", "EXITS", "add_arguments", "run"]

_CONDITIONS = "without retries, and if nothing is skipped; a transition costs $0.000025 in us-east-1"


DESCRIPTION = """\
Checks a flow: prints all problems, or else the size and cost of an execution, and warnings.

  laminar-codegen check flow.py
  laminar-codegen check --strict --profile durations.json flow.py:Report
  laminar-codegen check --explain LAM012
"""

#: The exit codes, for the help.
EXITS = explain("with --strict there are warnings")


class _Explain(argparse.Action):
    """An option that prints a rule and ends the command, as ``--version`` does."""

    def __call__(
        self, parser: argparse.ArgumentParser, _namespace: object, value: object, _option: object = None
    ) -> None:
        """Print the rule, or end with exit code 2 if no rule has the code."""
        code = str(value).upper()
        if code not in RULES:
            near = difflib.get_close_matches(code, RULES, n=1)
            parser.error(f"no rule has the code '{value}'" + (f", did you mean '{near[0]}'?" if near else ""))
        print(RULES[code].explanation())
        parser.exit()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_flow(parser)
    parser.add_argument("--strict", action="store_true", help="end with 1 if there are warnings, too")
    parser.add_argument(
        "--explain", action=_Explain, metavar="CODE", help="explain a code of problems, such as LAM012, and exit"
    )
    add_scheduling(parser)


def run(options: argparse.Namespace) -> int:
    """Compile a flow, and print the size and cost of an execution, and warnings.

    Args:
        options: The parsed arguments.

    Returns:
        0, or with ``--strict`` 1 if there are warnings. Problems are raised.

    Raises:
        CompileError: If the flow cannot be compiled, with all problems.
    """
    source = loader.load(options.flow)
    scheduling = scheduling_of(options)
    problems, warnings = _inspect(source, scheduling)
    try:
        compilation = pipeline.compile_source(source, scheduling)
    except CompileError as error:
        raise CompileError([*error.problems, *problems]) from None
    if problems:
        raise CompileError(problems)
    for unit, packs in zip(compilation.units, _packs(source, scheduling, compilation), strict=True):
        print("\n".join(_report(unit, packs)))
    if len(compilation.units) > 1:
        print("\n".join(_report_chain(compilation)))
    if labels.MACHINE_OF_TURNS in _machines(compilation):
        print("\n".join(_report_turns(compilation)))
    if any(graph.pipelines for graph in compilation.graphs):
        print("\n".join(_report_stop(compilation)))
    warnings += policy_warnings(compilation.deployment)
    for warning in warnings:
        print(warning, file=sys.stderr)
    return Exit.INVALID if warnings and options.strict else Exit.OK


def _inspect(source: Source, scheduling: pipeline.Scheduling) -> tuple[list[Problem], list[Problem]]:
    """Return the problems about the methods of all layers, and all warnings about the flow."""
    locator = Locator(source)
    try:
        graphs = pipeline.graphs_with_targets(source, scheduling)
    except CompileError:  # which the compile reports
        graphs = pipeline.graphs_of(source)
    problems: list[Problem] = []
    clock = check_times(graphs, dt.datetime.now(dt.UTC))
    warnings = [*check_call(source, graphs), *rules_of_graphs.warnings_of(graphs), *clock]
    for flow, graph in zip((source.flow, *source.following), graphs, strict=True):
        bodies = read_bodies(flow, locator.shown_name)
        problems += rules_of_bodies.check_bodies(graph, bodies)
        warnings += rules_of_bodies.warnings_of(graph, bodies)
    return problems, warnings


def _packs(
    source: Source, scheduling: pipeline.Scheduling, compilation: pipeline.Compilation
) -> Iterator[Sequence[str]]:
    """Yield the lines about the packs of each flow, none if no layers may share jobs."""
    packing = scheduling.pack or source.scheduler.pack
    if packing == "off":
        yield from ([] for _ in compilation.units)
        return
    from laminar_codegen.command.packs import report_packs

    apart = pipeline.compile_source(source, attrs.evolve(scheduling, pack="off"))
    for unit, other in zip(compilation.units, apart.units, strict=True):
        yield [*report_packs(unit.graph, unit.plan, other.plan, packing, unit.profile)]


def _report(unit: Unit, packs: Sequence[str]) -> Iterator[str]:
    graph, found = unit.graph, estimate(unit.machines)
    fan_outs = [layer for layer in graph.layers if layer.foreach]
    yield f"flow {graph.flow}: {_count(len(graph.layers), 'layer')}, {len(fan_outs):,} of them fan-outs"
    yield from _sizes(unit.machines)
    yield f"  transitions     {found.transitions}"
    yield f"  events          {found.history} of {HISTORY_EVENTS:,}{_largest(unit.machines)}"
    yield f"  orchestration   {_cost(found.transitions)}"
    if unit.durations is not None:
        yield from _makespan(unit, unit.durations)
    yield from _choices(unit)
    yield from packs
    used = [kind for kind in kinds() if any(isinstance(layer.executor, kind.target) for layer in fan_outs)]
    yield from (f"  {kind.jobs_note}" for kind in sorted(used, key=lambda kind: kind.functions) if kind.jobs_note)
    yield f"  {_CONDITIONS}"


def _choices(unit: Unit) -> Iterator[str]:
    if unit.choices:
        from laminar_codegen.command.choices import report_choices  # few flows leave targets to the compiler

        yield from report_choices(unit.choices)


def _report_chain(compilation: pipeline.Compilation) -> Iterator[str]:
    """Yield the lines about the state machine of a chain of flows."""
    flows = [unit.graph.flow for unit in compilation.units]
    known = _machines(compilation)
    chain = [known.get(labels.MACHINE_IN_TURN, compilation.machines[0])]
    own = estimate(chain)
    found = [estimate(unit.machines).transitions.at({}) for unit in compilation.units]
    each = (
        ", each fan-out one job" if any(layer.foreach for graph in compilation.graphs for layer in graph.layers) else ""
    )
    yield f"chain {' -> '.join(flows)}: the state machine that runs the flows"
    yield from _sizes(chain)
    yield f"  transitions     {own.transitions}"
    yield f"  events          {own.events} of {HISTORY_EVENTS:,}"
    yield f"  orchestration   {_dollars(own.transitions.at({}) + sum(found))} an execution with its flows{each}"
    yield f"  {_CONDITIONS}"


def _report_turns(compilation: pipeline.Compilation) -> Iterator[str]:
    """Yield the lines about the state machines by which executions take turns."""
    known = _machines(compilation)
    machines = [compilation.machines[0], known[labels.MACHINE_OF_TURNS]]
    found = estimate(machines)
    yield "turns: the state machines that let one execution run at a time"
    yield from _sizes(machines)
    yield f"  transitions     {found.transitions}, and up to 3 for each look at the execution before"
    yield f"  orchestration   {_cost(found.transitions)}, in addition"


def _machines(compilation: pipeline.Compilation) -> dict[str, StateMachine]:
    return {machine.name: machine for machine in compilation.machines}


def _report_stop(compilation: pipeline.Compilation) -> Iterator[str]:
    """Yield the lines about the state machine that ends jobs with their execution."""
    machine = _machines(compilation)[STOP_JOBS]
    found = estimate_stop(machine)
    yield "stop: the state machine that ends jobs of layers that run item by item with their execution"
    yield from _sizes([machine])
    yield f"  transitions     {found}, and 1 for each job that has not ended"
    yield f"  orchestration   {_dollars(found)} an execution that fails, is stopped or times out; nothing for others"


def _sizes(machines: Sequence[StateMachine]) -> Iterator[str]:
    states = sum(1 for machine in machines for _ in all_states(machine.states))
    largest = max(map(machine_bytes, machines))
    share = f"{100 * largest / DEFINITION_BYTES:.1f} %"
    yield f"  states          {states:,} in {_count(len(machines), 'state machine')}"
    yield f"  definition      {largest:,} of {DEFINITION_BYTES:,} bytes ({share}){_largest(machines)}"


def _makespan(unit: Unit, profiled: Mapping[str, float]) -> Iterator[str]:
    names = [layer.name for layer in unit.graph.layers]
    seconds = complete(profiled, names)
    expected, ideal = makespan(unit.plan, seconds), critical_path(unit.graph, seconds)
    ratio = expected / ideal if ideal else 1.0  # layers may take no time at all, as measured
    yield f"  makespan        {expected:,.1f} s expected, {ideal:,.1f} s at least ({ratio:.3f})"
    if unknown := sum(name not in profiled for name in names):
        usual = "the median of the others" if unknown < len(names) else "a second each"
        yield f"  {_count(unknown, 'layer')} without a measured duration, assuming {usual}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _largest(machines: Sequence[StateMachine]) -> str:
    return ", the largest" if len(machines) > 1 else ""


def _cost(transitions: Formula) -> str:
    each = ", each fan-out one job" if transitions.jobs else ""
    return f"{_dollars(transitions.at({}))} an execution{each}"


def _dollars(transitions: int) -> str:
    return f"${transitions * TRANSITION:,.6f}"
