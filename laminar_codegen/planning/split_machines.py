"""Takes a plan that is too large for one state machine apart: into steps that run as executions of their own machines.

Before: a sequence of 3,000 layers. After::

    Sequence
      Nested part_1
        Sequence
          Run L1
          ...
      Nested part_2
        ...

A definition has 1 MB, and the history of an execution 25,000 events
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). What fits is not touched.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import assert_never

import attrs

from laminar_codegen.ir.plan import Chain, ExactJoins, FanOut, Nested, Parallel, Run, Sequence, Step
from laminar_codegen.limits import DEFINITION_BYTES, HISTORY_EVENTS

__all__ = ["Weight", "nest"]


@attrs.frozen
class Weight:
    """How much of a machine's limits a step takes.

    Args:
        size: Bytes of the definition.
        events: Events of the history, if no task is retried and each fan-out is one job.
    """

    size: int = 0
    events: int = 0

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.size + other.size, self.events + other.events)

    @property
    def fits(self) -> bool:
        """Whether one machine takes it, with some room: for what is between steps, for retries and wide fan-outs."""
        return self.size <= DEFINITION_BYTES * 0.95 and self.events <= HISTORY_EVENTS * 0.7


#: What a Parallel state takes, and a state that starts an execution, without the names in them.
_PARALLEL, _NESTED = Weight(260, 4), Weight(900, 6)


def nest(plan: Step, weigh: Callable[[Step], Weight]) -> Step:
    """Nest what does not fit one machine.

    Args:
        plan: A plan.
        weigh: Tells what the states of a `Run`, a `FanOut`, a `Chain`, or a node's waiting and signalling take.

    Returns:
        The plan itself if it fits, else one with nested steps.
    """
    return _Nesting(weigh).fit(plan)


@attrs.frozen
class _Nesting:
    weigh: Callable[[Step], Weight]
    weights: dict[int, tuple[Step, Weight]] = attrs.field(factory=dict)
    numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    def weight(self, step: Step) -> Weight:
        """What a step takes of the machine that it is in."""
        # By identity: equal steps are rare, and to compare large ones is slow.
        known = self.weights.get(id(step))
        if known is None:
            known = self.weights[id(step)] = (step, self._weight(step))
        return known[1]

    def _weight(self, step: Step) -> Weight:
        match step:
            case Run() | FanOut() | Chain():
                return self.weigh(step)
            case Sequence(children):
                return sum(map(self.weight, children), Weight())
            case Parallel(children):
                return sum(map(self.weight, children), _PARALLEL)
            case ExactJoins(chains):
                steps = (node.step for chain in chains for node in chain)
                return sum(map(self.weight, steps), self.weigh(step))
            case Nested():
                return _NESTED
            case _:
                assert_never(step)

    def fit(self, step: Step) -> Step:
        """A step that does the same and fits, as far as it can be taken apart."""
        if self.weight(step).fits:
            return step
        match step:
            case Sequence(children):
                return self._packed(Sequence, [self.fit(child) for child in children])
            case Parallel(children):
                return self._packed(Parallel, [self.fit(child) for child in children])
            case ExactJoins(chains):
                return ExactJoins(
                    tuple(tuple(attrs.evolve(node, step=self._inside(node.step)) for node in chain) for chain in chains)
                )
            case Run() | FanOut() | Chain() | Nested():
                return step
            case _:
                assert_never(step)

    def _packed(self, kind: type[Sequence | Parallel], children: list[Step]) -> Step:
        """Neighbours that fit together become one nested step each."""
        packs: list[list[Step]] = []
        weight = Weight()
        for child in children:
            together = weight + self.weight(child)
            if packs and together.fits:
                packs[-1].append(child)
                weight = together
            else:
                packs.append([child])
                weight = self.weight(child)
        if len(packs) == 1:
            return kind(tuple(packs[0]))
        return self.fit(kind(tuple(self._nested(pack[0] if len(pack) == 1 else kind(tuple(pack))) for pack in packs)))

    def _inside(self, step: Step) -> Step:
        """A step within exact joins: nested if it is more than a layer."""
        return step if isinstance(step, Run | FanOut | Chain | Nested) else self._nested(self.fit(step))

    def _nested(self, step: Step) -> Nested:
        return step if isinstance(step, Nested) else Nested(f"part_{next(self.numbers)}", step)
