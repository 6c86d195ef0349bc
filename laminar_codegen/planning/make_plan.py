"""Plans a graph as nested sequences and parallel branches, which a state machine can express.

Before: ``B after A``, ``C after A``, ``D after B, C``. After::

    Sequence
      Run A
      Parallel
        Run B
        Run C
      Run D

`fuse_fan_outs` fuses pipelined fan-outs first, and `fuse_packs` the layers that share a job. Then `decompose` splits
the layers by their partial order, again and again:

- Parts without a dependency between them become parallel branches.
- Parts in series become a sequence.
- The order of a prime part is not expressed by any nesting (the smallest one is an N: C after A; D after A and B). It
  gets a barrier (`barriers`): some layers run before all others, and both sides are decomposed. That delays layers, but
  none runs before its predecessors. Or it becomes exact joins (`exact_joins`): parallel paths, in which a layer waits
  for single layers of other paths.
- A part that would nest too deep for common JSON parsers is cut by ranks, or becomes exact joins, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal, assert_never

import attrs

from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.plan import Pack, Parallel, Sequence, Step
from laminar_codegen.planning.barrier_candidates import Barrier
from laminar_codegen.planning.barriers import Barriers
from laminar_codegen.planning.decompose import Decomposition, ParallelParts, SeriesParts
from laminar_codegen.planning.duration_samples import sample_durations
from laminar_codegen.planning.fuse_fan_outs import PlanUnit, fuse_fan_outs
from laminar_codegen.planning.makespan import StartUps, complete, makespan
from laminar_codegen.planning.partial_order import Members, earliest_finish, ranks, restrict, topological_numbering
from laminar_codegen.problems import CompileError, Problem
from laminar_codegen.problems.rules import LAM044

__all__ = ["DEPTH", "Joins", "make_plan"]

#: How to plan prime parts: see `make_plan`.
Joins = Literal["barriers", "exact", "auto"]

#: The greatest depth of a plan. Every second level is a Parallel state, which nests JSON four levels deeper. AWS
#: documents no limit, but JSON parsers have one, commonly 1,000 levels.
DEPTH = 64

#: The delay that ``auto`` accepts for barriers, as a share of the critical path of the flow.
_TOLERANCE = 0.02


class _TooDeepError(Exception):
    """The plan of a part is too deep."""


def make_plan(
    graph: Graph,
    *,
    durations: Mapping[str, float] | None = None,
    joins: Joins = "barriers",
    packs: Iterable[Pack] = (),
    start_up: StartUps = 0,
) -> Step:
    """Plan a graph.

    Args:
        graph: A graph that passed the checks.
        durations: Seconds by layer, of past executions. A layer without a duration gets the median of the others;
            names of other layers are left out. None if nothing is measured: barriers are then chosen for flows in which
            a few layers, whichever they are, take much longer than the others.
        joins: How to plan prime parts: ``barriers`` go where they delay the flow least; ``exact`` joins delay nothing,
            and need a few states for each layer that waits; ``auto`` takes barriers as long as they delay the flow by
            less than 2 % of its critical path, and exact joins elsewhere.
        packs: The layers that share a job, see `laminar_codegen.planning.choose_packs`.
        start_up: Seconds until the first layer of a job starts: of all jobs, or by layer.

    Returns:
        The plan: each layer once, after all of its dependencies.

    Raises:
        CompileError: If `joins` is ``auto`` and no layer has a duration.
    """
    known = [layer.name for layer in graph.layers if durations and layer.name in durations]
    if joins == "auto" and not known:
        raise CompileError([_no_durations(graph)])
    units = {unit.layers[0]: unit for unit in _units(graph, tuple(packs))}
    names, predecessors = topological_numbering({name: unit.depends for name, unit in units.items()})
    takes = complete(durations or {}, [layer.name for layer in graph.layers])
    seconds = [makespan(units[name].step, takes, start_up) for name in names]
    shares = [(1.0,)] * len(names) if known else sample_durations(len(names))
    samples = [
        tuple(share * each for share in course) if each != 1 else course
        for each, course in zip(seconds, shares, strict=True)
    ]
    decomposition = Decomposition(predecessors)
    planner = _Planner(
        leaves=tuple(units[name].step for name in names),
        decomposition=decomposition,
        barriers=Barriers(decomposition, samples, seconds),
        durations=takes,
        start_up=start_up,
    )
    members = tuple(range(len(names)))
    match joins:
        case "barriers":
            slack = math.inf
        case "exact":
            slack = -math.inf
        case "auto":
            slack = _TOLERANCE * planner.critical(members)
        case _:
            assert_never(joins)
    return planner.plan(members, DEPTH, slack)


def _units(graph: Graph, packs: tuple[Pack, ...]) -> tuple[PlanUnit, ...]:
    units = fuse_fan_outs(graph)
    if not packs:
        return units
    from laminar_codegen.planning.fuse_packs import fuse_packs  # few flows have packs

    return fuse_packs(units, packs)


def _no_durations(graph: Graph) -> Problem:
    what = "joins='auto' needs the durations of layers, and none is known"
    return Problem(graph.location, LAM044, what, "give a profile, or choose joins='exact' or joins='barriers'")


@attrs.frozen(eq=False, repr=False)
class _Planner:
    """Plans parts.

    The slack of a part is the delay that its plan may have over its longest path, in seconds: infinite for barriers,
    and minus infinity for exact joins.
    """

    leaves: tuple[Step, ...]
    decomposition: Decomposition
    barriers: Barriers
    durations: Mapping[str, float]
    start_up: StartUps

    def plan(self, members: Members, max_depth: int, slack: float) -> Step:
        """Plan some layers, at most `max_depth` deep."""
        if len(members) == 1:
            return self.leaves[members[0]]
        if max_depth <= 0:
            raise _TooDeepError
        split = self.decomposition.split(members)
        if isinstance(split, ParallelParts):
            return self._parallel(members, split.parts, max_depth, slack)
        try:
            if isinstance(split, SeriesParts):
                return self.series_of([(part, max_depth - 1) for part in split.parts], slack)
            return self._prime(members, max_depth, slack)
        except _TooDeepError:
            # Cut by ranks near the root of the plan: the slices are large, and within them the order is kept.
            if max_depth < DEPTH - 2:
                raise
            return self._shallow(members, max_depth, slack)

    def _parallel(self, members: Members, parts: Iterable[Members], max_depth: int, slack: float) -> Parallel:
        if math.isinf(slack):
            return Parallel(tuple(self.plan(part, max_depth - 1, slack) for part in parts))
        end = self.critical(members) + slack
        return Parallel(tuple(self.plan(part, max_depth - 1, end - self.critical(part)) for part in parts))

    def series_of(self, parts: Iterable[tuple[Members, int]], slack: float) -> Sequence:
        """Plan parts in series, each with its greatest depth. A part gets the slack that the ones before it leave."""
        steps: list[Step] = []
        for part, max_depth in parts:
            step = self.plan(part, max_depth, slack)
            steps += step.steps if isinstance(step, Sequence) else [step]
            if not math.isinf(slack):
                slack -= self._delay(step, part)
        return Sequence(tuple(steps))

    def _prime(self, members: Members, max_depth: int, slack: float) -> Step:
        if slack == -math.inf:
            joined = self._exact_joins(members, max_depth, slack)
            return joined or self._barrier(self.barriers.barrier(members, max_depth), max_depth, slack)
        barrier = self.barriers.barrier(members, max_depth)
        step = self._barrier(barrier, max_depth, math.inf)
        if slack == math.inf or self._delay(step, members) <= slack:
            return step
        # This barrier may cost little, and only those within its sides too much.
        cost = barrier.lower_bound - self.critical(members)
        joined = self._exact_joins(members, max_depth, 0.0) if cost > slack else None
        return joined or self._barrier(barrier, max_depth, slack - cost)

    def _exact_joins(self, members: Members, max_depth: int, slack: float) -> Step | None:
        from laminar_codegen.planning.exact_joins import join_exactly  # few flows have exact joins
        from laminar_codegen.planning.modular_decomposition import modules

        predecessors = self.decomposition.predecessors
        parts = [tuple(members[index] for index in module) for module in modules(restrict(predecessors, members))]
        return join_exactly(predecessors, parts, lambda part: self.plan(part, max_depth - 2, slack))

    def _barrier(self, barrier: Barrier, max_depth: int, slack: float) -> Sequence:
        return self.series_of(
            [(side, self._side_depth(side, max_depth)) for side in (barrier.before, barrier.after)], slack
        )

    def _side_depth(self, members: Members, max_depth: int) -> int:
        """Return the greatest depth of a side of a barrier. A sequence merges with that of the barrier."""
        nests = len(members) > 1 and isinstance(self.decomposition.split(members), ParallelParts)
        return max_depth - 1 if nests else max_depth

    def _shallow(self, members: Members, max_depth: int, slack: float) -> Step:
        """Plan layers whose plan would be too deep."""
        if slack < math.inf:
            from laminar_codegen.planning.exact_joins import join_exactly

            joined = join_exactly(
                self.decomposition.predecessors, [(member,) for member in members], lambda part: self.leaves[part[0]]
            )
            if joined:
                return joined
        # With equal durations, each side of a barrier has fewer ranks: a slice then nests at most twice as deep as it
        # has ranks.
        even = Barriers(self.decomposition, [(1.0,)] * len(self.leaves), [1.0] * len(self.leaves))
        slices = [(part, max_depth - 1) for part in self._slices(members, (max_depth - 1) // 2)]
        return attrs.evolve(self, barriers=even).series_of(slices, slack)

    def _slices(self, members: Members, height: int) -> list[Members]:
        """Return the layers in slices of `height` ranks."""
        slices: dict[int, list[int]] = {}
        for member, level in zip(members, ranks(restrict(self.decomposition.predecessors, members)), strict=True):
            slices.setdefault(level // height, []).append(member)
        return [tuple(slices[index]) for index in sorted(slices)]

    def critical(self, members: Members) -> float:
        """Return the duration of the longest path of some layers, in seconds."""
        seconds = [self.barriers.seconds[member] for member in members]
        return max(earliest_finish(restrict(self.decomposition.predecessors, members), seconds))

    def _delay(self, step: Step, members: Members) -> float:
        """Return the delay of a plan over its longest path, in seconds; 0 if they differ by rounding only."""
        takes, critical = makespan(step, self.durations, self.start_up), self.critical(members)
        return 0.0 if math.isclose(takes, critical) else takes - critical
