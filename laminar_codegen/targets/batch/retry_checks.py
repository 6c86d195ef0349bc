"""The rules of retries on AWS Batch: after which failures it starts a job again, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.limits import JOB_ATTEMPTS
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM025, LAM122, LAM126
from laminar_codegen.targets.batch.target import layers_on_batch, on_ec2
from laminar_runtime.configurations.executors.base import TASK_SECONDS
from laminar_runtime.configurations.failures import TIMED_OUT
from laminar_runtime.limits import EXIT_RULES
from laminar_runtime.splits.job_container import rules_on

__all__ = ["RETRY_RULES", "some_of"]

#: How many layers a warning names.
_SHOWN = 3


def check_attempts(graph: Graph) -> Iterator[Problem]:
    """Check that Batch makes all attempts at the splits of a fan-out: it retries a job at most nine times."""
    for layer in layers_on_batch(graph):
        attempts = layer.retry.attempts
        # A child that claims splits makes the attempts itself.
        if layer.shares_splits:
            continue
        if (layer.foreach or layer.retry.on) and attempts > JOB_ATTEMPTS:
            how = "fans out" if layer.foreach else "names failures"
            what = f"layer '{layer.name}' {how} with {attempts} attempts; AWS Batch makes at most {JOB_ATTEMPTS}"
            yield Problem(layer.location, LAM025, what, f"use at most Retry(attempts={JOB_ATTEMPTS})")


def check_failures(graph: Graph) -> Iterator[Problem]:
    """Check that AWS Batch can decide by the failures that a retry names: its rules are few, and hooks have none."""
    for layer in layers_on_batch(graph):
        retry = layer.retry
        if not retry.on:
            continue
        if layer.sized:
            what = f"layer '{layer.name}' has Retry(on=...) and hooks that choose its container: these see each failure"
            yield Problem(layer.location, LAM122, what, "drop one of them")
        # A child that claims splits decides by itself.
        elif retry.attempts > 1 and not layer.shares_splits:
            for what, fix in _faults_of(layer):
                yield Problem(layer.location, LAM122, what, fix)


def _faults_of(layer: LayerNode) -> Iterator[tuple[str, str]]:
    """Yield why AWS Batch cannot decide by the failures that a retry names."""
    on = layer.retry.on
    if TIMED_OUT in on:
        what = f"layer '{layer.name}' has Retry(on=...) with '{TIMED_OUT}'; AWS Batch retries no job that timed out"
        if layer.foreach:
            yield what, "run the splits by ForEach(..., max_concurrency=n), or raise an exception before the timeout"
        else:
            yield what, "leave on=... out, or raise an exception before the timeout"
    if len(rules_on(on, spot=layer.container.spot, ec2=on_ec2(layer.placement))) > EXIT_RULES:
        what = f"layer '{layer.name}' names failures by more rules than the {EXIT_RULES} of AWS Batch"
        yield what, "name fewer exit codes, or raise an exception in their place"


def check_late_splits(graph: Graph) -> Iterator[Problem]:
    """Warn of splits with a timeout and a retry: AWS Batch does not retry a child of an array that timed out."""
    names = [
        layer.name
        for layer in layers_on_batch(graph)
        if layer.foreach
        and layer.retry.attempts > 1
        and not (layer.retry.on or layer.shares_splits or layer.replanned)
        and graph.timeout_of(layer.executor) != TASK_SECONDS
    ]
    if names:
        what = f"the splits of {some_of(names)} have a timeout and a Retry; AWS Batch retries no split that timed out"
        fix = "run the splits by ForEach(..., max_concurrency=n), or raise an exception before the timeout"
        yield Problem(graph.location, LAM126, what, fix)


def some_of(names: Sequence[str]) -> str:
    """Return the first names of layers, and how many others there are.

    Args:
        names: The names of all.
    """
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


#: The rules of this module.
RETRY_RULES = (check_attempts, check_failures, check_late_splits)
