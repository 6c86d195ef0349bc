"""The rules about retries, wherever a layer runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from laminar_codegen.ir.graph import Graph, Retry
from laminar_codegen.limits import STATE_RETRIES
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM029, LAM127

__all__ = ["RETRY_RULES", "check_retries", "check_single_attempts"]

#: What a retry says of a failed attempt, besides how many there are.
_OF_ATTEMPTS = ("on", "delay", "backoff")


def check_retries(graph: Graph) -> Iterator[Problem]:
    """Check that Step Functions accepts the numbers of a layer's retries."""
    for layer in graph.layers:
        retry = layer.retry
        if not (max(retry.attempts, retry.delay) <= STATE_RETRIES and math.isfinite(retry.delay + retry.backoff)):
            what = f"the retry of layer '{layer.name}' has a number that Step Functions does not accept"
            fix = f"use at most {STATE_RETRIES} attempts, and a delay of at most as many seconds"
            yield Problem(layer.location, LAM029, what, fix)


def check_single_attempts(graph: Graph) -> Iterator[Problem]:
    """Warn of a retry that says what to do after a failed attempt, and has no other attempt."""
    usual = Retry()
    for layer in graph.layers:
        given = [name for name in _OF_ATTEMPTS if getattr(layer.retry, name) != getattr(usual, name)]
        if layer.retry.attempts == 1 and given:
            what = (
                f"the retry of layer '{layer.name}' has {' and '.join(f'{name}=' for name in given)}, and one attempt"
            )
            yield Problem(layer.location, LAM127, what, "add attempts=2 or more to its Retry, or drop it")


#: The rules of this module.
RETRY_RULES: tuple[Callable[[Graph], Iterator[Problem]], ...] = (check_retries, check_single_attempts)
