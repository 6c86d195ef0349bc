"""The target AWS Batch as a value: the platform, the job queues, and the sizes of jobs."""

from __future__ import annotations

import functools
from typing import ClassVar, Literal

import attrs

from laminar_codegen.ir.expressions import Ref, Value
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import USUAL, Container, Placement, Queue, Target, place
from laminar_codegen.targets.batch.options import secrets_in
from laminar_runtime.configurations.executors import Executor
from laminar_runtime.splits.job_container import fargate_size

__all__ = [
    "PLANNER_ROLE",
    "QUEUES",
    "BatchTarget",
    "batch_target",
    "has_execution_role",
    "job_size",
    "layers_on_batch",
    "layers_with_jobs",
    "on_ec2",
    "placement_of",
    "usual_size",
]

_FARGATE_QUEUE = Queue("job_queue_arn", "Fargate", "the tasks")
_FARGATE_SPOT_QUEUE = Queue("fargate_spot_job_queue_arn", "Fargate Spot", "tasks on spot capacity")
_EC2_QUEUE = Queue("ec2_job_queue_arn", "EC2", "tasks on EC2")
_EC2_SPOT_QUEUE = Queue("ec2_spot_job_queue_arn", "EC2 Spot", "tasks on EC2 and spot capacity")
_GPU_QUEUE = Queue("gpu_job_queue_arn", "EC2", "tasks with GPUs")
_GPU_SPOT_QUEUE = Queue("gpu_spot_job_queue_arn", "EC2 Spot", "tasks with GPUs on spot capacity")

#: All kinds of queues. Fargate and EC2 cannot share one, and a compute environment has either spot capacity or not:
#: https://docs.aws.amazon.com/batch/latest/userguide/compute_environments.html
QUEUES = (_FARGATE_QUEUE, _FARGATE_SPOT_QUEUE, _EC2_QUEUE, _EC2_SPOT_QUEUE, _GPU_QUEUE, _GPU_SPOT_QUEUE)


#: The label of the role of planners: also where they are jobs.
PLANNER_ROLE = "planner"


@attrs.frozen(eq=False, repr=False)
class BatchTarget(Target):
    """The target AWS Batch.

    Args:
        platform: The platform of its jobs.
        timeout: Seconds after which a job is stopped, None for the flow's.
        queue_name: The name of the job queue, None for that of the kind of capacity.
        share: The identifier of the share that jobs count for, None on a queue without a fair-share policy.
        priority: The priority of jobs in their share.
        role: The label of the role of its jobs, None for the one that all jobs without another have.
    """

    service: ClassVar[str] = "AWS Batch"
    pipelines: ClassVar[bool] = True
    limits_splits: ClassVar[bool] = True
    shares_splits: ClassVar[bool] = True
    overridable: ClassVar[tuple[str, ...]] = Executor.overridable

    platform: Literal["FARGATE", "EC2"] = "FARGATE"
    timeout: float | None = None
    queue_name: str | None = None
    share: str | Ref | None = None
    priority: int = 0
    role: str | None = None

    def describe(self, container: Container) -> str:
        """Return where a layer runs, '' on Fargate."""
        spot = " Spot" if container.spot else ""
        name = "Fargate" if self.platform == "FARGATE" else "EC2"
        return f"on {name}{spot}" if spot or self.platform == "EC2" else ""

    def facts(self, container: Container) -> dict[str, Value]:
        """Return the platform and the size of the jobs of a layer."""
        cpu, memory = job_size(Placement(container, self))
        own: dict[str, Value] = {
            "queue": self.queue_name,
            "share_identifier": self.share,
            "priority": self.priority or None,
            "role": self.role,
        }
        asked = {name: value for name, value in own.items() if value is not None}
        return {"runs_on": f"{self.service}, {self.platform}", "cpu": cpu, "memory": memory, **asked}

    def queue(self, container: Container) -> Queue:
        """Return the job queue of a layer."""
        if self.queue_name is not None:
            capacity = "EC2" if self.platform == "EC2" else "Fargate"
            return Queue(f"{self.queue_name}_job_queue_arn", capacity, f"tasks with the queue {self.queue_name}")
        if self.platform == "FARGATE":
            return _FARGATE_SPOT_QUEUE if container.spot else _FARGATE_QUEUE
        if container.gpu:
            return _GPU_SPOT_QUEUE if container.spot else _GPU_QUEUE
        return _EC2_SPOT_QUEUE if container.spot else _EC2_QUEUE


def batch_target(placement: Placement) -> BatchTarget | None:
    """Return the target of a placement if it is AWS Batch, else None.

    Args:
        placement: The placement.
    """
    return placement.target if isinstance(placement.target, BatchTarget) else None


def layers_on_batch(graph: Graph) -> list[LayerNode]:
    """Return the layers whose tasks are jobs on AWS Batch.

    Args:
        graph: The graph of the flow.
    """
    return [layer for layer in graph.layers if isinstance(layer.executor, BatchTarget)]


def layers_with_jobs(graph: Graph) -> list[LayerNode]:
    """Return the layers that have jobs on AWS Batch: their own, or those of their planner.

    Args:
        graph: The graph of the flow.
    """
    jobs = isinstance(graph.planner.target, BatchTarget)
    planned = {layer.name for layer in graph.with_planner} if jobs else frozenset()
    return [layer for layer in graph.layers if batch_target(layer.placement) or layer.name in planned]


def on_ec2(placement: Placement) -> bool:
    """Return whether AWS Batch runs a placement on EC2.

    Args:
        placement: The placement.
    """
    target = batch_target(placement)
    return target is not None and target.platform == "EC2"


def has_execution_role(placement: Placement) -> bool:
    """Return whether a role starts the container. Fargate needs one, EC2 only to read secrets: instances have theirs.

    https://docs.aws.amazon.com/batch/latest/userguide/execution-IAM-role.html

    Args:
        placement: A placement on AWS Batch.
    """
    return not on_ec2(placement) or bool(secrets_in(placement.container))


def job_size(placement: Placement) -> tuple[float, int]:
    """Return the virtual CPUs and the memory, in MiB, of a job: on Fargate the smallest size that holds its container.

    Args:
        placement: The job's container, and its target.
    """
    asked = (placement.container.cpu, placement.container.memory)
    return asked if on_ec2(placement) else fargate_size(*asked) or asked


def placement_of(layer: LayerNode) -> Placement:
    """Return the placement of the jobs of a layer: those that run several splits at once have as many times its size.

    Args:
        layer: The layer.
    """
    times, container = layer.fan_out.splits_at_once, layer.container
    larger = attrs.evolve(container, cpu=container.cpu * times, memory=container.memory * times)
    return layer.placement if times == 1 else place(larger, layer.executor)


def usual_size(placement: Placement) -> tuple[float, int]:
    """Return the default virtual CPUs and memory, in MiB, of the jobs of a definition.

    Args:
        placement: A placement with the same job definition.
    """
    return _usual_size(placement.target)


@functools.cache
def _usual_size(target: Target) -> tuple[float, int]:
    return job_size(Placement(USUAL, target))
