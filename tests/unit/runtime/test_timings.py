"""Tests of times of attempts, and of what they cost."""

from __future__ import annotations

import json

import pytest

from laminar_runtime.costs import price
from laminar_runtime.exceptions import DamagedError
from laminar_runtime.timings import VERSION, Attempt, Timings

_HOUR = 3_600_000
_JOB = Attempt(
    layer="Train", started=0, stopped=_HOUR, platform="FARGATE", architecture="ARM64", vcpus=2, memory_mib=4096
)


def _timings(*attempts: Attempt) -> Timings:
    return Timings(flow="Report", execution="e1", status="SUCCEEDED", created=0, stopped=2 * _HOUR, attempts=attempts)


def test_times_survive_json() -> None:
    """All fields are kept, and those with their defaults take no space."""
    timings = _timings(_JOB, Attempt(layer="Load", index=7, outcome="failed", where="thread"))
    assert Timings.from_json(timings.to_json()) == timings
    assert json.loads(timings.to_json())["attempts"][1] == {
        "layer": "Load",
        "index": 7,
        "outcome": "failed",
        "where": "thread",
    }


@pytest.mark.parametrize(
    "content",
    [
        b"[",
        b"[]",
        b"{}",
        json.dumps({"version": VERSION + 1, "flow": "F", "execution": "e"}),
        json.dumps({"version": 1, "execution": "e"}),
        json.dumps({"version": 1, "flow": "F", "execution": "e", "attempts": {}}),
        json.dumps({"version": 1, "flow": "F", "execution": "e", "attempts": [{"layer": "L", "outcome": "lost"}]}),
        json.dumps({"version": 1, "flow": "F", "execution": "e", "attempts": [{"layer": "L", "started": "soon"}]}),
        json.dumps({"version": 1, "flow": "F", "execution": "e", "attempts": [{"layer": "L", "started": True}]}),
    ],
)
def test_times_of_another_form_are_refused(content: bytes | str) -> None:
    """Whoever wrote them, a reader gets times or an error that names the place."""
    with pytest.raises(DamagedError, match="s3://store/times is damaged"):
        Timings.from_json(content, key="s3://store/times")


def test_unknown_fields_are_left_out() -> None:
    """A later release of the same form may write more."""
    found = Timings.from_json(json.dumps({"version": 1, "flow": "F", "execution": "e", "more": 1}))
    assert found == Timings(flow="F", execution="e")


def test_a_job_of_several_layers_is_paid_once() -> None:
    """Layers that run in one job share its price, and a job that was started again is paid for each start."""
    packed = [
        Attempt(layer="Load", started=0, stopped=_HOUR // 2, platform="FARGATE", vcpus=1, memory_mib=2048, job="j1"),
        Attempt(layer="Fit", started=_HOUR // 2, stopped=_HOUR, platform="FARGATE", vcpus=1, memory_mib=2048, job="j1"),
    ]
    again = Attempt(
        layer="Fit", attempt=2, started=0, stopped=_HOUR, platform="FARGATE", vcpus=1, memory_mib=2048, job="j1"
    )
    alone, together, twice = price(_timings(again)), price(_timings(*packed)), price(_timings(*packed, again))
    assert [one.layer for one in together.layers] == ["Load+Fit"]
    assert together.compute == pytest.approx(alone.compute)
    assert twice.compute == pytest.approx(2 * alone.compute)


def test_what_has_no_price_is_named() -> None:
    """Spot capacity, EC2 and attempts without an end are counted, not priced; this machine costs nothing."""
    spot = Attempt(layer="Spot", started=0, stopped=_HOUR, platform="FARGATE_SPOT", vcpus=1)
    runs = Attempt(layer="Runs", started=0, platform="FARGATE", vcpus=1, memory_mib=2048)
    here = Attempt(layer="Here", started=0, stopped=_HOUR, where="process")
    cost = price(_timings(spot, runs, here, _JOB), transitions=4)
    assert [(one.layer, one.unknown) for one in cost.layers] == [("Spot", 1), ("Runs", 1), ("Here", 0), ("Train", 0)]
    assert cost.notes == ("without a known price or end: attempts at Spot, Runs",)
    assert cost.compute == pytest.approx(2 * 0.03238 + 4 * 0.00356)
    assert cost.total == pytest.approx(cost.compute + 4 * 0.000025)
    assert json.dumps(cost.to_json())


def test_a_function_is_priced_by_its_memory() -> None:
    """An invocation has a price of its own."""
    one = Attempt(layer="L", started=0, stopped=1000, platform="LAMBDA", architecture="X86_64", memory_mib=1024)
    assert price(_timings(one)).compute == pytest.approx(0.0000166667 + 0.0000002)
