"""The tasks that their own jobs stop after their timeout, because they run again then.

AWS Batch runs no job again that it stopped after the job's timeout. So such a job stops its task by itself, and the
timeout of the job is a later bound: see `laminar_runtime.tasks.timed_process`.

Before: a fan-out with ``Retry(attempts=3)`` on ``AWS.Batch(timeout=300)``. After: its jobs have the variable
``LAMINAR_LAYER_TIMEOUT=300``, and a timeout of 930 seconds and the time that the layer's `Retry` may wait.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from laminar_codegen.ir.expressions import Value
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.limits import JOB_TIMEOUT
from laminar_runtime import task_environment
from laminar_runtime.configurations.executors.base import TASK_SECONDS
from laminar_runtime.configurations.failures import TIMED_OUT
from laminar_runtime.configurations.layers import Retry

__all__ = ["failures_of_job", "is_timed", "job_timeout", "variable_of"]

#: Seconds for the import of the flow before a task, and for its stop: SIGKILL comes 30 seconds after SIGTERM.
_MARGIN = 600 + 30


def is_timed(graph: Graph, layer: LayerNode) -> bool:
    """Return whether the job of a layer stops its task by itself.

    It does if the layer's `Retry` names timeouts, or is for all failures of a fan-out with a timeout. A layer that runs
    once runs again after any failure by a new job, and so do the splits of a layer whose hooks choose its containers.
    The jobs that claim splits have a clock of their own. The default timeout is that of layers without one.

    Args:
        graph: The graph.
        layer: A layer on AWS Batch.
    """
    retry = layer.retry
    if retry.attempts == 1 or layer.sized or layer.shares_splits:
        return False
    if retry.on:
        return TIMED_OUT in retry.on
    return bool(layer.foreach) and graph.timeout_of(layer.executor) != TASK_SECONDS


def variable_of(graph: Graph, layer: LayerNode) -> dict[str, Value]:
    """Return the variable by which the job of a layer knows after how many seconds it stops its task.

    Args:
        graph: The graph.
        layer: The layer.
    """
    return {"Name": task_environment.LAYER_TIMEOUT, "Value": f"{graph.timeout_of(layer.executor):.10g}"}


def job_timeout(graph: Graph, layer: LayerNode) -> int:
    """Return the seconds after which AWS Batch stops the job of a layer: later than the job stops its task.

    Args:
        graph: The graph.
        layer: The layer.
    """
    return math.ceil(graph.timeout_of(layer.executor) + _longest_wait(layer.retry) + _MARGIN)


def failures_of_job(layer: LayerNode) -> Sequence[object]:
    """Return the failures of a job after which AWS Batch starts it again, as in `Retry.on`; none for all.

    Its exit code says whether the task runs again, so AWS Batch need not know the layer's exit codes and classes.

    Args:
        layer: The layer.
    """
    reasons = [item for item in layer.retry.on if isinstance(item, str)]
    return (*reasons, Exception) if reasons else ()


def _longest_wait(retry: Retry) -> float:
    """Return the seconds that a job may wait before an attempt at its task."""
    _, longest = JOB_TIMEOUT
    try:
        return min(longest, retry.delay * retry.backoff ** (retry.attempts - 2) * (1 + retry.jitter))
    except OverflowError:
        return longest
