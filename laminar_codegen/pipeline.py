"""The compiler, pass by pass.

::

    flow.py  --load-->  Source  --build_graph-->  Graph  --check-->  Graph
             [--choose_targets-->  Graph]  --make_plan-->  Step  [--split_plan-->  Step]
             --emit_states-->  StateMachine, ...
             --allocate-->  Deployment  --emit_document-->  Document  [--call_module-->  Document]  --render-->  text

Each pass is one function in the module of its name, from frozen values to a frozen value. No pass reads the clock,
random numbers, the environment or AWS, so the same flow gives the same bytes everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from laminar_codegen.allocate import allocate
from laminar_codegen.checks.graph import check, check_definitions
from laminar_codegen.frontend.build_graph import build_graph
from laminar_codegen.frontend.loader import Source, load
from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.plan import Packing, Step
from laminar_codegen.ir.structs import Struct
from laminar_codegen.ir.terraform import Document, Module
from laminar_codegen.lower_states.split_machines import split_plan
from laminar_codegen.lower_states.states import emit_states, machine_size, measure_steps
from laminar_codegen.lower_terraform.document import emit_document
from laminar_codegen.lower_terraform.policy_limits import check_policies
from laminar_codegen.lower_terraform.variable_names import check_variables
from laminar_codegen.planning.make_plan import Joins, make_plan
from laminar_codegen.targets.registry import companions_of
from laminar_codegen.triggers.registry import machines_of
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions

if TYPE_CHECKING:
    from laminar_codegen.planning.choose_targets import Choice
    from laminar_codegen.planning.profile import Profile

__all__ = [
    "Compilation",
    "Scheduling",
    "Unit",
    "compile_flow",
    "compile_source",
    "graphs_of",
    "graphs_with_targets",
    "plan_of",
]


@attrs.frozen(eq=False, repr=False)
class Unit:
    """One flow after all passes.

    Args:
        graph: Its layers and their dependencies.
        plan: Its plan: layers in sequence and in parallel.
        machines: Its state machine, and the sub-machines if it would be too large.
        profile: The profile that it was planned by, None without one.
        choices: Where the compiler has its layers of `AWS.Auto` run, and why.
    """

    graph: Graph
    plan: Step
    machines: tuple[StateMachine, ...]
    profile: Profile | None = None
    choices: tuple[Choice, ...] = ()

    @property
    def durations(self) -> Mapping[str, float] | None:
        """The seconds of layers in the profile that it was planned by, None without a profile."""
        return _durations(self.profile)


@attrs.frozen(eq=False, repr=False)
class Compilation:
    """A flow, or a chain of flows, after all passes.

    Args:
        source: The flow, and the flows that follow it.
        units: Each of these flows after the passes.
        deployment: The resources to deploy, including the state machines.
        document: The Terraform document that declares them.
    """

    source: Source
    units: tuple[Unit, ...]
    deployment: Deployment
    document: Document

    @property
    def machines(self) -> tuple[StateMachine, ...]:
        """All state machines. The first is the one that applications start."""
        return self.deployment.machines

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """The graph of each flow."""
        return tuple(unit.graph for unit in self.units)


@attrs.frozen(eq=False, repr=False)
class Scheduling(Struct):
    """How flows are planned.

    Args:
        joins: How to plan dependencies that no nesting expresses: ``barriers``, ``exact`` or ``auto``. None for the
            choice of the flow's scheduler, `AWS.StepFunctions(joins=...)`, which is barriers by default.
        profile: The file with the durations of layers, None for that of the flow's scheduler.
        pack: Which layers share jobs: ``off``, ``chains`` or ``auto``. None for the choice of the flow's scheduler,
            `AWS.StepFunctions(pack=...)`, which is off by default.
    """

    joins: Joins | None = None
    profile: Path | None = None
    pack: Packing | None = None


def compile_flow(target: str, scheduling: Scheduling | None = None, module: Module | None = None) -> Compilation:
    """Compile a flow.

    Args:
        target: The flow's file, or ``file:FlowName`` if it has several.
        scheduling: How it is planned.
        module: The Terraform module ``flow`` that the document calls. None for that of the flow's scheduler; without
            one the document is self-contained.

    Returns:
        The results of all passes.

    Raises:
        CompileError: If it cannot be compiled, with every reason.

    Example:
        ``render_document(compile_flow("flow.py").document)`` is what ``laminar-codegen flow.py`` prints.
    """
    return compile_source(load(target), scheduling, module)


def compile_source(source: Source, scheduling: Scheduling | None = None, module: Module | None = None) -> Compilation:
    """Compile a loaded flow.

    Args:
        source: The flow.
        scheduling: How it is planned.
        module: The Terraform module ``flow`` that the document calls. None for that of the flow's scheduler; without
            one the document is self-contained.

    Returns:
        The results of all passes.

    Raises:
        CompileError: If it cannot be compiled, with every reason.
    """
    # The flows as data: from here on no code of the user runs.
    graphs = graphs_of(source)
    # All problems that prevent compilation, reported at once.
    check(graphs)
    joins, profile, pack = _scheduling(source, scheduling or Scheduling())
    parts = [_choose_targets(graph, own, pack) for graph, own in zip(graphs, _profiles(graphs, profile), strict=True)]
    if any(part.choices for part in parts):
        graphs = tuple(part.graph for part in parts)
        # What layers have in common: their roles, their networks.
        check(graphs)
    units = tuple(_compile(part, joins, pack) for part in parts)
    machines = tuple(machine for unit in units for machine in unit.machines)
    # What few flows need is imported where it is used, so that the compile of other flows does not load it.
    if len(units) > 1:
        from laminar_codegen.lower_states.flow_sequence import emit_chain

        machines = (emit_chain(graphs), *machines)
    if source.scheduler.overlap != "allow":
        from laminar_codegen.lower_states.turns import take_turns

        machines = take_turns(machines, graphs[0], source.scheduler.overlap)
    machines = (*machines, *(companion.machine(graphs) for companion in companions_of(graphs)))
    machines = (*machines, *machines_of(graphs[0].triggers))
    # The resources that they need, decided once.
    deployment = allocate(graphs, machines)
    check_variables(deployment)
    check_policies(deployment)
    document = emit_document(deployment)
    called = module or _module(source.scheduler)
    if called is not None:
        from laminar_codegen.lower_terraform.module_call import call_module

        document = call_module(document, called, deployment)
    return Compilation(source, units, deployment, document)


def graphs_of(source: Source) -> tuple[Graph, ...]:
    """Return the graphs of a loaded flow and of the flows that follow it.

    Args:
        source: The flow.

    Returns:
        A graph for each flow, which may have problems: see `laminar_codegen.checks`.
    """
    if not source.following:
        return (build_graph(source),)
    chain = [build_graph(attrs.evolve(source, flow=flow)) for flow in (source.flow, *source.following)]
    return tuple(
        attrs.evolve(graph, prefix=labels.prefix(graph.flow), linked=place > 0) for place, graph in enumerate(chain)
    )


def graphs_with_targets(source: Source, scheduling: Scheduling | None = None) -> tuple[Graph, ...]:
    """Return the graphs of a loaded flow and of those that follow it, in which layers of `AWS.Auto` have their targets.

    Args:
        source: The flow.
        scheduling: How it is planned.

    Raises:
        CompileError: If there is such a layer, and a graph has problems, or the profile cannot be read.
    """
    graphs = graphs_of(source)
    if not any(layer.alternative for graph in graphs for layer in graph.layers):
        return graphs
    check(graphs)
    _, profile, packing = _scheduling(source, scheduling or Scheduling())
    profiles = _profiles(graphs, profile)
    return tuple(_choose_targets(graph, own, packing).graph for graph, own in zip(graphs, profiles, strict=True))


def plan_of(source: Source, graph: Graph) -> Step:
    """Return the plan of a flow, as its own scheduler plans it.

    Args:
        source: The flow.
        graph: Its graph, or that of a flow that follows it, which passed the checks.

    Raises:
        CompileError: If the profile of the scheduler cannot be read, or it packs layers by one that is not there.
    """
    joins, profile, packing = _scheduling(source, Scheduling())
    part = _choose_targets(graph, _profiles((graph,), profile)[0], packing)
    return _plan(part.graph, part.profile, joins, packing)


def _scheduling(source: Source, given: Scheduling) -> tuple[Joins, Path | None, Packing]:
    """Return the joins, the profile and the packing of the options, or else of the flow's scheduler."""
    own = source.scheduler
    profile = given.profile or (_beside(source, own.profile) if own.profile else None)
    return given.joins or own.joins, profile, given.pack or own.pack


def _beside(source: Source, path: str | Path) -> Path:
    """Return a path that a flow's file names: it goes from the folder of that file. Errors show it as users see it."""
    found = source.file.parent / path
    here = Path.cwd()
    return found.relative_to(here) if found.is_relative_to(here) else found


def _module(own: StepFunctions) -> Module | None:
    """Return the module that the flow's scheduler requests."""
    return None if own.module is None else Module(own.module, own.module_version)


def _profiles(graphs: Sequence[Graph], path: Path | None) -> Sequence[Profile | None]:
    """Return the profile of each flow, None without a file."""
    if path is None:
        return [None] * len(graphs)
    from laminar_codegen.planning.durations_file import read_profiles

    return read_profiles(path, [graph.flow for graph in graphs])


def _durations(profile: Profile | None) -> Mapping[str, float] | None:
    return None if profile is None else profile.durations


def _plan(graph: Graph, profile: Profile | None, joins: Joins, packing: Packing) -> Step:
    """Return the plan of a graph: any DAG, as nested sequences and parallel branches."""
    durations = _durations(profile)
    if packing == "off":
        return make_plan(graph, durations=durations, joins=joins)
    from laminar_codegen.planning.choose_packs import choose_packs
    from laminar_codegen.planning.pack_costs import Costs, start_ups

    costs = Costs(profile=profile)
    packs = choose_packs(graph, packing, durations, costs)
    start_up = start_ups(graph, costs) if durations else 0.0
    return make_plan(graph, durations=durations, joins=joins, packs=packs, start_up=start_up)


@attrs.frozen(eq=False, repr=False)
class _Part:
    """A flow before it is planned: its graph, its profile, and the choices of targets."""

    graph: Graph
    profile: Profile | None
    choices: tuple[Choice, ...] = ()


def _choose_targets(graph: Graph, profile: Profile | None, packing: Packing) -> _Part:
    """Return a flow in which the layers of `AWS.Auto` have their targets."""
    if not any(layer.alternative for layer in graph.layers):
        return _Part(graph, profile)
    from laminar_codegen.planning.choose_targets import choose_targets  # few flows leave it to the compiler
    from laminar_codegen.planning.pack_costs import Costs

    chosen, choices = choose_targets(graph, _durations(profile), packing, Costs(profile=profile))
    return _Part(chosen, profile, choices)


def _compile(part: _Part, joins: Joins, packing: Packing) -> Unit:
    graph, profile = part.graph, part.profile
    if packing == "auto" and profile is not None:
        from laminar_codegen.planning.pack_splits import pack_splits

        graph = pack_splits(graph, profile)
    plan = _plan(graph, profile, joins, packing)
    if packing != "off":
        from laminar_codegen.planning.fuse_packs import mark_packs

        graph = mark_packs(graph, plan)
    # The state machine, with references to resources that the document declares.
    machines = emit_states(graph, plan)
    if not machine_size(machines[0]).fits_easily:
        # It may be too large: then its plan becomes several machines.
        plan = split_plan(plan, measure_steps(graph))
        machines = emit_states(graph, plan)
        check_definitions(graph, machines)
    return Unit(graph, plan, machines, profile, part.choices)
