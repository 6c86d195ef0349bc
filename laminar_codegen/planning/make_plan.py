"""Puts layers in an order that a state machine can say: sequences and parallel branches, nested.

Before: ``B after A``, ``C after A``, ``D after B, C``. After::

    Sequence
      Run A
      Parallel
        Run B
        Run C
      Run D

Fan-outs that run item by item are joined first (`contract`). Then a set of layers is taken apart by its order, each
layer with all that come before it, directly or not (`decompose`):

- Parts that do not depend on each other become parallel branches.
- If the layers fall into parts of which each comes wholly before the next, the parts become a sequence.
- Else no nesting says the order exactly (the smallest such order is an N: C after A; D after A and B). Then either a
  barrier is put in (`barriers`): some layers run before all others, and the two sides are taken apart in turn. That
  delays layers, but never lets one run before what it depends on. Or the layers become exact joins (`join_exactly`):
  chains beside each other, in which a layer waits for layers of other chains, and for nothing else.
- A part that would nest deeper than what reads a state machine can be trusted to take is cut by levels, or becomes
  exact joins, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal, assert_never

import attrs

from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.plan import Parallel, Sequence, Step
from laminar_codegen.planning.barrier_candidates import Cut
from laminar_codegen.planning.barriers import Barriers
from laminar_codegen.planning.decompose import Beside, Decomposition, InTurn
from laminar_codegen.planning.duration_samples import scenarios
from laminar_codegen.planning.exact_joins import join_exactly
from laminar_codegen.planning.fuse_fan_outs import contract
from laminar_codegen.planning.makespan import complete, makespan
from laminar_codegen.planning.modular_decomposition import modules
from laminar_codegen.planning.partial_order import Members, finish, levels, number, within
from laminar_codegen.problems import CompileError, Problem

__all__ = ["DEPTH", "Joins", "make_plan"]

#: What becomes of dependencies that are not nested: see `make_plan`.
Joins = Literal["barriers", "exact", "auto"]

#: How deep a plan nests at most. Every second level is a Parallel state, and each of these nests JSON four levels
#: deeper: AWS documents no limit, but parsers of JSON have one, the common ones at 1,000 levels.
DEPTH = 64

#: The share of a flow's critical path that barriers may cost where exact joins could take their place.
_TOLERANCE = 0.02


class _TooDeepError(Exception):
    """A part nests too deep."""


def make_plan(
    graph: Graph,
    *,
    durations: Mapping[str, float] | None = None,
    joins: Joins = "barriers",
) -> Step:
    """Plan a graph.

    Args:
        graph: A graph that was checked.
        durations: Seconds by layer, of past executions. A layer that is not among them is taken to need the median of
            those that are; what is of no layer of the flow is left out. None if nothing is known: then barriers are
            placed for flows in which a few layers, whichever they are, take much longer than others.
        joins: What becomes of what no nesting says: ``barriers`` are put in where they delay the flow least; ``exact``
            joins delay nothing, and need a few states for each layer that waits; ``auto`` puts in barriers as long as
            they delay the flow by less than 2 % of its critical path, and exact joins elsewhere.

    Returns:
        The plan: each layer once, after all that it depends on.

    Raises:
        CompileError: If ``auto`` is to decide, and nothing is known of how long any layer takes.
    """
    known = [layer.name for layer in graph.layers if durations and layer.name in durations]
    if joins == "auto" and not known:
        raise CompileError([_no_durations(graph)])
    units = {unit.layers[0]: unit for unit in contract(graph)}
    names, parents = number({name: unit.depends for name, unit in units.items()})
    takes = complete(durations or {}, [layer.name for layer in graph.layers])
    seconds = [math.fsum(takes[layer] for layer in units[name].layers) for name in names]
    shares = [(1.0,)] * len(names) if known else scenarios(len(names))
    courses = [
        tuple(share * each for share in course) if each != 1 else course
        for each, course in zip(seconds, shares, strict=True)
    ]
    decomposition = Decomposition(parents)
    planner = _Planner(
        leaves=tuple(units[name].step for name in names),
        decomposition=decomposition,
        barriers=Barriers(decomposition, courses, seconds),
        durations=takes,
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


def _no_durations(graph: Graph) -> Problem:
    what = "joins='auto' weighs barriers by how long layers take, and nothing is known of that"
    return Problem(graph.location, "LAM044", what, "give a profile, or choose joins='exact' or joins='barriers'")


@attrs.frozen
class _Planner:
    """Plans parts.

    The slack of a part is how much later it may end than its longest path makes it: any time where barriers are asked
    for, and less than none where exact joins are.
    """

    leaves: tuple[Step, ...]
    decomposition: Decomposition
    barriers: Barriers
    durations: Mapping[str, float]

    def plan(self, members: Members, room: int, slack: float) -> Step:
        """Plan some layers. `room` is how deep the plan may nest."""
        if len(members) == 1:
            return self.leaves[members[0]]
        if room <= 0:
            raise _TooDeepError
        split = self.decomposition.split(members)
        if isinstance(split, Beside):
            return self._beside(members, split.parts, room, slack)
        try:
            if isinstance(split, InTurn):
                return self.in_turn([(part, room - 1) for part in split.parts], slack)
            return self._prime(members, room, slack)
        except _TooDeepError:
            # Made shallow where the part begins: within slices this large the order is kept as above.
            if room < DEPTH - 2:
                raise
            return self._shallow(members, room, slack)

    def _beside(self, members: Members, parts: Iterable[Members], room: int, slack: float) -> Parallel:
        if math.isinf(slack):
            return Parallel(tuple(self.plan(part, room - 1, slack) for part in parts))
        end = self.critical(members) + slack
        return Parallel(tuple(self.plan(part, room - 1, end - self.critical(part)) for part in parts))

    def in_turn(self, parts: Iterable[tuple[Members, int]], slack: float) -> Sequence:
        """Plan parts, each with its room, one after the other: what one leaves of the slack is the next one's."""
        steps: list[Step] = []
        for part, room in parts:
            step = self.plan(part, room, slack)
            steps += step.steps if isinstance(step, Sequence) else [step]
            if not math.isinf(slack):
                slack -= self._delay(step, part)
        return Sequence(tuple(steps))

    def _prime(self, members: Members, room: int, slack: float) -> Step:
        if slack == -math.inf:
            return self._joined(members, room, slack) or self._barrier(self.barriers.cut(members, room), room, slack)
        cut = self.barriers.cut(members, room)
        barrier = self._barrier(cut, room, math.inf)
        if slack == math.inf or self._delay(barrier, members) <= slack:
            return barrier
        # Perhaps this barrier costs little, and only those within its sides are too much.
        cost = cut.bound - self.critical(members)
        joined = self._joined(members, room, 0.0) if cost > slack else None
        return joined or self._barrier(cut, room, slack - cost)

    def _joined(self, members: Members, room: int, slack: float) -> Step | None:
        parents = self.decomposition.parents
        parts = [tuple(members[index] for index in module) for module in modules(within(parents, members))]
        return join_exactly(parents, parts, lambda part: self.plan(part, room - 2, slack))

    def _barrier(self, cut: Cut, room: int, slack: float) -> Sequence:
        return self.in_turn([(side, self._side_room(side, room)) for side in (cut.first, cut.rest)], slack)

    def _side_room(self, members: Members, room: int) -> int:
        """The room of a side of a barrier. A sequence becomes part of that of the barrier, and nests no deeper."""
        nests = len(members) > 1 and isinstance(self.decomposition.split(members), Beside)
        return room - 1 if nests else room

    def _shallow(self, members: Members, room: int, slack: float) -> Step:
        """Plan layers that would nest too deep."""
        if slack < math.inf:
            joined = join_exactly(
                self.decomposition.parents, [(member,) for member in members], lambda part: self.leaves[part[0]]
            )
            if joined:
                return joined
        # Where cuts are chosen as if all layers took equally long, each side has fewer levels: a slice then nests twice
        # as deep as it has levels at most.
        even = Barriers(self.decomposition, [(1.0,)] * len(self.leaves), [1.0] * len(self.leaves))
        slices = [(part, room - 1) for part in self._slices(members, (room - 1) // 2)]
        return attrs.evolve(self, barriers=even).in_turn(slices, slack)

    def _slices(self, members: Members, height: int) -> list[Members]:
        """The layers of so many levels, of as many next, and so on."""
        slices: dict[int, list[int]] = {}
        for member, level in zip(members, levels(within(self.decomposition.parents, members)), strict=True):
            slices.setdefault(level // height, []).append(member)
        return [tuple(slices[index]) for index in sorted(slices)]

    def critical(self, members: Members) -> float:
        """How long the longest path of some layers takes."""
        seconds = [self.barriers.seconds[member] for member in members]
        return max(finish(within(self.decomposition.parents, members), seconds))

    def _delay(self, step: Step, members: Members) -> float:
        """How much longer a plan takes than its longest path; nothing if they differ by rounding only."""
        takes, critical = makespan(step, self.durations), self.critical(members)
        return 0.0 if math.isclose(takes, critical) else takes - critical
