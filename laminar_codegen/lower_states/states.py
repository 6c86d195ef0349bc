"""Turns a plan into state machines: one, or more if one would be too large.

Before: ``FanOut Train``. After, one transition each, and one for each 10,000 splits::

    Train plan      asks the planner, a Lambda function: how many splits, in which containers?
    Train splits    a Map over groups of splits, most often one group:
      Train           an AWS Batch array job, a child for each split
    Train record    the planner records in the datastore that the layer finished, if all splits did

and for a layer that runs once, one state: the layer's job. A layer that may be skipped has a planner, too, and a choice
that skips it: its own entry hook may skip it, or a dependency may have been skipped. A layer whose hooks choose its
containers is planned, and planned again after an attempt with a failed split, when all its splits have ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import assert_never

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import Choice, Map, Parallel, Rule, State, StateMachine, Succeed, Task, Wait
from laminar_codegen.ir.expressions import Expression
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.history import events_of
from laminar_codegen.ir.plan import (
    ExactJoins,
    FanOut,
    Pack,
    PipelinedFanOut,
    Run,
    Sequence,
    Step,
    SubMachine,
    layers_of,
)
from laminar_codegen.ir.plan import Parallel as ParallelStep
from laminar_codegen.ir.state_names import Suffix, pack, parallel, sub_machine
from laminar_codegen.lower_states.executions import FROM_HERE, start_execution
from laminar_codegen.lower_states.job_tags import IN_INPUT, replace_tags
from laminar_codegen.lower_states.jobs import Jobs
from laminar_codegen.lower_states.joins import Joins
from laminar_codegen.lower_states.objects import Objects
from laminar_codegen.lower_states.planner import Planners
from laminar_codegen.lower_states.split_machines import MachineSize
from laminar_codegen.render.terraform_json import machine_bytes, size_of

__all__ = ["emit_states", "machine_size", "measure_steps"]


def emit_states(graph: Graph, plan: Step) -> tuple[StateMachine, ...]:
    """Emit state machines.

    Args:
        graph: The graph.
        plan: Its plan.

    Returns:
        The flow's state machine, and then its sub-machines. They refer to resources that `emit_document` declares.
    """
    emitter = _Emitter.of(graph)
    states = tuple(emitter.emit(plan, None))
    if graph.keeps_input:
        states = (emitter.objects.parameters(states[0].name), *states)
        if graph.inputs is not None:
            # Imported here, so that the compile of a flow with untyped parameters does not load it.
            from laminar_codegen.lower_states.input_check import input_states

            states = (*input_states(graph.flow, graph.inputs), *states)
    else:
        states = replace_tags(states, IN_INPUT)
    comment = graph.summary or f"Runs the flow {graph.flow}"
    # The parts that it runs end with it.
    limit = None if graph.time_limit is None else int(graph.time_limit)
    return (StateMachine(name=labels.main(graph), comment=comment, states=states, timeout=limit), *emitter.nested)


def machine_size(machine: StateMachine) -> MachineSize:
    """Return what a machine takes of its quotas.

    Args:
        machine: The machine.
    """
    return MachineSize(machine_bytes(machine), sum(map(events_of, machine.states)))


def measure_steps(graph: Graph) -> Callable[[Step], MachineSize]:
    """Return a function that measures the definition size and the history events of a step.

    Args:
        graph: The graph.

    Returns:
        A function of a step that runs layers, or of an `ExactJoins`, without the steps of its nodes.
    """
    emitter = _Emitter.of(graph)

    def weight(step: Step) -> MachineSize:
        # A name counts twice: as the name of its state, and as the next state of the one before.
        after = Suffix.PLAN.of(next(layers_of(step)))
        if isinstance(step, ExactJoins):
            joins = Joins.of(emitter.objects, step)
            chains = (joins.chain(chain, lambda *_: iter(()), lambda _: after) for chain in step.paths)
            states = tuple(state for chain in chains for state in chain)
        else:
            states = tuple(emitter.emit(step, after))
        return MachineSize(size_of(states), sum(map(events_of, states)))

    return weight


#: The comments of states with branches.
_BESIDE = "Runs branches that do not depend on each other"
_JOINED = "Runs branches that wait for what they depend on in each other"

_SPLITS = Expression("$states.input.splits")
#: The input of the planner for the record of a fan-out that tolerates failures: an error of its jobs, if one failed.
_FAILED_JOB = Expression("{'splits': $states.input.splits, 'error': [$states.result.error][0]}")
#: The input of the planner for the next attempt: the last plan, and an error of its jobs, if one failed.
_FAILED = Expression(
    "{'splits': $states.input.splits, 'plan': $states.input, 'error': [$states.result.error][0]}",
)


@attrs.frozen(eq=False, repr=False)
class _Emitter:
    graph: Graph
    layers: dict[str, LayerNode]
    planners: Planners
    jobs: Jobs
    objects: Objects
    nested: list[StateMachine] = attrs.field(factory=list)

    @classmethod
    def of(cls, graph: Graph) -> _Emitter:
        layers = {layer.name: layer for layer in graph.layers}
        return cls(graph, layers, Planners.of(graph), Jobs(graph), Objects(graph.flow, graph.encryption))

    def emit(self, step: Step, after: str | None) -> Iterator[State]:
        """Yield the states of a step, its first state first; `after` is the state that follows it."""
        match step:
            case Run(name):
                yield from self.run(self.layers[name], after)
            case FanOut(name):
                yield from self.fan_out(self.layers[name], after)
            case PipelinedFanOut(members):
                yield from self.chain([self.layers[name] for name in members], after)
            case Pack():
                yield self.jobs.pack(step, self._entry(step), after)
            case Sequence(steps):
                following = [*(self._entry(child) for child in steps[1:]), after]
                for child, follower in zip(steps, following, strict=True):
                    yield from self.emit(child, follower)
            case ParallelStep(branches):
                inner = tuple(tuple(self.emit(branch, None)) for branch in branches)
                yield Parallel(name=self._entry(step), comment=_BESIDE, branches=inner, next=after)
            case ExactJoins():
                joins = Joins.of(self.objects, step)
                branches_ = tuple(tuple(joins.chain(chain, self.emit, self._entry)) for chain in step.paths)
                yield Parallel(name=self._entry(step), comment=_JOINED, branches=branches_, next=after)
            case SubMachine():
                yield self.sub_machine(step, after)
            case _:
                assert_never(step)

    def run(self, layer: LayerNode, after: str | None) -> Iterator[State]:
        """Yield the states of a layer that runs once, or at most once if it can be skipped."""
        job = self.jobs.job(layer, after)
        if not layer.planned:
            yield job
            return
        skipped = after or Suffix.SKIPPED.of(layer.name)
        yield from self._plan(layer, f"Asks the planner how {layer.name} is to run", layer.name, skipped)
        yield job
        yield from self._again(layer, layer.name)
        yield from self._end(layer, skipped, after)

    def fan_out(self, layer: LayerNode, after: str | None) -> Iterator[State]:
        """Yield the states of a layer that runs once for each element."""
        name, splits = layer.name, Suffix.SPLITS.of(layer.name)
        skipped = after or Suffix.SKIPPED.of(name)
        question = f"Asks the planner into how many splits {name} fans out"
        yield from self._plan(layer, question, splits, skipped)
        ended = Suffix.ENDED.of(name) if layer.replanned else Suffix.RECORD.of(name)
        tolerant = layer.fan_out.tolerated_failures is not None
        states = (
            tuple(self.jobs.group_passing_errors(layer, name))
            if layer.replanned or tolerant
            else (self.jobs.group(layer, name),)
        )
        yield Map(
            name=splits,
            comment=f"Runs the splits of {name}{self.jobs.together(layer)}",
            items=Expression("$states.input.groups"),
            # A group whose splits are the items of a Map is one item here.
            count=1 if isinstance(states[0], Map) else name,
            concurrency=self.jobs.groups_at_once(layer),
            states=states,
            output=_FAILED if layer.replanned else _FAILED_JOB if tolerant else {"splits": _SPLITS},
            next=ended,
        )
        if layer.replanned:
            yield Choice(
                name=ended,
                comment=f"Goes on to the next attempt if splits of {name} failed",
                rules=(Rule(Expression("$exists($states.input.error)"), Suffix.RETRY.of(name)),),
                default=Suffix.RECORD.of(name),
            )
        yield from self._again(layer, splits)
        yield self.planners.record(layer, after)
        yield from self._end(layer, skipped, after)

    def chain(self, layers: list[LayerNode], after: str | None) -> Iterator[State]:
        """Yield the states of fan-outs that run item by item: array jobs, each child after its predecessor.

        If a job fails, the planner reports which. After a redrive it plans the rest.
        """
        first, *rest = layers
        splits = Suffix.SPLITS.of(first.name)
        yield from self.planners.plan_chain(layers, splits)
        yield Map(
            name=splits,
            comment=f"Runs {', '.join(layer.name for layer in layers)} item by item",
            items=Expression("$states.input.groups"),
            count=first.name,
            states=tuple(self.jobs.chain(layers)),
            output={"splits": Expression("$states.input.splits")},
            catch=(self.jobs.to_retry(first),),
            next=Suffix.RECORD.of(first.name),
        )
        yield from self.planners.report_failure(layers, splits)
        *others, last = layers
        for layer, follower in zip(others, rest, strict=True):
            record = self.planners.record(layer, Suffix.RECORD.of(follower.name))
            yield attrs.evolve(record, output={"splits": Expression("$states.input.splits")})
        yield self.planners.record(last, after)

    def sub_machine(self, step: SubMachine, after: str | None) -> Task:
        """Return the state that runs a step as an execution of its own machine, and record that machine."""
        states = replace_tags(self.emit(step.inner, None), IN_INPUT)
        comment = f"Runs a part of the flow {self.graph.flow}: {parallel(list(layers_of(step)))}"
        machine = f"{self.graph.prefix}{step.name}"
        self.nested.append(StateMachine(name=machine, comment=comment, states=states))
        return start_execution(self._entry(step), comment, machine, FROM_HERE, after)

    def _plan(self, layer: LayerNode, comment: str, run: str, skipped: str) -> Iterator[State]:
        """Yield the states that plan a layer, and skip it if it need not run."""
        name = Suffix.PLAN.of(layer.name)
        if not layer.optional:
            yield from self.planners.plan(layer, name, comment, run, again=layer.replanned)
            return
        choice = Suffix.ENTRY.of(layer.name)
        yield from self.planners.plan(layer, name, comment, choice, again=layer.replanned)
        yield Choice(
            name=choice,
            comment=f"Skips {layer.name} if it is not to run",
            rules=(Rule(Expression("$states.input.run"), run),),
            default=skipped,
        )

    def _again(self, layer: LayerNode, run: str) -> Iterator[State]:
        """Yield the states that follow a failed attempt: ask the hooks about the next one, and wait."""
        if layer.replanned:
            wait = Suffix.WAIT.of(layer.name)
            yield from self.planners.replan(layer, wait)
            yield Wait(
                name=wait,
                comment=f"Waits before the next attempt at {layer.name}",
                seconds=Expression("$states.input.wait"),
                next=run,
            )

    def _end(self, layer: LayerNode, skipped: str, after: str | None) -> Iterator[Succeed]:
        """Yield the state after a skipped last layer of a machine: a choice cannot end a machine."""
        if layer.optional and after is None:
            yield Succeed(name=skipped, comment=f"{layer.name} was skipped, and nothing follows")

    def _entry(self, step: Step) -> str:
        """Return the name of the first state of a step."""
        match step:
            case Run(name) | FanOut(name):
                return Suffix.PLAN.of(name) if self.layers[name].planned else name
            case PipelinedFanOut(members):
                return Suffix.PLAN.of(members[0])
            case Pack():
                return pack(step.names)
            case Sequence(steps):
                return self._entry(steps[0])
            case ParallelStep() | ExactJoins():
                return parallel(list(layers_of(step)))
            case SubMachine(name):
                return sub_machine(name)
            case _:
                assert_never(step)
