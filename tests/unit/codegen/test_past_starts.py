"""How long jobs took to start, by the times that AWS says of them, and what is measured of deployed executions."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from laminar_codegen.command.measure import other_host
from laminar_codegen.planning.durations_file import profile_text
from laminar_codegen.planning.past_durations import Measured, measure
from laminar_codegen.planning.past_starts import Start, start_times, starts_of_functions, starts_of_jobs
from laminar_codegen.planning.profile import LayerTimes, Spread, StartTimes
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.deployed import Deployment
from laminar_runtime.exceptions import ExecutionError, NotFoundError
from laminar_runtime.timings import Attempt, Timings

IMAGE = "registry/report@sha256:0123"


def attempt(layer: str, job: str, waited: float, ran: float, **more: Any) -> Attempt:
    """Return an attempt that was submitted ten seconds after the start."""
    started = 10_000 + round(waited * 1000)
    usual: dict[str, Any] = {"platform": "FARGATE", "image": IMAGE, "outcome": "succeeded"}
    times = {"created": 10_000, "started": started, "stopped": started + round(ran * 1000)}
    return Attempt(layer=layer, job=job, **{**usual, **times, **more})


def test_a_start_is_from_the_submission_of_a_job_to_its_container() -> None:
    """By target and image, whatever its tag: of the first start of a job only, as the others begin when it ended."""
    attempts = [
        attempt("A", "1", 40, 5, outcome="failed"),
        attempt("A", "1", 70, 5, attempt=2),
        attempt("B", "2", 50, 5, image="registry/report:2"),
        attempt("C", "3", 200, 5, platform="EC2"),
        attempt("D", "4", 30, 5, platform="FARGATE_SPOT", image="other"),
    ]
    assert start_times(starts_of_jobs(attempts)) == (
        StartTimes("EC2", 200.0, "registry/report", None, 1),
        StartTimes("FARGATE", 45.0, "registry/report", Spread(41.0, 49.0), 2),
        StartTimes("FARGATE_SPOT", 30.0, "other", None, 1),
    )


def test_layers_that_share_a_job_start_once() -> None:
    assert [*starts_of_jobs([attempt("A", "1", 40, 5), attempt("B", "1", 40, 5)])] == [
        Start("FARGATE", "registry/report", 40.0)
    ]


def test_an_array_job_starts_once() -> None:
    """As the children that started first: Fargate starts so many at once, and the others also wait for these."""
    children = [
        attempt("A", f"1:{index}", 40 if index < 100 else 40 + (index - 100) / 20, 2) for index in range(10_000)
    ]
    assert [start.seconds for start in starts_of_jobs(reversed(children))] == [40.0]


@pytest.mark.parametrize(
    "other",
    [
        attempt("A", "1", 40, 5, started=None),
        attempt("A", "1", 40, 5, created=None),
        attempt("A", "1", 40, 5, platform=""),
        attempt("A", "1", 40, 5, where="process"),
        attempt("After", "1", 40, 5),
    ],
    ids=["never started", "submission unknown", "target unknown", "on this machine", "waits for another job"],
)
def test_other_attempts_are_no_starts(other: Attempt) -> None:
    assert [*starts_of_jobs([other], {"After"})] == []


def test_a_function_starts_in_what_its_code_did_not_take() -> None:
    """A layer that was tried twice, or has no record, says nothing."""
    attempts = [
        attempt("A", "", 0, 5.5, where="lambda", platform="LAMBDA", image=""),
        attempt("B", "", 0, 5.5, where="lambda", platform="LAMBDA", outcome="failed"),
        attempt("B", "", 0, 5.5, where="lambda", platform="LAMBDA"),
        attempt("C", "", 0, 5.5, where="lambda", platform="LAMBDA"),
    ]
    assert [*starts_of_functions(attempts, {"A": 3.0, "B": 3.0})] == [Start("LAMBDA", None, 2.5)]


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://states.us-east-1.amazonaws.com", None),
        ("https://states.cn-north-1.amazonaws.com.cn", None),
        ("https://vpce-0123-abc.states.eu-west-1.vpce.amazonaws.com", None),
        ("https://states.us-east-1.api.aws", None),
        ("http://127.0.0.1:50123", "127.0.0.1"),
        ("http://localhost.localstack.cloud:4566", "localhost.localstack.cloud"),
        ("https://amazonaws.com.example.org", "amazonaws.com.example.org"),
    ],
)
def test_starts_are_those_of_aws(address: str, host: str | None) -> None:
    """What stands in for AWS starts jobs at once."""
    assert other_host(address) == host


class Report(Flow): ...


@Report.register
class Load(Layer):
    def __call__(self) -> None:
        self.shard(row=[1, 2])


@Report.register(foreach=ForEach(parameters=[Parameter(Load, "row")]))
class Each(Layer):
    def __call__(self, load: Load) -> None: ...


@Report.register(foreach=ForEach(parameters=[Parameter(Each, "row", index=None)], pipelined=True))
class Then(Layer):
    def __call__(self, each: Each) -> None: ...


def deployed(known: Callable[[str], Timings]) -> Deployment:
    """Return a deployment whose executions have given times."""
    return cast(
        "Deployment",
        SimpleNamespace(name="report", execution=lambda name: SimpleNamespace(timings=lambda: known(name))),
    )


def timings(attempts: Sequence[Attempt], notes: Sequence[str] = ()) -> Callable[[str], Timings]:
    """Return the times of all executions."""
    return lambda name: Timings(flow="Report", execution=name, attempts=attempts, notes=notes)


@pytest.fixture
def flow() -> Report:
    return Report(datastore=datastores.Memory(), executor=executors.Thread())


def test_layers_without_a_record_are_measured_by_their_attempts(flow: Report) -> None:
    """A record counts more: it has the seconds of the code. Jobs that wait for other jobs do not say how they start."""
    flow.datastore.ledger.write_record(flow.execution("e1").key("Load"), splits=1, seconds=7.5)
    attempts = (
        attempt("Load", "1", 40, 9),
        *(attempt("Each", f"2:{index}", 50, 2 + index, index=index) for index in range(2)),
        *(attempt("Then", f"3:{index}", 90, 1, index=index) for index in range(2)),
        attempt("Load", "9", 500, 100, flow="Other"),
    )
    found = measure(flow, ["e1"], deployed(timings(attempts, ["AWS Batch has forgotten 3 jobs"])))
    assert found.layers == {
        "Load": LayerTimes(7.5, None, 1),
        "Each": LayerTimes(3.0, None, 1, 2.5, Spread(2.1, 2.9), 2),
        "Then": LayerTimes(1.0, None, 1, 1.0, Spread(1.0, 1.0), 2),
    }
    assert [start.seconds for start in found.starts] == [40.0, 50.0]
    assert found.notes == ("AWS Batch has forgotten 3 jobs",)


def test_layers_that_share_a_job_have_no_attempts_of_their_own(flow: Report) -> None:
    """Children that claim splits are not attempts at one, either."""
    attempts = [
        attempt("Load", "1", 40, 9),
        attempt("Then", "1", 40, 9),
        *(attempt("Each", f"2:{index}", 40, 9) for index in range(2)),
    ]
    assert measure(flow, ["e1"], deployed(timings(attempts))).layers == {"Each": LayerTimes(9.0, None, 1)}


@pytest.mark.parametrize("error", [NotFoundError("it does not exist"), ExecutionError("not allowed")])
def test_what_aws_does_not_say_is_noted(flow: Report, error: Exception) -> None:
    """An execution of this machine in the same datastore has durations all the same."""

    def refuse(name: str) -> Timings:
        raise error

    flow.datastore.ledger.write_record(flow.execution("e1").key("Load"), splits=1, seconds=7.5)
    found = measure(flow, ["e1"], deployed(refuse))
    assert (found.layers, found.starts) == ({"Load": LayerTimes(7.5, None, 1)}, ())
    assert len(found.notes) == 1


def test_what_is_measured_does_not_depend_on_the_order(flow: Report) -> None:
    """The same executions give the same bytes."""
    known = {f"e{number}": timings([attempt("Load", "1", 40 + number, 9.1234 + number)]) for number in range(5)}

    def text(names: Sequence[str]) -> str:
        found = measure(flow, names, deployed(lambda name: known[name](name)))
        return profile_text({"Report": found.layers}, start_times(found.starts))

    assert text([*known]) == text([*reversed(known)])
    written = json.loads(text([*known]))
    assert written["flows"]["Report"]["Load"] == {"seconds": 11.123, "p10": 9.523, "p90": 12.723, "executions": 5}
    assert written["starts"] == [
        {"target": "FARGATE", "image": "registry/report", "jobs": 5, "seconds": 42.0, "p10": 40.4, "p90": 43.6}
    ]


def test_many_splits_take_little_memory_and_time(flow: Report) -> None:
    """Of several executions with 10,000 splits each only the seconds stay."""

    def many(name: str) -> Timings:
        children = [attempt("Each", f"1:{index}", 40, 2, index=index) for index in range(10_000)]
        return Timings(flow="Report", execution=name, attempts=children)

    def peak(executions: int) -> tuple[Measured, int]:
        tracemalloc.start()
        found = measure(flow, [f"e{number}" for number in range(executions)], deployed(many))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found, most

    begin = time.process_time()
    (_, one), (found, several) = peak(1), peak(3)
    assert found.layers["Each"].executions == 3
    assert found.layers["Each"].split_seconds == 2.0
    assert len(found.starts) == 3
    assert several < one + 4_000_000
    assert time.process_time() - begin < 30
