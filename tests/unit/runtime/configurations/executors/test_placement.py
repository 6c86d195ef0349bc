"""The names, the shares and the priorities by which layers choose where they run."""

from __future__ import annotations

from typing import Any

import pytest

from laminar_runtime import Variable
from laminar_runtime.configurations.executors import AWS
from laminar_runtime.exceptions import FlowError


def test_what_is_taken() -> None:
    """The bounds are taken."""
    batch = AWS.Batch(queue="a" * 32, share_identifier="A" * 255, priority=9999, role="a_1")
    assert (batch.queue, batch.priority, batch.role) == ("a" * 32, 9999, "a_1")
    assert AWS.Batch(share_identifier=Variable("team"), priority=0).priority == 0
    assert AWS.Lambda(role="loader").role == "loader"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"queue": "Big"}, r"an executor's queue must be a name of 1 to 32 lower-case letters.*not 'Big'"),
        ({"queue": "a" * 33}, "a name of 1 to 32"),
        ({"queue": "gpu"}, "gpu_job_queue_arn is the queue of a kind of capacity"),
        ({"role": "1a"}, "an executor's role must be a name"),
        ({"role": ""}, "an executor's role must be a name"),
        ({"share_identifier": "a-b"}, "must be of 1 to 255 letters and digits, not 'a-b'"),
        ({"share_identifier": "a" * 256}, "must be of 1 to 255 letters and digits"),
        ({"share_identifier": "a", "priority": 10_000}, "a whole number from 0 to 9999, not 10000"),
        ({"share_identifier": "a", "priority": -1}, "a whole number from 0 to 9999, not -1"),
        ({"share_identifier": "a", "priority": True}, "a whole number from 0 to 9999, not True"),
        ({"priority": 5}, "a priority, which counts within a share only: add share_identifier"),
    ],
)
def test_what_is_refused(given: dict[str, Any], said: str) -> None:
    """The message says the argument, and what it may be."""
    with pytest.raises(FlowError, match=said):
        AWS.Batch(**given)
