"""Turns a plan into a state machine.

Before: ``FanOut Train``. After, one transition each, whatever the number of splits::

    Train plan      asks the planner, a Lambda function: how many splits?
    Train splits    chooses: none -> Train record, one -> Train alone, more -> Train
    Train           one AWS Batch array job, a child for each split
    Train record    notes in the datastore that the layer finished

and for a layer that runs once, one state: the layer's job.
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
from laminar_codegen.states import Choice, Parallel, Retrier, Rule, State, StateMachine, Task
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
                yield self.job(self.layers[name], after)
            case FanOut(name):
                yield from self.fan_out(self.layers[name], after)
            case Sequence(steps):
                following = [*(_entry(child) for child in steps[1:]), after]
                for child, follower in zip(steps, following, strict=True):
                    yield from self.emit(child, follower)
            case ParallelStep(branches):
                inner = tuple(tuple(self.emit(branch, None)) for branch in branches)
                yield Parallel(name=_entry(step), branches=inner, next=after)
            case _:
                assert_never(step)

    def job(self, layer: LayerNode, after: str | None) -> Task:
        """The state of a layer that runs once."""
        return self._submit(layer, layer.name, after, comment=layer.summary)

    def fan_out(self, layer: LayerNode, after: str | None) -> Iterator[State]:
        """The states of a layer that runs once for each element."""
        name = layer.name
        plan, choice, alone, record = (f"{name} {part}" for part in ("plan", "splits", "alone", "record"))
        yield Task(
            name=plan,
            comment=f"Asks the planner into how many splits {name} fans out",
            integration="lambda:invoke",
            arguments={
                "FunctionName": Ref(f"aws_lambda_function.{self.planners[layer.container]}.arn"),
                "Payload": {"execution": Expression(EXECUTION), "layer": name},
            },
            output={"splits": Expression("$states.result.Payload.splits")},
            retry=(_LAMBDA_RETRY,),
            next=choice,
        )
        yield Choice(
            name=choice,
            comment="An array job has two children at least",
            rules=(
                Rule(Expression("$states.input.splits = 0"), record),
                Rule(Expression("$states.input.splits = 1"), alone),
            ),
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


def _entry(step: Step) -> str:
    """The name of the state that a step starts at."""
    match step:
        case Run(name):
            return name
        case FanOut(name):
            return f"{name} plan"
        case Sequence(steps):
            return _entry(steps[0])
        case ParallelStep():
            return names.parallel(list(layers_of(step)))
        case _:
            assert_never(step)
