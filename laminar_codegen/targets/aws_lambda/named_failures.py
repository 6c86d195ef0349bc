"""The invocations of layers whose `Retry` names failures: the function says by its error which are repeated.

Before: ``Retry(attempts=3, on=(ConnectionError, "out of memory"))``. After: the payload has
``"retry": {"attempts": 3, "on": [1, "out of memory"], "timeout": 60}``, and the retrier of the state lists the name by
which the function says so, and those that AWS Lambda gives to a function that it ended for its memory.
See `laminar_runtime.tasks.invocations`.
"""

from __future__ import annotations

import math

import attrs

from laminar_codegen.ir.expressions import Value
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.retriers import Retrier
from laminar_codegen.limits import LAMBDA_SECONDS
from laminar_runtime.configurations.failures import OUT_OF_MEMORY, TIMED_OUT

__all__ = ["is_named", "payload", "retriers_of", "time_limit"]

#: The names of the errors of a function that ended without an answer. `Lambda.Unknown` may be a timeout, too, but the
#: function stops its task before that.
_ENDS = {
    OUT_OF_MEMORY: ("Lambda.Unknown", "Runtime.ExitError", "Runtime.OutOfMemory"),
    TIMED_OUT: ("Sandbox.Timedout",),
}


def is_named(layer: LayerNode) -> bool:
    """Return whether the function of a layer says which of its failures are repeated.

    Args:
        layer: A layer on AWS Lambda.
    """
    return bool(layer.retry.on) and layer.retry.attempts > 1 and not layer.sized


def payload(graph: Graph, layer: LayerNode) -> dict[str, Value]:
    """Return what an invocation says of the retry of a layer: nothing if that is for all failures.

    Args:
        graph: The graph.
        layer: The layer.
    """
    if not is_named(layer):
        return {}
    from laminar_runtime.tasks.worker_process import endings  # few layers name failures

    seconds = graph.timeout_of(layer.executor)
    return {"retry": {"attempts": layer.retry.attempts, "on": [*endings(layer.retry)], "timeout": seconds}}


def retriers_of(layer: LayerNode, retriers: tuple[Retrier, ...]) -> tuple[Retrier, ...]:
    """Return the retriers of a layer for the failures that it names.

    Args:
        layer: The layer.
        retriers: Its retriers for all failures.
    """
    if not is_named(layer):
        return retriers
    from laminar_runtime.tasks.invocations import FAILED_ATTEMPT

    ends = sorted({name for reason, names in _ENDS.items() if reason in layer.retry.on for name in names})
    return tuple(attrs.evolve(item, errors=(FAILED_ATTEMPT, *ends)) for item in retriers)


def time_limit(graph: Graph, layer: LayerNode) -> float:
    """Return the seconds after which AWS Lambda stops the function of a layer: later than that stops its task.

    Args:
        graph: The graph.
        layer: The layer.
    """
    seconds = graph.timeout_of(layer.executor)
    if not is_named(layer):
        return seconds
    from laminar_runtime.tasks.invocations import MARGIN

    return max(seconds, min(math.ceil(seconds + MARGIN), LAMBDA_SECONDS[1]))
