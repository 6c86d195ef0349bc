"""Tells what an execution of a plan takes: state transitions, events of its history, money.

The figures are of an execution in which nothing is skipped and nothing is retried; where exact joins meet they are what
there is at most, if no layer waits longer than half a minute for another. A fan-out's jobs are known only at run time:
the figures are formulas in them. On AWS Lambda each split of a fan-out counts as a job.

Before: a plan with ``Run Load`` and ``FanOut Train``. After: ``4 + jobs(Train)`` transitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_never

import attrs

from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.plan import ExactJoins, FanOut, Parallel, PipelinedFanOut, Run, Sequence, Step, SubMachine
from laminar_codegen.targets.aws_lambda.target import LambdaTarget
from laminar_codegen.targets.batch.labels import job_queue

__all__ = ["PRICE", "Estimate", "Formula", "estimate", "estimate_chain", "estimate_stop"]

#: Dollars for a state transition, in us-east-1: https://aws.amazon.com/step-functions/pricing/
PRICE = 0.000025


@attrs.frozen
class Formula:
    """A number that grows with the jobs of fan-outs.

    Args:
        base: What there is in any case.
        jobs: What each job of a fan-out adds, by layer.

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
        """The number, given the jobs of each fan-out.

        Args:
            jobs: The number of jobs by layer, 1 where it is not given.
        """
        return self.base + sum(factor * jobs.get(layer, 1) for layer, factor in self.jobs.items())


@attrs.frozen
class Estimate:
    """What an execution takes.

    Args:
        transitions: State transitions, those of nested executions too.
        events: Events of its history, those of nested executions not.
        nested: The events of the history of each nested execution.
    """

    transitions: Formula = Formula()
    events: Formula = Formula()
    nested: tuple[Formula, ...] = ()

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.transitions + other.transitions, self.events + other.events, (*self.nested, *other.nested))

    @property
    def history(self) -> Formula:
        """The events of the longest history, which is what the limit is of."""
        return max((self.events, *self.nested), key=lambda events: events.at({}))


def _states(number: int, events: int) -> Estimate:
    return Estimate(Formula(number), Formula(number * events))


def _per_job(layer: str, number: int, events: int) -> Estimate:
    return Estimate(Formula(0, {layer: number}), Formula(0, {layer: events}))


# The events of states, as https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html names
# them: of a task that is awaited that it was entered, scheduled, started, submitted, succeeded and exited.
_JOB, _CALL, _CHOICE, _BRANCHES, _MAP = (_states(1, events) for events in (6, 5, 2, 4, 4))
_NOTHING = Estimate()
#: What a Map adds for an item, besides the states in it.
_ITEM = Estimate(Formula(), Formula(2))
#: That an execution was started, and that it ended, are events too.
_EXECUTION = Estimate(Formula(), Formula(2))


def estimate(graph: Graph, plan: Step) -> Estimate:
    """Estimate an execution.

    Args:
        graph: The graph.
        plan: Its plan.
    """
    layers = {layer.name: layer for layer in graph.layers}
    return _EXECUTION + _of(plan, layers) + (_CALL if graph.keeps_input else _NOTHING)


def estimate_chain(flows: int) -> Estimate:
    """Estimate an execution that runs flows one after the other, without what their own executions take.

    Args:
        flows: How many they are. The parameters of all but the first are made between them.
    """
    return sum((_JOB + _CALL for _ in range(flows - 1)), _EXECUTION + _JOB)


def estimate_stop(graphs: Iterable[Graph]) -> int:
    """Estimate the transitions that it takes to find that the jobs of an execution have ended with it.

    Each job that is terminated adds one. If jobs end slowly there are more looks than the two that there always are.

    Args:
        graphs: The graphs of the flows.
    """
    queues = {job_queue(layer) for graph in graphs for layer in graph.layers if layer.name in graph.pipelines}
    look = sum((_CALL + _MAP + _CHOICE + _CHOICE for _ in queues), _MAP + _CHOICE)
    pause = end = _CHOICE
    return (_CALL + look + pause + look + end).transitions.base


def _of(step: Step, layers: Mapping[str, LayerNode]) -> Estimate:  # noqa: PLR0911 - one for each kind of step
    match step:
        case Run(name):
            layer = layers[name]
            task = _CALL if isinstance(layer.executor, LambdaTarget) else _JOB
            return task + (_planned(layer) if layer.planned else _NOTHING)
        case FanOut(name):
            if isinstance(layers[name].executor, LambdaTarget):
                return _fan_out(layers[name]) + _ITEM + _MAP + _per_job(name, 1, 7)
            return _fan_out(layers[name]) + _per_job(name, 1, 8)
        case PipelinedFanOut(members):
            jobs = _per_job(members[0], len(members), 2 + 5 * (len(members) - 1) + 6)
            # One is planned, and the end of each is noted.
            return sum((_CALL for _ in members), jobs) + _planned(layers[members[0]]) + _MAP
        case Sequence(steps):
            return sum((_of(child, layers) for child in steps), _NOTHING)
        case Parallel(branches):
            return sum((_of(child, layers) for child in branches), _BRANCHES)
        case ExactJoins():
            return _exact(step, layers)
        case SubMachine(_, inner):
            found = _EXECUTION + _of(inner, layers)
            return Estimate(found.transitions, nested=(found.events, *found.nested)) + _JOB
        case _:
            assert_never(step)


def _planned(layer: LayerNode) -> Estimate:
    return _CALL + (_CHOICE if layer.optional else _NOTHING)


def _fan_out(layer: LayerNode) -> Estimate:
    """What a fan-out takes without its jobs: it is planned, its jobs are in a Map, and its end is noted."""
    return _planned(layer) + _MAP + _CALL


def _exact(step: ExactJoins, layers: Mapping[str, LayerNode]) -> Estimate:
    nodes = [node for path in step.paths for node in path]
    found = sum((_of(node.step, layers) for node in nodes), _BRANCHES)
    # Who waits looks, chooses, and waits for its token; one that waits long does so again, ever more rarely. Who is
    # waited for marks, looks, chooses, takes the token and sends it, and ends; all but the last leave out two of these.
    waiting = _CALL + _CHOICE + _JOB
    signal = _CALL + _CALL + _CHOICE + _CALL + _CALL + _CHOICE + _ITEM
    signalling = {name for node in nodes for name in node.after}
    found = sum((waiting for node in nodes if node.after), found)
    found = sum((signal for node in nodes for _ in node.after), found)
    return sum((_MAP for _ in signalling), found)
