"""A task that its own job stops after its timeout: how the job ends, and what it leaves in the datastore."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.datastores import Memory
from laminar_runtime.configurations.failures import FINAL
from laminar_runtime.configurations.layers import Container, Retry
from laminar_runtime.storage import failures
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks.attempts import NoAttemptLeftError
from laminar_runtime.tasks.timed_process import TimedTask
from tests.support.harness import in_memory

KEY = LayerKey("F", "e1", "Any")
SUCCESS, AGAIN, STOPPED, UNFINISHED = 0, 1, 143, 66


class F(Flow): ...


@F.register(retry=Retry(attempts=2, delay=0))
class Any(Layer):
    def __call__(self) -> None: ...


@F.register(retry=Retry(attempts=2, delay=0, on=("timed out", 75, KeyError)))
class Some(Layer):
    def __call__(self) -> None: ...


@F.register(retry=Retry(attempts=2, delay=0), container=Container(spot=True))
class Spot(Layer):
    def __call__(self) -> None: ...


class Job:
    """The only process of a job, in virtual time. It takes some seconds, ends with a code, and may finish its task."""

    def __init__(self, seconds: float = 1, code: int = 0, *, finishes: bool = False, deaf: bool = False) -> None:
        self.seconds, self.code, self.finishes, self.deaf = seconds, code, finishes, deaf
        self.now = 0.0
        self.sent: list[str] = []
        self.then: Callable[[], None] = lambda: None
        self.store = Memory()

    def run(self, layer: type[Layer] = Any, start: str = "a.1") -> int:
        context = TaskContext(execution="e1", flow="F", layer=layer.__name__, run=start, deployed=True)
        task = TimedTask(
            store=self.store,
            context=context,
            layer=in_memory(F).execution("e1").layer(layer),
            seconds=60,
            processes=self,
            send=self.send,
            clock=lambda: self.now,
        )
        return task.run()

    def start(self, _variables: Mapping[str, str]) -> int:
        self.end = self.now + self.seconds
        return 7

    def wait(self, seconds: float) -> tuple[int, int] | None:
        self.then()
        if self.end > self.now + seconds:
            self.now += seconds
            return None
        self.now = max(self.now, self.end)
        if self.finishes:
            self.store.ledger.commit(KEY, index=0, commit=Commit("a", {}), fans_out=False)
        return 7, self.code

    def send(self, _group: int, number: signal.Signals) -> None:
        self.sent.append(f"{self.now:g} {number.name}")
        if number == signal.SIGKILL or not self.deaf:
            self.end, self.code = self.now, -number

    def record(self, layer: str = "Any") -> tuple[str, str, int]:
        """Return the kind, the reason and the attempt of the record of the last failure."""
        *_, last = failures.read(self.store.transport, LayerKey("F", "e1", layer), every=True)
        return last.kind, last.reason, last.attempt


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment of the job, and the handlers of signals of the test's process."""
    names = {"LAMINAR_EXECUTION_ID": "e1", "LAMINAR_FLOW_NAME": "F", "LAMINAR_LAYER_ATTEMPT": ""}
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(params=["Any", "Some"])
def layer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Layer]:
    monkeypatch.setenv("LAMINAR_LAYER_NAME", request.param)
    return F.classes[request.param]


def test_a_task_in_time() -> None:
    """The job succeeds as its task has finished."""
    job = Job(59, finishes=True)
    assert (job.run(), job.sent) == (SUCCESS, [])


def test_a_late_task_runs_again_until_its_last_attempt(layer: type[Layer]) -> None:
    """AWS Batch starts the job again after 1, and not after the last attempt. The record names the timeout."""
    job = Job(1000)
    assert (job.run(layer), job.sent) == (AGAIN, ["60 SIGTERM"])
    late = "it did not end within 60 seconds and was stopped"
    assert job.record(layer.__name__) == ("timed out", late, 1)
    assert job.run(layer, "a.2") == FINAL
    assert job.record(layer.__name__) == ("timed out", late, 2)
    with pytest.raises(NoAttemptLeftError):
        job.run(layer, "a.3")


def test_a_late_attempt_on_spot_capacity_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no reclaim, as its failure is noted."""
    monkeypatch.setenv("LAMINAR_LAYER_NAME", "Spot")
    job = Job(1000)
    assert [job.run(Spot, start) for start in ("a.1", "a.2")] == [AGAIN, FINAL]


def test_a_late_task_that_does_not_listen() -> None:
    """It is killed 30 seconds later."""
    job = Job(1000, deaf=True)
    assert (job.run(), job.sent) == (AGAIN, ["60 SIGTERM", "90 SIGKILL"])


def test_a_task_that_finished_as_it_was_stopped() -> None:
    """Its commit counts, not how its process ended."""
    job = Job(1000, finishes=True)
    assert (job.run(), job.sent) == (SUCCESS, ["60 SIGTERM"])


@pytest.mark.parametrize(
    ("name", "code", "ends"),
    [
        ("Any", 3, AGAIN),
        ("Any", -11, AGAIN),
        ("Any", 0, AGAIN),
        ("Any", FINAL, FINAL),
        ("Any", UNFINISHED, UNFINISHED),
        ("Some", 75, AGAIN),
        ("Some", 1, AGAIN),
        ("Some", 3, FINAL),
        ("Some", -9, FINAL),
        ("Some", UNFINISHED, UNFINISHED),
    ],
)
def test_other_failures(name: str, code: int, ends: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code of the job says whether the retry of the layer is for them: 1 is that of a class that it names."""
    monkeypatch.setenv("LAMINAR_LAYER_NAME", name)
    assert Job(code=code).run(F.classes[name]) == ends


def test_a_job_that_is_asked_to_stop() -> None:
    """The signal is passed on. That is no failure of the layer: AWS Batch knows why it was."""
    job = Job(1000)
    job.then = lambda: signal.raise_signal(signal.SIGTERM) if job.now == 5 and not job.sent else None
    assert (job.run(), job.sent) == (STOPPED, ["5 SIGTERM"])
    assert not [*failures.read(job.store.transport, KEY, every=True)]
    assert job.store.transport.names(KEY.attempts(0, "")) == ["a.1"]


def test_a_task_that_had_finished_before() -> None:
    """A job that AWS Batch starts again counts no attempt."""
    job = Job(finishes=True)
    assert [job.run(start=start) for start in ("a.1", "a.2", "a.3", "a.4")] == [SUCCESS] * 4
