"""The labels of job definitions, and the names of jobs."""

from __future__ import annotations

from laminar_codegen.ir.expressions import Ref
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.labels import EXECUTION_DIGITS, PLANNER, Image, identity, labels_of, set_options
from laminar_codegen.ir.placement import Placement
from laminar_codegen.targets.batch.options import in_digest, words
from laminar_codegen.targets.batch.target import batch_target, on_ec2

__all__ = ["JOBS", "LEFT", "job_definitions", "job_queue", "jobs_of_execution"]

#: The prefixes of the labels of job definitions.
JOBS = _FARGATE, _EC2, _ = "fargate", "ec2", PLANNER

#: The reason of terminating jobs that no state waits for any more.
LEFT = "The execution ended before the job did"


def job_queue(layer: LayerNode) -> Ref:
    """Return the job queue that a layer's jobs are submitted to.

    Args:
        layer: A layer on AWS Batch.
    """
    queue = layer.placement.queue
    if queue is None:
        raise ValueError(f"layer '{layer.name}' does not run on AWS Batch")
    return Ref(f"var.{queue.variable}")


def jobs_of_execution(execution: str, redrives: str) -> str:
    """Return the expression for the common prefix of the names of an execution's jobs.

    AWS Batch lists jobs by prefixes of their names, case-insensitively. A name has 128 characters: enough for this
    prefix and the names of a flow and a layer.
    https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html

    Args:
        execution: The JSONata expression for the execution's ARN.
        redrives: The JSONata expression for the number of its redrives: jobs of different redrives differ.
    """
    return f"$substring($hash({execution} & ' ' & $string({redrives}), 'SHA-256'), 0, {EXECUTION_DIGITS}) & '-'"


def job_definitions(graph: Graph) -> dict[Placement, str]:
    """Return the label of the job definition of each placement on AWS Batch.

    It has the platform, the kind of capacity, and a digest of the other options of a container, but not its size: jobs
    have their own.

    Args:
        graph: The graph.
    """
    on_batch = [item for item in graph.placements if batch_target(item)]
    return labels_of(graph, on_batch, _job, _rest_of_job)


def _job(item: Placement) -> str:
    return "_".join([_EC2 if on_ec2(item) else _FARGATE, *words(item.container)])


def _rest_of_job(item: Placement, image: Image) -> tuple[object, ...]:
    options = in_digest(item.container)
    return identity(item.container, image) + set_options(**options, timeout=item.target.timeout, role=item.target.role)
