"""What a function knows of the failures that the `Retry` of its layer names, and how long it may run."""

from __future__ import annotations

import pytest

from laminar_codegen.ir.retriers import of_layer
from laminar_codegen.targets.aws_lambda.named_failures import is_named, payload, retriers_of, time_limit
from tests.support.graph_notation import graph_in


@pytest.mark.parametrize(
    ("options", "named", "names", "seconds"),
    [
        ("", False, "States.TaskFailed", 60),
        ("failures=75", False, "", 60),
        ("attempts=2", False, "States.TaskFailed", 60),
        ("attempts=2 failures=75", True, "Laminar.FailedAttempt", 70),
        ("attempts=2 failures='timed out'", True, "Laminar.FailedAttempt Sandbox.Timedout", 70),
    ],
)
def test_only_a_retry_for_some_failures_is_known_to_the_function(
    options: str,
    named: bool,  # noqa: FBT001
    names: str,
    seconds: float,
) -> None:
    """It has ten seconds more, in which it stops its task and says why."""
    graph = graph_in(f"A | on=Lambda timeout=60 {options}")
    (layer,) = graph.layers
    assert is_named(layer) is named
    assert bool(payload(graph, layer)) is named
    assert time_limit(graph, layer) == seconds
    for retrier in retriers_of(layer, of_layer(layer.retry, "States.TaskFailed")):
        assert " ".join(retrier.errors) == names
