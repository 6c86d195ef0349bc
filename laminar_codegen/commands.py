"""The commands ``laminar-codegen check`` and ``laminar-codegen profile``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence

from laminar_codegen import loader, pipeline
from laminar_codegen.estimate import PRICE, Estimate, estimate
from laminar_codegen.limits import DEFINITION_BYTES, HISTORY_EVENTS
from laminar_codegen.measure import measure
from laminar_codegen.options import EXITS, add_scheduling, scheduling_of
from laminar_codegen.pipeline import Unit
from laminar_codegen.profile import read_profile
from laminar_codegen.render import size_of
from laminar_codegen.schedule import complete, critical_path, makespan
from laminar_codegen.states import all_states
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployment import Deployment
from laminar_runtime.exceptions import ExecutionError

__all__ = ["check", "profile"]


def check(words: Sequence[str]) -> int:
    """Compile a flow, and print what an execution of it takes.

    Args:
        words: The arguments of the command.

    Returns:
        0: a flow with problems is told of by an error.

    Raises:
        CompileError: If the flow cannot be compiled; it tells every reason.
    """
    parser = argparse.ArgumentParser(
        prog="laminar-codegen check",
        description="Checks a flow: prints all problems, or else what an execution of it takes.",
        epilog=EXITS,
    )
    parser.add_argument("flow", help="the flow's file, or FILE:FLOW if it has several")
    add_scheduling(parser)
    options = parser.parse_args(words)
    compilation = pipeline.compile_flow(options.flow, scheduling_of(options))
    for unit in compilation.units:
        profiled = read_profile(options.profile, unit.graph.flow) if options.profile else None
        print("\n".join(_report(unit, profiled)))
    return 0


def _report(unit: Unit, profiled: Mapping[str, float] | None) -> Iterator[str]:
    graph, found = unit.graph, estimate(unit.graph, unit.plan)
    fan_outs = [layer.name for layer in graph.layers if layer.foreach]
    yield f"flow {graph.flow}: {len(graph.layers):,} layers, {len(fan_outs):,} of them fan-outs"
    states = sum(1 for machine in unit.machines for _ in all_states(machine.states))
    yield f"  states          {states:,} in {len(unit.machines)} state machine{'s' if len(unit.machines) > 1 else ''}"
    largest = max(size_of(machine.states) for machine in unit.machines)
    share = f"{100 * largest / DEFINITION_BYTES:.1f} %"
    yield f"  definition      {largest:,} of {DEFINITION_BYTES:,} bytes ({share}){_each(unit)}"
    yield f"  transitions     {found.transitions}"
    yield f"  events          {found.events} of {HISTORY_EVENTS:,}"
    yield f"  orchestration   {_cost(found)}"
    if profiled is not None:
        seconds = complete(profiled, [layer.name for layer in graph.layers])
        expected, ideal = makespan(unit.plan, seconds), critical_path(graph, seconds)
        yield f"  makespan        {expected:,.1f} s expected, {ideal:,.1f} s at least ({expected / ideal:.3f})"
    if fan_outs:
        yield "  jobs(L): one for each 10,000 splits of L and size of container, none if it has no split"
    yield "  without retries, and if nothing is skipped; a transition costs $0.000025 in us-east-1"


def _each(unit: Unit) -> str:
    return ", the largest" if len(unit.machines) > 1 else ""


def _cost(found: Estimate) -> str:
    transitions = found.transitions.at({})
    each = ", each fan-out one job" if found.transitions.jobs else ""
    return f"${transitions * PRICE:,.6f} an execution{each}"


def profile(words: Sequence[str]) -> int:
    """Print how long the layers of a flow took in past executions, as JSON that `--profile` reads.

    Args:
        words: The arguments of the command.

    Returns:
        0.

    Raises:
        ExecutionError: If there is no execution to measure.
    """
    parser = argparse.ArgumentParser(
        prog="laminar-codegen profile",
        description="Prints how long the layers of a flow took, the median of its last executions, as JSON.",
        epilog=EXITS,
    )
    parser.add_argument("flow", help="the flow's file, or FILE:FLOW if it has several")
    parser.add_argument("--execution", action="append", default=[], metavar="ID", help="an execution to measure")
    parser.add_argument("--last", type=int, default=10, metavar="N", help="how many to measure else (default: 10)")
    parser.add_argument(
        "--deployment",
        metavar="NAME",
        help="the deployment whose executions are meant, by its datastore and histories; else the flow's own datastore",
    )
    options = parser.parse_args(words)
    source = loader.load(options.flow)
    measured = {}
    for flow in (source.flow, *source.following):
        deployment = Deployment.find(options.deployment) if options.deployment else None
        if deployment is not None:
            flow.configuration.scheduler = AWS.StepFunctions(deployment=deployment.name)
        known = [str(execution.id) for execution in flow.datastore.list_executions(flow=flow)]
        executions = options.execution or known[-options.last :]
        if not executions:
            raise ExecutionError(f"flow '{flow.name}' has no executions in {flow.datastore.root}: run it first")
        measured[flow.name] = measure(flow, executions, deployment)
        print(f"measured {len(executions)} executions of {flow.name}", file=sys.stderr)
    print(json.dumps(measured, indent=2))
    return 0
