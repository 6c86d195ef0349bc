"""The cases of `laminar_codegen.planning`. The input of most is a graph: see tests/support/graph_notation.py."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import attrs

from laminar_codegen.command.choices import report_choices
from laminar_codegen.ir.plan import ExactJoins, JoinNode, Parallel, Run, Sequence, Step, SubMachine, print_plan
from laminar_codegen.planning import duration_samples, makespan, pack_schedule, pack_splits, partial_order
from laminar_codegen.planning.barrier_candidates import Barrier, barrier_candidates
from laminar_codegen.planning.barriers import Barriers
from laminar_codegen.planning.choose_packs import choose_packs
from laminar_codegen.planning.choose_targets import choose_targets
from laminar_codegen.planning.decompose import Decomposition, ParallelParts, SeriesParts
from laminar_codegen.planning.durations_file import read_profile
from laminar_codegen.planning.exact_joins import join_exactly
from laminar_codegen.planning.fuse_fan_outs import fuse_fan_outs, obstacles
from laminar_codegen.planning.fuse_packs import fuse_packs
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.planning.modular_decomposition import modules
from laminar_codegen.planning.pack_costs import Costs
from laminar_codegen.planning.pack_work import Work, obstacle
from laminar_codegen.planning.partial_order import Members, topological_numbering
from laminar_codegen.planning.path_cover import path_cover, transitive_reduction
from laminar_codegen.planning.picture import make_picture
from laminar_codegen.planning.profile_advice import compare_plans
from tests.support.cases import cases_of
from tests.support.graph_notation import durations_in, graph_in, profile_of, repeat_lines
from tests.support.shown import evaluator, options_in, or_problems

cases_of("planning.partial_order")(evaluator(partial_order))
cases_of("planning.duration_samples")(evaluator(duration_samples))
cases_of("planning.pack_schedule")(evaluator(pack_schedule))
cases_of("planning.makespan")(evaluator(makespan, graph_in=graph_in, JoinNode=JoinNode))


@cases_of("planning.choose_targets")
def targets_of(text: str) -> str:
    """Print where the layers of `AWS.Auto` run, and why."""
    options, text = options_in(text, "packing", "profile")
    graph = graph_in(text)
    durations = durations_in(text) if options.get("profile", True) else None
    placed, choices = choose_targets(graph, durations, options.get("packing", "off"))
    assert [each.executor for each in placed.layers if each.alternative] == [
        each.layer.executor for each in choices if not each.moves
    ]
    return "".join(f"{line.removeprefix('  placed').strip()}\n" for line in [*report_choices(choices)])


@cases_of("planning.pack_splits")
def splits_per_job_of(text: str) -> str:
    """Print the fan-outs of which a job runs several splits, and why others do not."""
    graph, durations = graph_in(text), durations_in(text)
    packed = pack_splits.pack_splits(graph, profile_of(durations))
    return "".join(
        f"{layer.name}: {layer.split_seconds or pack_splits.obstacle(layer, durations.get(layer.name, 0)) or 'no'}\n"
        for layer in packed.layers
        if layer.foreach
    )


class Order:
    """The order of the layers of a graph, with their names and their durations."""

    def __init__(self, text: str) -> None:
        graph = graph_in(text)
        self.names, self.predecessors = topological_numbering({layer.name: {*layer.depends} for layer in graph.layers})
        self.all: Members = tuple(range(len(self.names)))
        taken = durations_in(text)
        self.seconds = [taken.get(name, 1.0) for name in self.names]
        self.measured = bool(taken)

    def named(self, members: Members | list[int]) -> str:
        """Return the names of layers."""
        return ", ".join(self.names[member] for member in members)

    def numbers(self, names: str) -> Members:
        """Return the numbers of layers by their names."""
        return tuple(sorted(self.names.index(name.strip()) for name in names.split(",")))

    def sides(self, barrier: Barrier) -> str:
        """Return the sides of a barrier."""
        return f"{self.named(barrier.before)} | {self.named(barrier.after)}: at least {barrier.lower_bound:g} s"


@cases_of("planning.decompose")
def decompose(text: str) -> str:
    """A graph -> its parts, one decomposition deep. With ``members`` only these are decomposed."""
    options, text = options_in(text, "members")
    order = Order(text)
    members = order.numbers(options["members"]) if "members" in options else order.all
    split = Decomposition(order.predecessors).split(members)
    match split:
        case ParallelParts(parts) | SeriesParts(parts):
            kind = "parallel" if isinstance(split, ParallelParts) else "series"
            return f"{kind}: {' | '.join(map(order.named, parts))}"
        case _:
            return "prime"


@cases_of("planning.barrier_candidates")
def candidates(text: str) -> str:
    """A graph of a prime part with the durations of its layers -> the barriers, the best first."""
    options, text = options_in(text, "most", "balance")
    order = Order(text)
    found = barrier_candidates(
        order.predecessors, order.all, order.seconds, most=options.get("most", 3), balance=options.get("balance", 4)
    )
    return "\n".join(map(order.sides, found))


@cases_of("planning.barriers")
def barriers(text: str) -> str:
    """A graph of a prime part -> its barrier, by durations that are given, or else by samples."""
    options, text = options_in(text, "depth")
    order = Order(text)
    samples = (
        [(seconds,) for seconds in order.seconds]
        if order.measured
        else duration_samples.sample_durations(len(order.names))
    )
    found = Barriers(Decomposition(order.predecessors), samples, order.seconds)
    return order.sides(found.barrier(order.all, options.get("depth", 64)))


@cases_of("planning.modular_decomposition")
def modular(text: str) -> str:
    """A graph of a prime part -> its modules, a line each."""
    options, text = options_in(text, "times")
    order = Order(repeat_lines(text, options.get("times", 1)))
    return "\n".join(map(order.named, modules(order.predecessors)))


@cases_of("planning.path_cover")
def paths(text: str) -> str:
    """A graph -> what is left of it by the transitive reduction, and the paths that cover that."""
    order = Order(text)
    reduced = transitive_reduction(order.predecessors)
    kept = [f"{order.names[member]} after {order.named(list(above))}" for member, above in enumerate(reduced) if above]
    return "\n".join([*kept, *(f"path {order.named(path)}" for path in path_cover(reduced))])


@cases_of("planning.exact_joins")
def joins(text: str) -> str:
    """A graph -> its exact joins. With ``parts`` some layers are in one node."""
    options, text = options_in(text, "times", "parts")
    order = Order(repeat_lines(text, options.get("times", 1)))
    together = [order.numbers(part) for part in options.get("parts", ())]
    alone = [(member,) for member in order.all if not any(member in part for part in together)]

    def plan(part: Members) -> Step:
        steps = tuple(Run(order.names[member]) for member in part)
        return steps[0] if len(steps) == 1 else Parallel(steps)

    found = join_exactly(order.predecessors, sorted([*together, *alone]), plan)
    return "none\n" if found is None else print_plan(found)


@cases_of("planning.fuse_fan_outs")
def fused(text: str) -> str:
    """A graph -> the units that are planned, with what they depend on, and why some layers cannot be pipelined."""
    graph = graph_in(text)
    units = [
        f"{print_plan(unit.step).strip()} after {', '.join(sorted(unit.depends)) or 'nothing'}"
        for unit in fuse_fan_outs(graph)
    ]
    return "\n".join([*units, *(f"{layer.name} {why}\n  fix {fix}" for layer, why, fix in obstacles(graph))])


@cases_of("planning.make_plan")
def planned(text: str) -> str:
    """A graph -> its plan, by the durations that are given, with ``joins``. With ``show`` only how deep that is."""
    options, text = options_in(text, "times", "joins", "show")
    text = repeat_lines(text, options.get("times", 1))
    taken, joins = durations_in(text) or None, options.get("joins", "barriers")

    def run() -> str:
        plan = make_plan(graph_in(text), durations=taken, joins=joins)
        return f"{type(plan).__name__}, {_depth(plan)} deep" if options.get("show") == "depth" else print_plan(plan)

    return or_problems(run)


def _depth(step: Step) -> int:
    """Return the greatest number of branches, and of sequences in them, that are in each other."""
    match step:
        case Sequence(inner) | Parallel(inner):
            return 1 + max(map(_depth, inner))
        case ExactJoins(paths):
            return 1 + max(_depth(node.step) for path in paths for node in path)
        case _:
            return 0


@cases_of("planning.durations_file")
def profile(text: str) -> str:
    """The text of a profile -> the times of the layers of flow Report and of starts, or why it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "durations.json")
        if text.strip() != "(no file)":
            file.write_text(text, encoding="utf-8")

        def shown() -> str:
            found = read_profile(file, "Report")
            layers = (f"{name}: {_set_fields(times)}\n" for name, times in found.layers.items())
            return "".join([*layers, *(f"{_set_fields(start)}\n" for start in found.starts)]) or "nothing"

        return or_problems(shown).replace(f"{folder}/", "")


def _set_fields(value: Any) -> str:
    """Return the fields of a value that are not None."""
    return ", ".join(f"{name} {field}" for name, field in attrs.asdict(value).items() if field is not None)


@cases_of("planning.picture")
def picture(text: str) -> str:
    """A graph -> the picture of it and of its plan. ``joins`` says how it is planned, ``part`` what has a machine."""
    options, text = options_in(text, "joins", "parts", "packing")
    graph = graph_in(text)
    packs = choose_packs(graph, options.get("packing", "off"))
    plan = make_plan(graph, joins=options.get("joins", "barriers"), packs=packs)
    if options.get("parts"):
        assert isinstance(plan, Sequence)
        plan = Sequence(tuple(SubMachine(f"part_{number}", step) for number, step in enumerate(plan.steps, 1)))
    return str(make_picture(graph, plan)).replace(", AWS Batch, FARGATE, 1 vCPU, 2,048 MiB", "")


@cases_of("planning.choose_packs")
def packs(text: str) -> str:
    """A graph -> its packs, a line each, and the layers that have jobs of their own."""
    options, text = options_in(text, "packing", "start_up", "times")
    graph, costs = graph_in(repeat_lines(text, options.get("times", 1))), Costs(start_up=options.get("start_up", 45))

    def shown() -> str:
        found = choose_packs(graph, options.get("packing", "auto"), durations_in(text), costs)
        packed = {name for pack in found for name in pack.names}
        alone = [layer.name for layer in graph.layers if layer.name not in packed]
        lines = "".join(print_plan(pack) for pack in found)
        return f"{lines}alone: {', '.join(alone)}" if alone else lines

    return or_problems(shown)


@cases_of("planning.fuse_packs")
def fused_packs(text: str) -> str:
    """A graph whose chains are packs -> the steps that are planned, and what they wait for."""
    graph = graph_in(text)
    units = fuse_packs(fuse_fan_outs(graph), choose_packs(graph, "chains"))
    shown = (f"{print_plan(unit.step)}  after {', '.join(sorted(unit.depends)) or 'nothing'}" for unit in units)
    return "\n".join(shown)


@cases_of("planning.pack_work")
def work(text: str) -> str:
    """A graph -> each layer: what it may share a job with, or why it has one of its own."""
    graph = graph_in(text)
    found = Work.of(graph, None, Costs())
    kinds = dict(zip((unit.layers[0] for unit in found.units), found.kinds, strict=True))
    return "\n".join(f"{layer.name}: {obstacle(layer) or f'kind {kinds[layer.name]}'}" for layer in graph.layers)


@cases_of("planning.profile_advice")
def profile_advice(text: str) -> str:
    """A graph with the durations of its layers -> what a profile with them would change."""
    options, text = options_in(text, "joins")
    graph = graph_in(text)
    plan = make_plan(graph, joins=options.get("joins", "barriers"))
    return "\n".join(compare_plans(graph, plan, durations_in(text)))
