"""The layers of one job: which start when, the attempts at each, and what another start of the job goes on with."""

from __future__ import annotations

import signal
from collections.abc import Mapping

import pytest

from laminar_runtime import _records
from laminar_runtime.configurations.failures import FINAL, TIMED_OUT
from laminar_runtime.configurations.layers import Retry
from laminar_runtime.exceptions import FlowError
from laminar_runtime.task_environment import parse_pack
from laminar_runtime.tasks.pack import PackedLayer, PackRun
from laminar_runtime.tasks.worker import Ending, StoppedError


class Job:
    """A job in virtual time. Layers take as long as they are given, and end with the codes that they are given."""

    def __init__(self, after: Mapping[str, str], cpu: float = 1, **seconds: float) -> None:
        self.after, self.cpu, self.seconds = after, cpu, seconds
        self.codes: dict[str, list[int]] = {}
        self.options: dict[str, dict[str, object]] = {}
        self.now = 0.0
        self.said: list[str] = []
        self.finished: set[str] = set()
        self.notes: list[str] = []
        self.running: dict[int, tuple[float, str, int]] = {}
        self.stop_at: float | None = None
        self.pack: PackRun | None = None

    def run(self, *, restarted: bool = False) -> bool:
        layers = [
            _records.evolve(
                PackedLayer(
                    name=name,
                    after=frozenset(above),
                    cpu=1,
                    memory=1,
                    retry=Retry(),
                    timeout=1000,
                    is_finished=lambda name=name: name in self.finished,  # type: ignore[misc]
                    variables=lambda attempt, name=name: {"layer": name, "attempt": str(attempt)},  # type: ignore[misc]
                    note=lambda attempt, how, name=name: self.notes.append(f"{name}{attempt} {how}"),  # type: ignore[misc]
                    record=lambda attempt, ending, name=name: self.notes.append(f"{name}{attempt}: {ending}"),  # type: ignore[misc]
                ),
                **self.options.get(name, {}),
            )
            for name, above in self.after.items()
        ]
        self.pack = PackRun(
            layers=layers, cpu=self.cpu, memory=100, processes=self, send=self.send, clock=lambda: self.now
        )
        return self.pack.run(restarted=restarted)

    def start(self, variables: Mapping[str, str]) -> int:
        name = variables["layer"]
        number = len(self.said)
        self.said.append(f"{self.now:g} {name}{variables['attempt']}")
        codes = self.codes.get(name, [])
        self.running[number] = (self.now + self.seconds.get(name, 1), name, codes.pop(0) if codes else 0)
        return number

    def wait(self, seconds: float) -> tuple[int, int] | None:
        if self.stop_at is not None and self.now >= self.stop_at:
            self.stop_at = None
            assert self.pack is not None
            self.pack.stop(signal.SIGTERM)
        number = min(self.running, key=self.running.__getitem__, default=None)
        if number is None or self.running[number][0] > self.now + seconds:
            self.now += seconds
            return None
        self.now, name, code = self.running.pop(number)
        if code == 0:
            self.finished.add(name)
        return number, code

    def send(self, group: int, number: signal.Signals) -> None:
        end, name, _ = self.running[group]
        self.said.append(f"{self.now:g} {number.name} {name}")
        if number == signal.SIGKILL or name != "deaf":
            self.running[group] = (min(end, self.now), name, -number)


def test_layers_start_in_their_order_as_they_fit() -> None:
    """A layer waits for those of the pack that it depends on, and for a processor."""
    job = Job({"A": "", "B": "A", "C": "A", "D": "BC"}, B=5, C=3)
    assert job.run()
    assert job.said == ["0 A1", "1 B1", "6 C1", "9 D1"]
    job = Job({"A": "", "B": "A", "C": "A", "D": "BC"}, cpu=2, B=5, C=3)
    assert job.run()
    assert job.said == ["0 A1", "1 B1", "1 C1", "6 D1"]


def test_a_small_layer_may_start_before_a_large_one() -> None:
    """The first one that fits starts."""
    job = Job({"A": "", "B": "", "C": ""}, cpu=3, A=5, C=2)
    job.options = {"A": {"cpu": 2}, "B": {"cpu": 2}}
    assert job.run()
    assert job.said == ["0 A1", "0 C1", "5 B1"]


def test_a_layer_runs_again_after_its_wait_and_others_meanwhile() -> None:
    """The waits of `Retry` take no processor."""
    job = Job({"A": "", "B": ""})
    job.codes, job.options = {"A": [1, 1]}, {"A": {"retry": Retry(attempts=3, delay=2, jitter=0)}}
    assert job.run()
    assert job.said == ["0 A1", "1 B1", "3 A2", "8 A3"]
    assert job.notes[:3] == ["A1 ", "A1 failed", "A1: its process ended with exit code 1"]


@pytest.mark.parametrize(
    ("code", "on", "again"), [(1, (), True), (FINAL, (), False), (3, (4,), False), (4, (4,), True)]
)
def test_which_failures_are_final(code: int, on: tuple[int, ...], *, again: bool) -> None:
    """A layer that does not run again fails the job, and nothing starts after it."""
    job = Job({"A": "", "B": "A"})
    job.codes, job.options = {"A": [code]}, {"A": {"retry": Retry(attempts=2, delay=1, jitter=0, on=on)}}
    assert job.run() is again
    assert len(job.said) == (3 if again else 1)


def test_a_layer_that_fails_for_good_ends_the_others() -> None:
    """As a failed branch ends an execution: they are stopped, and killed if they do not end."""
    job = Job({"A": "", "B": "", "deaf": "", "D": ""}, cpu=3, A=1, B=50, deaf=100)
    job.codes = {"A": [1]}
    assert not job.run()
    assert job.said[3:] == ["1 SIGTERM B", "1 SIGTERM deaf", "31 SIGKILL deaf"]
    assert "B1 stopped" in job.notes
    assert "B1 failed" not in job.notes


def test_a_layer_that_is_late_is_stopped() -> None:
    """After its own timeout, and it may run again if its retry says so."""
    job = Job({"A": ""}, A=90)
    job.options = {"A": {"timeout": 10, "retry": Retry(attempts=2, delay=1, jitter=0, on=(TIMED_OUT,))}}
    assert not job.run()
    assert job.said == ["0 A1", "10 SIGTERM A", "11 A2", "21 SIGTERM A"]
    assert job.notes[2] == f"A1: {Ending(-15, late=True, limit=10)}"


def test_another_start_goes_on() -> None:
    """Layers that finished do not run again, and attempts of before count."""
    job = Job({"A": "", "B": "A", "C": "B"})
    job.finished = {"A"}
    job.options = {"B": {"next_attempt": lambda: 2, "retry": Retry(attempts=2)}}
    assert job.run(restarted=True)
    assert job.said == ["0 B2", "1 C1"]
    job = Job({"A": "", "B": "A"})
    job.options = {"A": {"next_attempt": lambda: 3, "retry": Retry(attempts=2)}}
    assert not job.run(restarted=True)
    assert job.said == []


def test_a_layer_that_does_not_run_is_waited_for_no_longer() -> None:
    """Its process says so, and what depends on it in the pack decides by itself."""
    job = Job({"A": "", "B": "A", "C": "B"})
    job.codes = {"B": [3]}
    job.options = {"B": {"is_skipped": lambda: True}}
    assert job.run()
    assert job.said == ["0 A1", "1 B1", "2 C1"]
    assert job.notes == ["A1 ", "B1 ", "C1 "]


def test_a_layer_that_does_not_run_is_not_asked_again() -> None:
    """Another start of the job goes on after it, whatever attempts were lost before that was noted."""
    job = Job({"A": "", "B": "A", "C": "B"})
    job.finished = {"A"}
    job.options = {"B": {"is_skipped": lambda: True, "next_attempt": lambda: 9}}
    assert job.run(restarted=True)
    assert job.said == ["0 C1"]


def test_a_job_that_is_asked_to_stop_passes_that_on() -> None:
    """AWS asks before it reclaims capacity: the attempt does not count, and what finished has."""
    job = Job({"A": "", "B": ""}, A=5)
    job.stop_at = 2
    with pytest.raises(StoppedError):
        job.run()
    assert job.said == ["0 A1", "2 SIGTERM A"]
    assert job.notes == ["A1 ", "A1 stopped"]


def test_a_job_that_finished_when_it_was_asked_to_stop_succeeded() -> None:
    """Its layers have their commits."""
    job = Job({"A": ""}, A=5)
    job.stop_at = 2
    job.send = lambda *_: None  # type: ignore[method-assign]
    assert job.run()


def test_a_variable_that_is_no_pack() -> None:
    """The error names it."""
    with pytest.raises(FlowError, match="LAMINAR_PACK"):
        parse_pack("A B")
