"""The rules of retries on AWS Batch: after which failures it starts a job again, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laminar_codegen.ir.graph import Graph
from laminar_codegen.limits import JOB_ATTEMPTS
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM025, LAM122
from laminar_codegen.targets.batch.target import layers_on_batch, on_ec2
from laminar_codegen.targets.batch.timed_tasks import is_timed
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
        # A child that claims splits decides by itself, and so does the job of a task that it stops by itself.
        elif retry.attempts == 1 or layer.shares_splits or is_timed(graph, layer):
            continue
        elif len(rules_on(retry.on, spot=layer.container.spot, ec2=on_ec2(layer.placement))) > EXIT_RULES:
            what = f"layer '{layer.name}' names failures by more rules than the {EXIT_RULES} of AWS Batch"
            fix = "name fewer exit codes, or raise an exception in their place"
            yield Problem(layer.location, LAM122, what, fix)


def some_of(names: Sequence[str]) -> str:
    """Return the first names of layers, and how many others there are.

    Args:
        names: The names of all.
    """
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


#: The rules of this module.
RETRY_RULES = (check_attempts, check_failures)
