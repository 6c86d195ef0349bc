"""Estimate an execution of a state machine: state transitions, events of its history, money.

The figures are computed from the states, for an execution in which nothing is skipped and nothing is retried. For exact
joins they are upper bounds, as long as no layer waits longer than half a minute for another. The number of jobs of a
fan-out is known only at run time: the figures are formulas in it. On AWS Lambda each split counts as a job.

Before: the states of ``Run Load`` and ``FanOut Train``. After: ``4 + jobs(Train)`` transitions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

import attrs

from laminar_codegen.ir.asl import Choice, Fail, Map, Parallel, State, StateMachine, Succeed, Task, Wait
from laminar_codegen.ir.expressions import Ref
from laminar_codegen.ir.history import EXECUTION_EVENTS, ITEM_EVENTS, own_events
from laminar_codegen.ir.structs import Struct

__all__ = ["Estimate", "Formula", "estimate", "estimate_stop"]


@attrs.frozen(eq=False, repr=False)
class Formula(Struct):
    """A number that grows with the jobs of fan-outs.

    Args:
        base: The constant part.
        jobs: The part for each job of a fan-out, by layer.

    Example:
        >>> str(Formula(3) + Formula(1, {"Train": 2}))
        '4 + 2 jobs(Train)'
    """

    base: int = 0
    jobs: Mapping[str, int] = attrs.field(factory=dict)

    def __add__(self, other: Formula) -> Formula:
        jobs = dict(self.jobs)
        for layer, factor in other.jobs.items():
            jobs[layer] = jobs.get(layer, 0) + factor
        return Formula(self.base + other.base, jobs)

    def __str__(self) -> str:
        terms = (f"{'' if factor == 1 else f'{factor} '}jobs({layer})" for layer, factor in self.jobs.items())
        return " + ".join([f"{self.base:,}", *terms])

    def at(self, jobs: Mapping[str, int]) -> int:
        """Return the number, given the jobs of each fan-out.

        Args:
            jobs: The number of jobs by layer, 1 where it is not given.
        """
        return self.base + sum(factor * jobs.get(layer, 1) for layer, factor in self.jobs.items())


@attrs.frozen(eq=False, repr=False)
class Estimate(Struct):
    """The transitions and events of an execution.

    Args:
        transitions: State transitions, including those of nested executions.
        events: Events of its history, without those of nested executions.
        nested: The events of the history of each nested execution.
    """

    transitions: Formula = Formula()
    events: Formula = Formula()
    nested: tuple[Formula, ...] = ()

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.transitions + other.transitions, self.events + other.events, (*self.nested, *other.nested))

    @property
    def history(self) -> Formula:
        """The events of the longest history: the quota applies to each history."""
        return max((self.events, *self.nested), key=lambda events: events.at({}))


#: An execution starts and ends, and so does an item of a Map: these are events, but not transitions.
_EXECUTION, _ITEM = Estimate(events=Formula(EXECUTION_EVENTS)), Estimate(events=Formula(ITEM_EVENTS))


def estimate(machines: Sequence[StateMachine], *, laps: int = 1) -> Estimate:
    """Estimate an execution of a state machine.

    The estimate is that of the longest path through its states on which no state fails.

    Args:
        machines: The machine, and after it the machines that it starts whose executions count, too.
        laps: How often it runs the states of a loop.

    Raises:
        ValueError: If no path through the states ends.
    """
    first, *others = machines
    nested = {f"aws_sfn_state_machine.{machine.name}.arn": machine for machine in others}
    return _EXECUTION + _longest(first.states, nested, laps)


def estimate_stop(machine: StateMachine) -> int:
    """Estimate the transitions of the machine that terminates the jobs of an execution, if all jobs have ended.

    Each job that it terminates adds one. It always looks at the jobs twice, and more often if they end slowly.

    Args:
        machine: The machine that terminates jobs.
    """
    return estimate([machine], laps=2).transitions.base


def _longest(states: Sequence[State], nested: Mapping[str, StateMachine], laps: int = 1) -> Estimate:
    """Return the estimate of the longest path from the first state to an end.

    A step back to a state on the path is a step into the next lap; the last lap has no such step.
    """
    named = {state.name: state for state in states}
    taken = {name: _state(state, nested) for name, state in named.items()}
    back = _steps_back(named, states[0].name)
    # None: no path from there ends.
    ways: dict[tuple[str, int], Estimate | None] = {}
    start = (states[0].name, 1)
    stack = [start]
    # Not recursive: a machine has thousands of states in a row.
    while stack:
        name, lap = stack[-1]
        following = _following(named[name])
        steps = [(after, lap + ((name, after) in back)) for after in following]
        steps = [step for step in steps if step[1] <= laps]
        if missing := [step for step in steps if step not in ways]:
            stack += missing
            continue
        stack.pop()
        found = [way for step in steps if (way := ways[step]) is not None]
        if found:
            ways[name, lap] = taken[name] + max(found, key=lambda way: (way.transitions.at({}), way.events.at({})))
        else:
            ways[name, lap] = None if following else taken[name]
    longest = ways[start]
    if longest is None:
        raise ValueError(f"no path through the states from '{states[0].name}' ends")
    return longest


def _steps_back(named: Mapping[str, State], start: str) -> set[tuple[str, str]]:
    """Return the steps to a state that is on the path already, by depth-first search."""
    found: set[tuple[str, str]] = set()
    seen, on_way = {start}, {start}
    stack = [(start, iter(_following(named[start])))]
    while stack:
        name, following = stack[-1]
        after = next(following, None)
        if after is None:
            stack.pop()
            on_way.remove(name)
        elif after in on_way:
            found.add((name, after))
        elif after not in seen:
            seen.add(after)
            on_way.add(after)
            stack.append((after, iter(_following(named[after]))))
    return found


def _following(state: State) -> tuple[str, ...]:
    """Return the states that may follow a state that succeeds."""
    match state:
        case Choice(rules=rules, default=default):
            return (*(rule.next for rule in rules), default)
        case Task() | Map() | Parallel() | Wait():
            return () if state.next is None else (state.next,)
        case Succeed() | Fail():
            return ()
        case _:
            assert_never(state)


def _state(state: State, nested: Mapping[str, StateMachine]) -> Estimate:
    """Return the estimate of a state and of the states inside it."""
    own = Estimate(Formula(1), Formula(own_events(state)))
    match state:
        case Parallel(branches=branches):
            return sum((_longest(branch, nested) for branch in branches), own)
        case Map(states=inner):
            return own + _times(_ITEM + _longest(inner, nested), _count(state))
        case Task(arguments={"StateMachineArn": Ref(expression)}) if expression in nested:
            found = _EXECUTION + _longest(nested[expression].states, nested)
            return own + Estimate(found.transitions, nested=(found.events, *found.nested))
        case _:
            return own


def _count(state: Map) -> int | str:
    return len(state.items) if isinstance(state.items, list) else state.count


def _times(item: Estimate, count: int | str) -> Estimate:
    """Return the estimate of equal items."""
    if isinstance(count, str):
        transitions, events = item.transitions.base, item.events.base
        return Estimate(Formula(0, {count: transitions}), Formula(0, {count: events}))
    return sum((item for _ in range(count)), Estimate())
