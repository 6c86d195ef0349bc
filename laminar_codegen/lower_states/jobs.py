"""The states that run one layer: its jobs, or invocations of its function.

What they go by is the plan of the layer, if it is planned: see `laminar_codegen.lower_states.planner`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, assert_never

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import DRIVE, Catcher, Fail, Map, State, Succeed, Task
from laminar_codegen.ir.expressions import Expression, Ref, Value
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import BatchTarget, LambdaTarget, Placement, job_size, usual_size
from laminar_codegen.ir.retriers import Retrier, of_layer
from laminar_codegen.lower_states.invocations import Invocations
from laminar_runtime import task_environment
from laminar_runtime.splits import job_container

__all__ = ["LEFT", "Jobs"]

#: Why jobs are terminated that nothing waits for any more.
LEFT = "The execution ended before the job did"

#: Characters of the cause of a failure.
_TOLD = 100


@attrs.frozen
class Jobs:
    """Makes the states of layers.

    Args:
        graph: The graph.
        definitions: The labels of the job definitions by placement.
        functions: The labels of the functions that run layers by the layer's name.
    """

    graph: Graph
    definitions: dict[Placement, str]
    functions: dict[str, str]

    @classmethod
    def of(cls, graph: Graph) -> Jobs:
        """Make the states of a graph's layers.

        Args:
            graph: The graph.
        """
        return cls(graph, labels.job_definitions(graph), labels.task_functions(graph))

    def job(self, layer: LayerNode, after: str | None) -> Task:
        """The job of a layer that runs once, or the invocation of its function."""
        group = "$states.input.groups[0]"
        attempt, retry = _attempt(layer, group), _retry(layer)
        catch = (self.to_retry(layer),) if layer.replanned else ()
        if isinstance(layer.executor, LambdaTarget):
            return Invocations(layer, self.functions[layer.name], retry, attempt).once(after, catch)
        environment: list[Value] = []
        if attempt is not None:
            environment.append(_variable(task_environment.LAYER_ATTEMPT, f"$string({attempt})"))
        return Task(
            name=layer.name,
            comment=layer.summary,
            integration="batch:submitJob.sync",
            arguments=self._arguments(layer, environment, group),
            retry=retry,
            catch=catch,
            next=after,
        )

    def group(self, layer: LayerNode, name: str) -> Task | Map:
        """The state that runs a group of splits: a job, or invocations of the layer's function.

        Args:
            layer: The layer.
            name: The state's name.
        """
        match layer.executor:
            case BatchTarget():
                return self.splits(layer, name, None)
            case LambdaTarget() as target:
                attempt = _attempt(layer, "$states.input")
                return Invocations(layer, self.functions[layer.name], _retry(layer), attempt).each(target, name)
            case _:
                assert_never(layer.executor)

    def spared(self, layer: LayerNode, name: str) -> Iterator[State]:
        """The states that run a group of splits whose failure does not stop other groups, but is handed on.

        Args:
            layer: The layer.
            name: The name of the first state.
        """
        job = self.group(layer, name)
        match job:
            case Map(states=(Task() as invocation,)):
                error = Expression("{'error': [$states.result.error][0]}")
                yield attrs.evolve(job, states=tuple(_noted(layer, invocation)), output=error)
            case Map():
                raise AssertionError(job)
            case Task():
                yield from _noted(layer, job)

    def splits(  # noqa: PLR0913 - a job of many kinds
        self,
        layer: LayerNode,
        name: str,
        after: str | None,
        *,
        comment: str = "",
        chained: bool = False,
        follows: bool = False,
        awaited: bool = True,
    ) -> Task:
        """The job of a group of splits: an array job, or, of one split, a plain one.

        Args:
            layer: The layer.
            name: The state's name.
            after: The state that follows.
            comment: What it is for, if that is not what the layer is for.
            chained: Whether the job is one of several that run item by item. It is named after the execution, so that
                it can be found when that has ended; its id is handed on, unless its end is waited for.
            follows: Whether child i starts when child i of the job before it ended.
            awaited: Whether the state waits for the end of the job.
        """
        group = "$states.input"
        environment: list[Value] = [
            _variable(task_environment.LAYER_INDEXES, f"{group}.indexes"),
            _variable(task_environment.LAYER_SPLITS, f"$string({group}.splits)"),
        ]
        if layer.replanned:
            environment.append(_variable(task_environment.LAYER_ATTEMPT, f"$string({group}.attempt)"))
        arguments = self._arguments(layer, environment, group)
        arguments["ArrayProperties"] = Expression(f"{group}.size > 1 ? {{'Size': {group}.size}} : {{}}")
        if follows:
            before = f"{group}.jobs[-1]"
            one_to_one = f"[{{'JobId': {before}, 'Type': 'N_TO_N'}}]"
            arguments["DependsOn"] = Expression(f"{group}.size > 1 ? {one_to_one} : [{{'JobId': {before}}}]")
        if chained:
            named = labels.jobs_of_execution("$states.context.Execution.Id", "$states.context.Execution.RedriveCount")
            arguments["JobName"] = Expression(f"{named} & '{arguments['JobName']}'")
        if layer.retry.attempts > 1 and not layer.replanned:
            # Batch retries each child on its own, so that finished splits are not run again.
            strategy = job_container.retry_strategy(spot=layer.container.spot, attempts=layer.retry.attempts)
            arguments["RetryStrategy"] = _pascal(strategy)
        submitted = f"$append({group}.jobs, $states.result.JobId)" if follows else "[$states.result.JobId]"
        return Task(
            name=name,
            comment=comment or layer.summary,
            integration=f"batch:submitJob{'.sync' if awaited else ''}",
            arguments=arguments,
            output={} if awaited else Expression(f"$merge([{group}, {{'jobs': {submitted}}}])"),
            next=after,
        )

    def chain(self, layers: Sequence[LayerNode]) -> Iterator[State]:
        """The states that run a group of splits of layers item by item: a job for each layer, the last one awaited.

        If one of them fails, or is not taken, those before it are terminated: nothing waits for them.

        Args:
            layers: The layers, in their order.
        """
        first, *rest = layers
        stop, failed = f"{first.name} stops", f"{first.name} failed"
        yield self.splits(first, first.name, rest[0].name, chained=True, awaited=False)
        told = {
            "jobs": Expression("$states.input.jobs"),
            "error": Expression("$states.errorOutput.Error"),
            "cause": Expression("$exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : ''"),
        }
        for layer, follower in zip(rest, [*rest[1:], None], strict=True):
            next_ = follower.name if follower else None
            job = self.splits(layer, layer.name, next_, chained=True, follows=True, awaited=follower is None)
            yield attrs.evolve(job, catch=(Catcher(("States.ALL",), stop, told),))
        yield from _stop(first, stop, failed)

    def to_retry(self, layer: LayerNode) -> Catcher:
        """Where the jobs of a layer go on that its hooks have a say in when they fail."""
        output = {"plan": Expression("$states.input"), "error": _error(layer)}
        return Catcher(("States.TaskFailed",), f"{layer.name} retry", output)

    def _arguments(self, layer: LayerNode, environment: list[Value], group: str) -> dict[str, Value]:
        definition = self.definitions[layer.placement]
        overrides: dict[str, Value] = {
            "Environment": [
                {"Name": task_environment.LAYER_NAME, "Value": layer.name},
                _variable(task_environment.EXECUTION_ID, DRIVE),
                *environment,
            ]
        }
        if layer.sized:
            overrides |= {
                "Command": Expression(f"{group}.command"),
                "ResourceRequirements": Expression(f"{group}.resources"),
            }
        elif (size := job_size(layer.placement)) != usual_size(layer.placement):
            resources = job_container.job_resources(*size)
            overrides["ResourceRequirements"] = [{"Type": kind, "Value": value} for kind, value in resources.items()]
        return {
            "JobName": f"{self.graph.flow}-{layer.name}",
            "JobQueue": labels.job_queue(layer),
            "JobDefinition": Ref(f"aws_batch_job_definition.{definition}.arn"),
            "ContainerOverrides": overrides,
        }


def _stop(first: LayerNode, name: str, failed: str) -> Iterator[State]:
    """The states that terminate jobs, and then fail with the error that there was."""
    error = {"error": Expression("$states.input.error"), "cause": Expression("$states.input.cause")}
    termination = Task(
        name=f"{first.name} stop",
        comment="Terminates one of them, if it has not ended",
        integration="aws-sdk:batch:terminateJob",
        arguments={"JobId": Expression("$states.input"), "Reason": LEFT},
        next=None,
    )
    yield Map(
        name=name,
        comment="Terminates the jobs that were submitted before the one that failed",
        items=Expression("$states.input.jobs"),
        states=(termination,),
        output=error,
        catch=(Catcher(("States.ALL",), failed, error),),
        next=failed,
    )
    yield Fail(
        name=failed,
        comment="Fails as the job did",
        error=Expression("$states.input.error"),
        cause=Expression("$states.input.cause"),
    )


def _pascal(value: Any) -> Any:
    """What the API of AWS Batch takes, as a state gives it: its names are in another case."""
    match value:
        case dict():
            return {f"{name[:1].upper()}{name[1:]}": _pascal(item) for name, item in value.items()}
        case list():
            return [_pascal(item) for item in value]
        case _:
            return value


def _noted(layer: LayerNode, task: Task) -> Iterator[State]:
    """A state that goes on if its task fails, with the error."""
    failed = f"{task.name} failed"
    yield attrs.evolve(task, catch=(Catcher(("States.TaskFailed",), failed, {"error": _error(layer)}),))
    yield Succeed(name=failed, comment="Lets what runs beside it end first", output=Expression("$states.input"))


def _error(layer: LayerNode) -> Expression:
    """What matters of an error. Its cause describes a whole job, and a state hands on 256 KiB of, maybe, many."""
    field = "errorMessage" if isinstance(layer.executor, LambdaTarget) else "StatusReason"
    told = f"""$substringBefore($substringAfter($states.errorOutput.Cause, '"{field}":"'), '"')"""
    return Expression(f"{{'Error': $states.errorOutput.Error, 'Cause': $substring({told}, 0, {_TOLD})}}")


def _variable(name: str, value: str) -> dict[str, Value]:
    return {"Name": name, "Value": Expression(value)}


def _attempt(layer: LayerNode, group: str) -> str | None:
    """What gives the attempt at a task, None if it finds that out: services count more than failures of the layer."""
    return f"{group}.attempt" if layer.replanned else None


def _retry(layer: LayerNode) -> tuple[Retrier, ...]:
    """How such a task is retried by its state."""
    return () if layer.replanned else of_layer(layer.retry, "States.TaskFailed")
