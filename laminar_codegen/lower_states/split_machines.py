"""Splits a plan that is too large for one state machine into sub-machines.

Before: a sequence of 3,000 layers. After::

    Sequence
      SubMachine part_1
        Sequence
          Run L1
          ...
      SubMachine part_2
        ...

A definition has 1 MB, and the history of an execution 25,000 events
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). A plan that fits is not changed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import assert_never

import attrs

from laminar_codegen.ir.plan import ExactJoins, FanOut, Pack, Parallel, PipelinedFanOut, Run, Sequence, Step, SubMachine
from laminar_codegen.ir.structs import Struct
from laminar_codegen.limits import DEFINITION_BYTES, HISTORY_EVENTS

__all__ = ["MachineSize", "split_plan"]


@attrs.frozen(eq=False, repr=False)
class MachineSize(Struct):
    """The share of a machine's quotas that a step takes.

    Args:
        size: Bytes of the definition.
        events: Events of the history, if no task is retried and each fan-out is one job.
    """

    size: int = 0
    events: int = 0

    def __add__(self, other: MachineSize) -> MachineSize:
        return MachineSize(self.size + other.size, self.events + other.events)

    @property
    def fits(self) -> bool:
        """Whether it fits one machine, with a reserve for states between steps, retries and wide fan-outs."""
        return self.size <= DEFINITION_BYTES * 0.95 and self.events <= HISTORY_EVENTS * 0.7

    @property
    def fits_easily(self) -> bool:
        """Whether it would fit with a quarter more, which covers what the sizes of steps overestimate."""
        return MachineSize(self.size * 5 // 4, self.events * 5 // 4).fits


#: The size of a Parallel state, and of a state that starts an execution, without the names in them.
_PARALLEL, _SUB_MACHINE = MachineSize(260, 4), MachineSize(900, 6)


def split_plan(plan: Step, measure: Callable[[Step], MachineSize]) -> Step:
    """Move steps into sub-machines until each machine fits its quotas.

    Args:
        plan: A plan.
        measure: Returns the size of the states of a `Run`, a `FanOut`, a `PipelinedFanOut` or a `Pack`, and of those of
            `ExactJoins` without their steps.

    Returns:
        The plan itself if it fits, else one with sub-machines.
    """
    return _Splitting(measure).fit(plan)


@attrs.frozen(eq=False, repr=False)
class _Splitting:
    measure: Callable[[Step], MachineSize]
    sizes: dict[int, tuple[Step, MachineSize]] = attrs.field(factory=dict)
    numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    def size(self, step: Step) -> MachineSize:
        """Return the size of a step in the machine that it is in."""
        # By identity: equal steps are rare, and comparing large ones is slow.
        known = self.sizes.get(id(step))
        if known is None:
            known = self.sizes[id(step)] = (step, self._size(step))
        return known[1]

    def _size(self, step: Step) -> MachineSize:
        match step:
            case Run() | FanOut() | PipelinedFanOut() | Pack():
                return self.measure(step)
            case Sequence(children):
                return sum(map(self.size, children), MachineSize())
            case Parallel(children):
                return sum(map(self.size, children), _PARALLEL)
            case ExactJoins(paths):
                steps = (node.step for path in paths for node in path)
                return sum(map(self.size, steps), self.measure(step))
            case SubMachine():
                return _SUB_MACHINE
            case _:
                assert_never(step)

    def fit(self, step: Step) -> Step:
        """Return an equivalent step that fits, as far as it can be split."""
        if self.size(step).fits:
            return step
        match step:
            case Sequence(children):
                return self._pack(Sequence, [self.fit(child) for child in children])
            case Parallel(children):
                return self._pack(Parallel, [self.fit(child) for child in children])
            case ExactJoins(paths):
                return ExactJoins(
                    tuple(tuple(attrs.evolve(node, step=self._sub_step(node.step)) for node in path) for path in paths)
                )
            case Run() | FanOut() | PipelinedFanOut() | Pack() | SubMachine():
                return step
            case _:
                assert_never(step)

    def _pack(self, kind: type[Sequence | Parallel], children: list[Step]) -> Step:
        """Merge neighbours that fit together into one sub-machine each."""
        packs: list[list[Step]] = []
        size = MachineSize()
        for child in children:
            together = size + self.size(child)
            if packs and together.fits:
                packs[-1].append(child)
                size = together
            else:
                packs.append([child])
                size = self.size(child)
        if len(packs) == 1:
            return kind(tuple(packs[0]))
        return self.fit(
            kind(tuple(self._sub_machine(pack[0] if len(pack) == 1 else kind(tuple(pack))) for pack in packs))
        )

    def _sub_step(self, step: Step) -> Step:
        """Return a step within exact joins: a sub-machine if it has more than one layer."""
        whole = isinstance(step, Run | FanOut | PipelinedFanOut | Pack | SubMachine)
        return step if whole else self._sub_machine(self.fit(step))

    def _sub_machine(self, step: Step) -> SubMachine:
        return step if isinstance(step, SubMachine) else SubMachine(f"part_{next(self.numbers)}", step)
