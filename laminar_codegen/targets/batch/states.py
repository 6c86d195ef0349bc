"""The states that run layers on AWS Batch: a job, or array jobs for the splits of a fan-out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import attrs

from laminar_codegen.ir.asl import DRIVE, JOB_TAGS, Catcher, Fail, Map, State, Task
from laminar_codegen.ir.expressions import Expression, Ref, Value
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import Placement, place
from laminar_codegen.ir.plan import Pack
from laminar_codegen.ir.state_names import Suffix
from laminar_codegen.limits import JOB_TIMEOUT
from laminar_codegen.targets.batch.labels import LEFT, job_definitions, job_queue, jobs_of_execution
from laminar_codegen.targets.batch.target import batch_target, job_size, on_ec2, placement_of, usual_size
from laminar_codegen.targets.batch.timed_tasks import failures_of_job, is_timed, job_timeout, variable_of
from laminar_codegen.targets.kind import Attempts, TaskStates
from laminar_runtime import task_environment
from laminar_runtime.configurations import containers
from laminar_runtime.splits import job_container

__all__ = ["BatchStates", "of_job", "of_size", "pascal", "tags_of"]

#: The tag with the name of a layer.
OF_LAYER = containers.JOB_TAGS[1]
#: The group of splits that a state has as its input.
_GROUP = "$states.input"


@attrs.frozen(eq=False, repr=False)
class BatchStates(TaskStates):
    """The states of layers on AWS Batch.

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
        """Return the states of the layers of a graph.

        Args:
            graph: The graph.
        """
        return cls(graph, job_definitions(graph))

    def once(self, layer: LayerNode, after: str | None, attempts: Attempts) -> Task:
        """Return the job of a layer that does not fan out."""
        environment, more = self._timing(layer)
        if attempts.attempt is not None:
            environment.append(_variable(task_environment.LAYER_ATTEMPT, f"$string({attempts.attempt})"))
        return Task(
            name=layer.name,
            comment=layer.summary,
            integration="batch:submitJob.sync",
            arguments={
                **self._arguments(layer, environment, "$states.input.groups[0]"),
                **more,
                **self._strategy(layer, once=True),
            },
            # With some failures only, Batch starts the job again: Step Functions does not see why it failed.
            retry=() if layer.retry.on else attempts.retriers,
            catch=attempts.catchers,
            next=after,
        )

    def pack(self, pack: Pack, layers: Sequence[LayerNode], name: str, after: str | None) -> Task:
        """Return the job of layers that share one."""
        first = layers[0]
        spelled = task_environment.spell_pack(pack.cpu, pack.memory, pack.names)
        size = place(attrs.evolve(first.container, cpu=pack.cpu, memory=pack.memory), first.executor)
        # The job makes the attempts at its layers, and stops each after its timeout.
        attempts = max(layer.retry.attempts for layer in layers)
        strategy = job_container.retry_strategy(spot=True, attempts=attempts)
        return Task(
            name=name,
            comment=f"Runs {len(pack.layers)} layers in one job",
            integration="batch:submitJob.sync",
            arguments={
                **self._arguments(first, [{"Name": task_environment.PACK, "Value": spelled}], _GROUP, size),
                "Timeout": {"AttemptDurationSeconds": JOB_TIMEOUT[1]},
                "RetryStrategy": pascal(strategy),
            },
            next=after,
        )

    def group(self, layer: LayerNode, name: str, attempts: Attempts) -> Task:  # noqa: ARG002 - Batch retries children
        """Return the job of a group of splits: an array job, or a plain job for one split."""
        return Task(
            name=name,
            comment=layer.summary,
            integration="batch:submitJob.sync",
            arguments=self._array_job(layer, {}),
            output={},
            next=None,
        )

    def _array_job(self, layer: LayerNode, more: Mapping[str, Value]) -> dict[str, Value]:
        """Return the arguments that submit a group of splits."""
        environment: list[Value] = [
            _variable(task_environment.LAYER_INDEXES, f"{_GROUP}.indexes"),
            _variable(task_environment.LAYER_SPLITS, f"$string({_GROUP}.splits)"),
        ]
        if layer.replanned:
            environment.append(_variable(task_environment.LAYER_ATTEMPT, f"$string({_GROUP}.attempt)"))
        if layer.shares_splits:
            claims = ".".join((_GROUP, "claims"))  # noqa: FLY002 - with a dot it would look like a key of the datastore
            environment.append(_variable(task_environment.LAYER_CLAIMS, claims))
            # Of all splits that a child runs: it stops each of them after the timeout of the layer.
            more = {**more, "Timeout": {"AttemptDurationSeconds": JOB_TIMEOUT[1]}}
        variables, limit = self._timing(layer)
        environment += variables
        more = {**more, **limit}
        arguments: dict[str, Value] = {
            **self._arguments(layer, environment, _GROUP),
            "ArrayProperties": Expression(f"{_GROUP}.size > 1 ? {{'Size': {_GROUP}.size}} : {{}}"),
            **more,
        }
        return {**arguments, **self._strategy(layer, once=False)}

    def _timing(self, layer: LayerNode) -> tuple[list[Value], dict[str, Value]]:
        """Return the variables and the arguments of a job that stops its task after its timeout by itself."""
        if not is_timed(self.graph, layer):
            return [], {}
        limit = {"AttemptDurationSeconds": job_timeout(self.graph, layer)}
        return [variable_of(self.graph, layer)], {"Timeout": limit}

    def _strategy(self, layer: LayerNode, *, once: bool) -> dict[str, Value]:
        """Return the retry strategy of a job, if Batch starts it again after failures of the layer.

        Batch retries each child of an array on its own, so that finished splits are not run again.
        """
        retry, spot, ec2 = layer.retry, layer.container.spot, on_ec2(layer.placement)
        if layer.shares_splits:
            # A child runs many splits, so it may be started as often as AWS Batch starts a job.
            # It decides about errors and exit codes itself; a reason may be that of its container.
            reasons = [item for item in retry.on if isinstance(item, str)]
            attempts = 1 if layer.replanned or (retry.on and not reasons) else retry.attempts
            return {"RetryStrategy": pascal(job_container.retry_strategy(spot=True, attempts=attempts, on=reasons))}
        if retry.attempts == 1 or layer.replanned or (once and not retry.on):
            return {}
        on = failures_of_job(layer) if is_timed(self.graph, layer) else retry.on
        strategy = job_container.retry_strategy(spot=spot, attempts=retry.attempts, on=on, ec2=ec2)
        return {"RetryStrategy": pascal(strategy)}

    def _first(self, layer: LayerNode, after: str) -> Task:
        """Return the first job of a pipeline. Its id is passed on; no state waits for it."""
        return Task(
            name=layer.name,
            comment=layer.summary,
            integration="batch:submitJob",
            arguments=self._array_job(layer, self._findable_name(layer)),
            output=Expression(f"$merge([{_GROUP}, {{'jobs': [$states.result.JobId]}}])"),
            next=after,
        )

    def _next(self, layer: LayerNode, after: str | None) -> Task:
        """Return a further job of a pipeline: child i starts when child i of the job before it has ended.

        The id of a job is passed on. The state of the last job waits for its end.
        """
        before = f"{_GROUP}.jobs[-1]"
        one_to_one = f"[{{'JobId': {before}, 'Type': 'N_TO_N'}}]"
        depends = Expression(f"{_GROUP}.size > 1 ? {one_to_one} : [{{'JobId': {before}}}]")
        submitted = Expression(f"$merge([{_GROUP}, {{'jobs': $append({_GROUP}.jobs, $states.result.JobId)}}])")
        return Task(
            name=layer.name,
            comment=layer.summary,
            integration="batch:submitJob" if after else "batch:submitJob.sync",
            arguments=self._array_job(layer, {"DependsOn": depends, **self._findable_name(layer)}),
            output=submitted if after else {},
            next=after,
        )

    def _findable_name(self, layer: LayerNode) -> dict[str, Value]:
        """Return a name by which the job can be found when the execution has ended."""
        named = jobs_of_execution("$states.context.Execution.Id", "$states.context.Execution.RedriveCount")
        return {"JobName": Expression(f"{named} & '{self._job_name(layer)}'")}

    def _job_name(self, layer: LayerNode) -> str:
        return f"{self.graph.flow}-{layer.name}"

    def pipeline(self, layers: Sequence[LayerNode]) -> Iterator[State]:
        """Yield the states that run a group of splits item by item: a job for each layer, the last one awaited.

        If one of them fails, or is refused, the jobs before it are terminated: no state waits for them.

        Args:
            layers: The layers, in their order.
        """
        first, *rest = layers
        stop, failed = Suffix.STOPS.of(first.name), Suffix.FAILED.of(first.name)
        yield self._first(first, rest[0].name)
        failure = {
            "jobs": Expression("$states.input.jobs"),
            "error": Expression("$states.errorOutput.Error"),
            "cause": Expression("$exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : ''"),
        }
        for layer, follower in zip(rest, [*rest[1:], None], strict=True):
            job = self._next(layer, follower.name if follower else None)
            yield attrs.evolve(job, catch=(Catcher(("States.ALL",), stop, failure),))
        yield from _stop(first, stop, failed)

    def _arguments(
        self, layer: LayerNode, environment: list[Value], group: str, size: Placement | None = None
    ) -> dict[str, Value]:
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
        else:
            overrides |= of_size(size or placement_of(layer))
        return {**of_job(layer, self._job_name(layer), definition), "ContainerOverrides": overrides}


def of_job(layer: LayerNode, name: str, definition: str) -> dict[str, Value]:
    """Return the arguments that submit a job, without those of its container.

    Args:
        graph: The graph.
        layer: The layer of the job.
        name: The name of the job.
        definition: The label of its job definition.
    """
    return {
        "JobName": name,
        "JobQueue": job_queue(layer),
        "JobDefinition": Ref(f"aws_batch_job_definition.{definition}.arn"),
        **_share(layer),
        "Tags": tags_of(layer),
    }


def of_size(placement: Placement) -> dict[str, Value]:
    """Return what a job overrides of the size of its definition: nothing if that is its own.

    Args:
        placement: The container and the target of the job.
    """
    size = job_size(placement)
    if size == usual_size(placement):
        return {}
    resources = job_container.job_resources(*size)
    return {"ResourceRequirements": [{"Type": kind, "Value": value} for kind, value in resources.items()]}


def tags_of(layer: LayerNode) -> Expression:
    """Return the tags of a job. Its tasks have them, too: the job definition propagates tags.

    Those of the execution replace those of the layer, and none of those that say what a job is.

    Args:
        layer: The layer of the job.
    """
    of_layer: list[str | Ref] = []
    for name, value in layer.container.requested.get("tags", ()):
        # No tag has a quote: the document validates values of variables.
        of_layer += [f"{', ' if of_layer else '{'}'{name}': '", value, "'"]
    before: Sequence[str | Ref] = (*of_layer, "}, ") if of_layer else ()
    return Expression("$merge([", *before, f"{JOB_TAGS}, {{'{OF_LAYER}': '{layer.name}'}}])")


def _share(layer: LayerNode) -> dict[str, Value]:
    """Return the share of a job. AWS Batch asks for a priority with it, and accepts neither on other queues."""
    target = batch_target(layer.placement)
    if target is None or target.share is None:
        return {}
    return {"ShareIdentifier": target.share, "SchedulingPriorityOverride": target.priority}


def _stop(first: LayerNode, name: str, failed: str) -> Iterator[State]:
    """Yield the states that terminate jobs, and then fail with the original error."""
    error = {"error": Expression("$states.input.error"), "cause": Expression("$states.input.cause")}
    termination = Task(
        name=Suffix.STOP.of(first.name),
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


def pascal(value: Any) -> Any:
    """Return an argument of the AWS Batch API as a state spells it, in Pascal case.

    Args:
        value: The argument.
    """
    match value:
        case dict():
            return {f"{name[:1].upper()}{name[1:]}": pascal(item) for name, item in value.items()}
        case list():
            return [pascal(item) for item in value]
        case _:
            return value


def _variable(name: str, value: str) -> dict[str, Value]:
    return {"Name": name, "Value": Expression(value)}
