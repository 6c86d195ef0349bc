"""Whether a task runs again after a failure of its process on this machine."""

from __future__ import annotations

from typing import Any

import pytest

from laminar_runtime.configurations.layers import Retry
from laminar_runtime.configurations.schedulers.attempts import repeats
from laminar_runtime.exceptions import TaskError


@pytest.mark.parametrize(
    ("on", "known", "again"),
    [
        ((139,), {"exit_code": -11}, True),
        ((139,), {"exit_code": 139}, True),
        ((137,), {"exit_code": -9}, True),
        (("out of memory",), {"exit_code": -9}, True),
        (("out of memory",), {"exit_code": 137}, True),
        (("out of memory",), {"exit_code": -11}, False),
        ((ValueError,), {"exit_code": 1}, True),
        ((ValueError,), {"exit_code": 1, "error_class": "ValueError"}, True),
        ((ValueError,), {"exit_code": 2}, False),
        ((75,), {"exit_code": 1}, False),
        (("timed out",), {"exit_code": -15, "ending": "timed out"}, True),
        ((143, ValueError), {"exit_code": -15, "ending": "timed out"}, False),
    ],
)
def test_exit_codes_mean_what_they_mean_on_aws_batch(
    on: tuple[Any, ...],
    known: dict[str, Any],
    again: bool,  # noqa: FBT001
) -> None:
    """A container says 128 and the signal, and a program that replaced the task ends with 1 for any error."""
    error = TaskError("no luck", flow="F", execution="e", layer="A", index=0, splits=1, attempt=1, **known)
    assert repeats(Retry(attempts=2, on=on), error) is again
