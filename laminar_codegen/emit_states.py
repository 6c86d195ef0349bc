"""Turns a plan into a state machine.

Before: ``FanOut Train``. After, one transition each, whatever the number of splits::

    Train plan      asks the planner, a Lambda function: how many splits?
    Train splits    chooses: none -> Train record, one -> Train alone, more -> Train
    Train           one AWS Batch array job, a child for each split
    Train record    notes in the datastore that the layer finished

and for a layer that runs once, one state: the layer's job. A layer that may be skipped, by an entry hook or as what it
depends on was, is planned too, and a choice goes past it if it is not to run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import assert_never

import attrs

from laminar_codegen import names
from laminar_codegen.graph import Container, Graph, LayerNode
from laminar_codegen.plan import FanOut, Run, Sequence, Step, layers_of
from laminar_codegen.plan import Parallel as ParallelStep
from laminar_codegen.states import Choice, Parallel, Retrier, Rule, State, StateMachine, Succeed, Task
from laminar_codegen.values import Expression, Ref, Value
from laminar_runtime import settings

__all__ = ["emit_states"]

EXECUTION = "$states.context.Execution.Name"
SPLITS = Expression("$states.input.splits")

#: What AWS recommends to retry of a Lambda function's invocation:
#: https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html
_LAMBDA_RETRY = Retrier(
    errors=(
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ),
    interval=1,
    attempts=5,
    backoff=2,
    jitter=True,
)


def emit_states(graph: Graph, plan: Step) -> StateMachine:
    """Emit a state machine.

    Args:
        graph: The graph.
        plan: Its plan.

    Returns:
        The state machine. Its references are to what `emit_document` declares.
    """
    layers = {layer.name: layer for layer in graph.layers}
    emitter = _Emitter(graph, layers, names.job_definitions(graph), names.planner_functions(graph))
    states = tuple(emitter.emit(plan, None))
    if graph.reads_parameters:
        states = (emitter.parameters(states[0].name), *states)
    comment = graph.summary or f"Runs the flow {graph.flow}"
    return StateMachine(comment=comment, states=states)


@attrs.frozen
class _Emitter:
    graph: Graph
    layers: dict[str, LayerNode]
    job_definitions: dict[Container, str]
    planners: dict[Container, str]

    def emit(self, step: Step, after: str | None) -> Iterator[State]:
        """The states of a step, the one it starts at first; `after` is the state that follows it."""
        match step:
            case Run(name):
                yield from self.run(self.layers[name], after)
            case FanOut(name):
                yield from self.fan_out(self.layers[name], after)
            case Sequence(steps):
                following = [*(self._entry(child) for child in steps[1:]), after]
                for child, follower in zip(steps, following, strict=True):
                    yield from self.emit(child, follower)
            case ParallelStep(branches):
                inner = tuple(tuple(self.emit(branch, None)) for branch in branches)
                yield Parallel(name=self._entry(step), branches=inner, next=after)
            case _:
                assert_never(step)

    def run(self, layer: LayerNode, after: str | None) -> Iterator[State]:
        """The states of a layer that runs once, or, if it may be skipped, at most once."""
        job = self._submit(layer, layer.name, after, comment=layer.summary)
        if not layer.optional:
            yield job
            return
        choice, skipped = f"{layer.name} entry", after or f"{layer.name} skipped"
        yield self._plan(layer, f"Asks the planner whether {layer.name} is to run", ("run",), choice)
        yield Choice(
            name=choice,
            comment=f"Skips {layer.name} if it is not to run",
            rules=(Rule(Expression("$states.input.run"), layer.name),),
            default=skipped,
        )
        yield job
        yield from self._end(layer, skipped, after)

    def fan_out(self, layer: LayerNode, after: str | None) -> Iterator[State]:
        """The states of a layer that runs once for each element."""
        name = layer.name
        choice, alone, record = (f"{name} {part}" for part in ("splits", "alone", "record"))
        skipped = after or f"{name} skipped"
        answers = ("run", "splits") if layer.optional else ("splits",)
        yield self._plan(layer, f"Asks the planner into how many splits {name} fans out", answers, choice)
        rules = (
            Rule(Expression("$states.input.splits = 0"), record),
            Rule(Expression("$states.input.splits = 1"), alone),
        )
        yield Choice(
            name=choice,
            comment="An array job has two children at least",
            rules=(Rule(Expression("$not($states.input.run)"), skipped), *rules) if layer.optional else rules,
            default=name,
        )
        yield self._submit(layer, alone, after, comment=f"Runs the only split of {name}")
        yield self._submit_array(layer, record)
        yield self._put(
            record,
            f"Notes that {name} finished",
            [f"/{name}/.record.json"],
            {"flow": {"name": self.graph.flow}, "layer": {"name": name}, "execution": {"splits": SPLITS}},
            after,
        )
        if layer.optional:
            yield from self._end(layer, skipped, after)

    def _plan(self, layer: LayerNode, comment: str, answers: tuple[str, ...], after: str) -> Task:
        """The state that asks the planner of a layer, and hands on what it answers of what is asked for."""
        return Task(
            name=f"{layer.name} plan",
            comment=comment,
            integration="lambda:invoke",
            arguments={
                "FunctionName": Ref(f"aws_lambda_function.{self.planners[layer.container]}.arn"),
                "Payload": {"execution": Expression(EXECUTION), "layer": layer.name},
            },
            output={answer: Expression(f"$states.result.Payload.{answer}") for answer in answers},
            retry=(_LAMBDA_RETRY,),
            next=after,
        )

    def _end(self, layer: LayerNode, skipped: str, after: str | None) -> Iterator[Succeed]:
        """Where a choice goes that skips the last layer of a machine: a choice cannot end one."""
        if after is None:
            yield Succeed(name=skipped, comment=f"{layer.name} was skipped, and nothing follows")

    def parameters(self, after: str) -> Task:
        """The state that keeps the input of an execution, from which tasks take the flow's parameters."""
        comment = "Keeps the input, from which tasks take the parameters of the flow"
        body = Expression("$states.context.Execution.Input")
        return self._put("Parameters", comment, ["/.input.json"], body, after)

    def _submit(self, layer: LayerNode, name: str, after: str | None, *, comment: str) -> Task:
        environment, retry = self._environment(layer), self._retry(layer)
        if retry:
            attempt = Expression("$string($states.context.State.RetryCount + 1)")
            environment.append({"Name": settings.LAYER_ATTEMPT, "Value": attempt})
        return Task(
            name=name,
            comment=comment,
            integration="batch:submitJob.sync",
            arguments=self._arguments(layer, environment),
            retry=retry,
            next=after,
        )

    def _submit_array(self, layer: LayerNode, after: str) -> Task:
        environment = self._environment(layer)
        environment.append({"Name": settings.LAYER_SPLITS, "Value": Expression("$string($states.input.splits)")})
        arguments = self._arguments(layer, environment)
        arguments["ArrayProperties"] = {"Size": SPLITS}
        if layer.retry.attempts > 1:
            # Batch retries each child on its own, so that finished splits are not run again.
            arguments["RetryStrategy"] = {"Attempts": layer.retry.attempts}
        return Task(
            name=layer.name,
            comment=layer.summary,
            integration="batch:submitJob.sync",
            arguments=arguments,
            output={"splits": SPLITS},
            next=after,
        )

    def _environment(self, layer: LayerNode) -> list[Value]:
        return [
            {"Name": settings.LAYER_NAME, "Value": layer.name},
            {"Name": settings.EXECUTION_ID, "Value": Expression(EXECUTION)},
        ]

    def _arguments(self, layer: LayerNode, environment: list[Value]) -> dict[str, Value]:
        definition = self.job_definitions[layer.container]
        return {
            "JobName": f"{self.graph.flow}-{layer.name}",
            "JobQueue": Ref("var.job_queue_arn"),
            "JobDefinition": Ref(f"aws_batch_job_definition.{definition}.arn"),
            "ContainerOverrides": {"Environment": environment},
        }

    def _retry(self, layer: LayerNode) -> tuple[Retrier, ...]:
        retry = layer.retry
        if retry.attempts == 1:
            return ()
        # Step Functions waits whole seconds, at least one, and its jitter is all or nothing.
        interval = max(1, math.ceil(retry.delay))
        return (Retrier(("States.TaskFailed",), interval, retry.attempts - 1, retry.backoff, retry.jitter > 0),)

    def _put(self, name: str, comment: str, key: list[str], body: Value, after: str | None) -> Task:
        place = f"{self.graph.flow}/.cache/"
        return Task(
            name=name,
            comment=comment,
            integration="aws-sdk:s3:putObject",
            arguments={
                "Bucket": Ref("local.datastore_bucket"),
                "Key": Expression("'", Ref("local.datastore_prefix"), f"{place}' & {EXECUTION} & '", *key, "'"),
                "Body": body,
            },
            next=after,
        )

    def _entry(self, step: Step) -> str:
        """The name of the state that a step starts at."""
        match step:
            case Run(name) | FanOut(name):
                return f"{name} plan" if self.layers[name].planned else name
            case Sequence(steps):
                return self._entry(steps[0])
            case ParallelStep():
                return names.parallel(list(layers_of(step)))
            case _:
                assert_never(step)
