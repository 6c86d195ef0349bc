"""The states that run layers on AWS Batch: a job, or array jobs for the splits of a fan-out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import attrs

from laminar_codegen.ir.asl import DRIVE, Catcher, Fail, Map, State, Task
from laminar_codegen.ir.expressions import Expression, Ref, Value
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import Placement
from laminar_codegen.targets.batch.labels import LEFT, job_definitions, job_queue, jobs_of_execution
from laminar_codegen.targets.batch.target import job_size, usual_size
from laminar_codegen.targets.kind import Attempts, TaskStates
from laminar_runtime import task_environment
from laminar_runtime.splits import job_container

__all__ = ["BatchStates"]


@attrs.frozen
class BatchStates(TaskStates):
    """Makes the states of layers on AWS Batch.

    Args:
        graph: The graph.
        definitions: The labels of the job definitions by placement.
    """

    error_field: ClassVar[str] = "StatusReason"
    together: ClassVar[str] = ", those that are one array job together"

    graph: Graph
    definitions: dict[Placement, str]

    @classmethod
    def of(cls, graph: Graph) -> BatchStates:
        """Return what makes the states of the layers of a graph.

        Args:
            graph: The graph.
        """
        return cls(graph, job_definitions(graph))

    def once(self, layer: LayerNode, after: str | None, attempts: Attempts) -> Task:
        """Return the job of a layer that does not fan out."""
        environment: list[Value] = []
        if attempts.attempt is not None:
            environment.append(_variable(task_environment.LAYER_ATTEMPT, f"$string({attempts.attempt})"))
        return Task(
            name=layer.name,
            comment=layer.summary,
            integration="batch:submitJob.sync",
            arguments=self._arguments(layer, environment, "$states.input.groups[0]"),
            retry=attempts.retriers,
            catch=attempts.catchers,
            next=after,
        )

    def group(self, layer: LayerNode, name: str, attempts: Attempts) -> Task:  # noqa: ARG002 - Batch retries children
        """Return the job of a group of splits."""
        return self.splits(layer, name, None)

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
            named = jobs_of_execution("$states.context.Execution.Id", "$states.context.Execution.RedriveCount")
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

    def pipelined(self, layers: Sequence[LayerNode]) -> Iterator[State]:
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
            "JobQueue": job_queue(layer),
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


def _variable(name: str, value: str) -> dict[str, Value]:
    return {"Name": name, "Value": Expression(value)}
