"""The executor whose layers run on AWS Lambda or on AWS Batch, on this machine and in the planner."""

from __future__ import annotations

from typing import Any

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.executors import AWS
from laminar_runtime.configurations.layers import Container
from laminar_runtime.exceptions import FlowError
from laminar_runtime.testing import run_flow


def test_it_is_as_its_batch_here() -> None:
    """The timeout, the number of tasks at a time, the volumes and the overrides are those of jobs."""
    queue = "arn:aws:batch:us-east-1:123456789012:job-queue/flows"
    batch = AWS.Batch(queue, "arn:aws:iam::123456789012:role/task", platform="EC2", concurrency=3, timeout=70)
    auto = AWS.Auto(batch=batch)
    assert (auto.concurrency, auto.timeout, auto.finds_volumes()) == (3, 70, "aws")
    container = Container(cpu=3, memory=5000)
    assert auto.overrides(container) == batch.overrides(container) != AWS.Batch().overrides(container)
    assert (auto.most_splits, auto.claims_splits) == (None, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"batch": AWS.Lambda()},
            r"the batch of AWS.Auto must be such as in batch=executors.AWS.Batch\(\), not Lambda",
        ),
        ({"function": 3}, r"the function of AWS.Auto must be such as in function=executors.AWS.Lambda\(\), not 3"),
        ({"batch": AWS.Batch(role="a"), "function": AWS.Lambda(role="a")}, "the role 'a' for jobs and for functions"),
        ({"timeout": 60}, "unexpected|unknown|no argument"),
    ],
)
def test_what_is_refused(given: dict[str, Any], said: str) -> None:
    """Other executors, one role for both services, and arguments that its executors have."""
    with pytest.raises((FlowError, TypeError), match=said):
        AWS.Auto(**given)


class Report(Flow): ...


@Report.register
class Load(Layer):
    def __call__(self) -> None:
        self.rows = 3


@Report.register(executor=AWS.Auto(function=AWS.Lambda(timeout=60)))
class Store(Layer):
    def __call__(self, load: Load) -> None:
        self.stored = load.rows


def test_a_flow_runs_in_memory() -> None:
    """As the other executors on AWS do in tests."""
    assert run_flow(Report(executor=AWS.Auto())).layer(Store).stored == 3
