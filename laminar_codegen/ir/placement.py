"""Where a layer runs once it is deployed: in which container, on which service, and in which job queue.

Before: the container and the executor that a flow configures. After: frozen values, which all that is emitted of a
layer's jobs or invocations is made of.
"""

from __future__ import annotations

import functools
import shlex
from typing import Literal, assert_never

import attrs

from laminar_runtime import Flow
from laminar_runtime.configurations import executors, layers
from laminar_runtime.splits.job_container import fargate_size

__all__ = [
    "QUEUES",
    "USUAL",
    "BatchTarget",
    "Container",
    "LambdaTarget",
    "Placement",
    "Queue",
    "Target",
    "container_of",
    "job_size",
    "place",
    "target_of",
    "usual_size",
]


@attrs.frozen(cache_hash=True)
class Container:
    """The container of a layer.

    Args:
        command: Its command, word by word; none if its quotes are not closed.
        cpu: Virtual CPUs.
        memory: Memory in MiB.
        image: The image, None for the deployment's.
        workdir: The working directory, None for the image's own.
        gpu: GPUs.
        spot: Whether it runs on spot capacity.
        architecture: The processors that the image is built for.
        secrets: Variables with the ARNs of their values, sorted.
        ephemeral_storage: Disk in GiB, None for what there is.
        log_driver: Where the output goes.
        log_options: Options of the log driver, sorted.
    """

    command: tuple[str, ...]
    cpu: float
    memory: int
    image: str | None
    workdir: str | None
    gpu: int = 0
    spot: bool = False
    architecture: layers.Architecture = "x86_64"
    secrets: tuple[tuple[str, str], ...] = ()
    ephemeral_storage: int | None = None
    log_driver: str = "awslogs"
    log_options: tuple[tuple[str, str], ...] = ()

    @property
    def secret_log_options(self) -> tuple[tuple[str, str], ...]:
        """The options of the log driver that are given by the ARN of a secret."""
        return tuple((name, value) for name, value in self.log_options if layers.is_secret(value))


@attrs.frozen
class BatchTarget:
    """AWS Batch runs the layer.

    Args:
        platform: On what.
        timeout: Seconds after which a job is stopped, None for the flow's.
    """

    platform: Literal["FARGATE", "EC2"] = "FARGATE"
    timeout: float | None = None


@attrs.frozen
class LambdaTarget:
    """AWS Lambda runs the layer.

    Args:
        concurrency: How many splits run at once.
        timeout: Seconds after which an invocation is stopped, None for the flow's.
    """

    concurrency: int
    timeout: float | None = None


Target = BatchTarget | LambdaTarget


@attrs.frozen
class Queue:
    """A job queue that a deployment is given.

    Args:
        variable: The variable of its ARN.
        capacity: What capacity it must have.
        tasks: What is submitted to it.
    """

    variable: str
    capacity: str
    tasks: str


_FARGATE_QUEUE = Queue("job_queue_arn", "Fargate", "the tasks")
_FARGATE_SPOT_QUEUE = Queue("fargate_spot_job_queue_arn", "Fargate Spot", "tasks on spot capacity")
_EC2_QUEUE = Queue("ec2_job_queue_arn", "EC2", "tasks on EC2")
_EC2_SPOT_QUEUE = Queue("ec2_spot_job_queue_arn", "EC2 Spot", "tasks on EC2 and spot capacity")
_GPU_QUEUE = Queue("gpu_job_queue_arn", "EC2", "tasks with GPUs")
_GPU_SPOT_QUEUE = Queue("gpu_spot_job_queue_arn", "EC2 Spot", "tasks with GPUs on spot capacity")

#: All kinds of queues. Fargate and EC2 cannot share one, and whether capacity is spot is said where it is made:
#: https://docs.aws.amazon.com/batch/latest/userguide/compute_environments.html
QUEUES = (_FARGATE_QUEUE, _FARGATE_SPOT_QUEUE, _EC2_QUEUE, _EC2_SPOT_QUEUE, _GPU_QUEUE, _GPU_SPOT_QUEUE)


@attrs.frozen(cache_hash=True)
class Placement:
    """A container, and what runs it: layers of the same placement share a job definition, or a function."""

    container: Container
    target: Target

    @property
    def on_ec2(self) -> bool:
        """Whether AWS Batch runs it on EC2."""
        return isinstance(self.target, BatchTarget) and self.target.platform == "EC2"

    @property
    def queue(self) -> Queue | None:
        """The job queue, None on AWS Lambda."""
        spot = self.container.spot
        match self.target:
            case LambdaTarget():
                return None
            case BatchTarget():
                if not self.on_ec2:
                    return _FARGATE_SPOT_QUEUE if spot else _FARGATE_QUEUE
                if self.container.gpu:
                    return _GPU_SPOT_QUEUE if spot else _GPU_QUEUE
                return _EC2_SPOT_QUEUE if spot else _EC2_QUEUE
            case _:
                assert_never(self.target)

    @property
    def has_execution_role(self) -> bool:
        """Whether a role starts the container. Fargate needs one, EC2 only to read secrets: its instances have theirs.

        https://docs.aws.amazon.com/batch/latest/userguide/execution-IAM-role.html
        """
        match self.target:
            case LambdaTarget():
                return False
            case BatchTarget():
                return not self.on_ec2 or bool(self.container.secrets or self.container.secret_log_options)
            case _:
                assert_never(self.target)


def job_size(placement: Placement) -> tuple[float, int]:
    """Return the virtual CPUs and the memory, in MiB, of a job: on Fargate the smallest size that holds its container.

    Args:
        placement: The job's container, and what runs it.
    """
    asked = (placement.container.cpu, placement.container.memory)
    return asked if placement.on_ec2 else fargate_size(*asked) or asked


@functools.cache
def place(container: Container, target: Target) -> Placement:
    """Return the placement of a container on a target. Equal ones are one value, which makes lookups fast.

    Args:
        container: The layer's container.
        target: What runs it.
    """
    return Placement(container, target)


@functools.cache
def _words(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError:  # a quote is not closed: `check_commands` tells of it
        return ()


def container_of(container: layers.Container) -> Container:
    """Return a container as data.

    Args:
        container: The container, as configured.
    """
    return Container(
        command=_words(container.command),
        cpu=container.cpu,
        memory=container.memory,
        image=container.image,
        workdir=None if container.workdir == layers.DEFAULT_WORKDIR else container.workdir,
        gpu=container.gpu,
        spot=container.spot,
        architecture=container.architecture,
        secrets=tuple(sorted(container.secrets.items())),
        ephemeral_storage=container.ephemeral_storage,
        log_driver=container.log_driver,
        log_options=tuple(sorted(container.log_options.items())),
    )


#: The container of layers that ask for no other.
USUAL = container_of(layers.Container())


def usual_size(placement: Placement) -> tuple[float, int]:
    """Return the virtual CPUs and the memory, in MiB, of a job that asks for no others.

    Args:
        placement: What it shares a job definition with.
    """
    return job_size(attrs.evolve(placement, container=USUAL))


def target_of(own: executors.Executor | None, flow: Flow) -> Target:
    """Return the target of a layer: its own, or that of its flow.

    Args:
        own: The layer's own executor, None if it has none.
        flow: Its flow.

    Returns:
        AWS Lambda or AWS Batch if the executor says so. The executors of this machine stand for AWS Batch on Fargate.
    """
    executor = own or flow.configuration.executor
    timeout = None if executor.timeout == flow.configuration.executor.timeout else executor.timeout
    match executor:
        case executors.AWS.Lambda(concurrency=concurrency):
            return LambdaTarget(concurrency, timeout)
        case executors.AWS.Batch(platform=platform):
            return BatchTarget(platform, timeout)
        case _:
            return BatchTarget("FARGATE", timeout)
