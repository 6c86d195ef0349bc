"""How long things take: sequences add, branches last as long as the longest, and nothing else takes time."""

from __future__ import annotations

import pytest

from laminar_codegen.rehearsal.simulated import BatchJobs, JobResult, Services
from tests.support.machines import job, lasting, mapping, parallel, passing, run, times, waiting


def test_a_sequence_is_the_sum() -> None:
    """Jobs one after the other take as long as all of them, and are entered when the one before has ended."""
    replayed = run({"A": job("A", Next="B"), "B": job("B", Next="W"), "W": waiting(4)}, lasting({"A": 10, "B": 2.5}))
    assert replayed.seconds == 16.5
    assert replayed.entered == ((0, "A"), (10, "B"), (12.5, "W"))


def test_parallel_is_the_longest() -> None:
    """Branches run beside each other, and what follows starts when the last has ended."""
    branches = [{"A": job("A", Next="B"), "B": job("B")}, {"C": job("C")}, {"D": passing({})}]
    replayed = run({"P": parallel(*branches, Next="E"), "E": job("E")}, lasting({"A": 3, "B": 4, "C": 5, "E": 10}))
    assert replayed.seconds == 17
    assert times(replayed) == {"P": 0, "A": 0, "C": 0, "D": 0, "B": 3, "E": 7}


@pytest.mark.parametrize(("concurrency", "seconds"), [(1, 100), (3, 40), (10, 10), (0, 10)])
def test_a_map_runs_as_many_items_as_it_may(concurrency: int, seconds: int) -> None:
    """Ten items of ten seconds, so many at a time."""
    assert run({"M": mapping([0] * 10, {"W": waiting(10)}, MaxConcurrency=concurrency)}).seconds == seconds


@pytest.mark.parametrize("concurrency", [0, 40, 1000, "{% 99 %}"])
def test_a_map_runs_forty_items_at_most(concurrency: object) -> None:
    """An inline Map never runs more than forty items at a time, whatever its MaxConcurrency."""
    assert run({"M": mapping([0] * 81, {"W": waiting(10)}, MaxConcurrency=concurrency)}).seconds == 30


def test_the_next_item_starts_when_one_ends() -> None:
    """Items start in their order, each as soon as there is room."""
    items = [5, 1, 1, 1, 9]
    replayed = run({"M": mapping(items, {"W": waiting("{% $states.input %}")}, MaxConcurrency=2)})
    assert replayed.entered == ((0, "M"), (0, "W"), (0, "W"), (1, "W"), (2, "W"), (3, "W"))
    assert replayed.seconds == 12


def test_waits_until_a_time() -> None:
    """A time is waited for on the virtual clock; one that is past is not."""
    until = {"Type": "Wait", "Timestamp": "2024-01-01T01:00:00+00:30", "End": True}
    assert run({"W": until}).seconds == 1800
    assert run({"A": waiting(5000, Next="W"), "W": until}).seconds == 5000
    assert run({"W": {**until, "Timestamp": "{% 'soon' %}"}}).error == "States.QueryEvaluationError"
    assert run({"W": {**until, "Timestamp": "2024-01-01T01:00:00"}}).error == "States.QueryEvaluationError"


@pytest.mark.parametrize("seconds", ["{% -1 %}", "{% 1.5 %}", "{% '1' %}", "{% true %}"])
def test_seconds_are_whole(seconds: str) -> None:
    """What is no whole number of seconds is an error of the expression."""
    assert run({"W": waiting(seconds)}).error == "States.QueryEvaluationError"


def test_retries_add_their_delays() -> None:
    """Each attempt takes its time, and before it the interval, grown by the rate and held by the longest delay."""
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3, "BackoffRate": 2, "MaxAttempts": 4}]
    services = Services(jobs=BatchJobs(seconds=lambda _: 10, run=lambda _: JobResult(exit_code=1)))
    assert run({"A": job("A", Retry=retry)}, services).seconds == 5 * 10 + 3 + 6 + 12 + 24
    capped = [{**retry[0], "MaxDelaySeconds": 10}]
    assert run({"A": job("A", Retry=capped)}, services).seconds == 5 * 10 + 3 + 6 + 10 + 10
    plain = [{"ErrorEquals": ["States.ALL"]}]
    assert run({"A": job("A", Retry=plain)}, services).seconds == 4 * 10 + 1 + 2 + 4


def test_states_may_take_time_themselves() -> None:
    """An overhead is added for each state entered."""
    states = {"P": parallel({"A": job("A", Next="B"), "B": job("B")}, {"C": passing({})}, Next="D"), "D": passing({})}
    assert run(states, lasting({"A": 10, "B": 20}), overhead=0.5).seconds == 30 + 4 * 0.5


def test_nothing_takes_no_time() -> None:
    """Without durations, all happens at once, in the order of the branches."""
    replayed = run({"P": parallel({"A": job("A", Next="B"), "B": job("B")}, {"C": job("C")})})
    assert replayed.seconds == 0
    assert replayed.states == ["P", "A", "C", "B"]


def test_a_long_retry_ends() -> None:
    """Delays that no number can say are the longest delay."""
    retry = {"ErrorEquals": ["States.ALL"], "MaxAttempts": 1200, "BackoffRate": 10, "MaxDelaySeconds": 60}
    services = Services(jobs=BatchJobs(run=lambda _: JobResult(exit_code=1)))
    replayed = run({"A": job("A", Retry=[retry])}, services)
    assert replayed.transitions == 1201
    assert replayed.seconds == 1 + 10 + 1198 * 60
