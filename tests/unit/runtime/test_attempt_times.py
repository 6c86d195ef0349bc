"""The times of the attempts of a run on a machine."""

from __future__ import annotations

import dataclasses
import itertools
import time

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.command.outcome import count_tasks
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry
from laminar_runtime.local_handles import LocalHandle
from laminar_runtime.report.collect import collect_report
from laminar_runtime.storage import attempt_times
from laminar_runtime.storage.attempt_times import AttemptTimes
from laminar_runtime.timings import Attempt


class Work(Flow):
    """Begins, and then does as many things."""


@Work.register
class Begin(Layer):
    def __call__(self) -> None:
        self.shard(item=[0, 1, 2])


@Work.register(foreach=ForEach(parameters=[Parameter(layer=Begin, attribute="item")]), retry=Retry(attempts=2, delay=0))
class Act(Layer):
    broken = True

    def __call__(self, begin: Begin) -> None:
        time.sleep(0.05)
        if begin.item == 1 and self.attempt == 1:
            raise ValueError("again")
        if begin.item == 2 and Act.broken:
            raise ValueError("broken")


def run(flow: Flow) -> None:
    """Run an execution in which one split is tried again, and one fails for good."""
    Act.broken = True
    with pytest.raises(ValueError, match="broken"):
        flow("e1")


def make_flow() -> Flow:
    """Return the flow with a store of its own, and one task at a time."""
    return Work(datastore=datastores.Memory(), executor=executors.Thread(concurrency=1))


def test_a_split_that_was_stopped_has_not_failed() -> None:
    """Of splits beside each other the one that raised an error has failed; those that it ended were stopped."""

    class Race(Flow): ...

    @Race.register
    class Start(Layer):
        def __call__(self) -> None:
            self.shard(item=[0, 1])

    @Race.register(foreach=ForEach(parameters=[Parameter(layer=Start, attribute="item")]))
    class Run(Layer):
        def __call__(self, start: Start) -> None:
            if start.item == 0:
                raise ValueError("first")
            time.sleep(0.5)

    flow = Race(datastore=datastores.Memory(), executor=executors.Thread(concurrency=2))
    with pytest.raises(ValueError, match="first"):
        flow("e1")
    timings = LocalHandle(flow.execution("e1")).timings()
    assert count_tasks(timings.attempts)["Run"] == {"failed": 1, "stopped": 1}
    assert [layer.state for layer in collect_report(LocalHandle(flow.execution("e1")), flow=flow).layers] == [
        "succeeded",
        "failed",
    ]


def test_each_attempt_has_its_times_and_its_end() -> None:
    """An attempt waits for its turn, then it runs; one that fails is followed by another one."""
    flow = make_flow()
    run(flow)
    found = attempt_times.read(flow.datastore.transport, "Work", "e1")
    ends = [(one.layer, one.index, one.attempt, one.outcome) for one in found]
    assert ends[0] == ("Begin", None, 1, "succeeded")
    assert ("Act", 0, 1, "succeeded") in ends
    assert ("Act", 1, 1, "failed") in ends
    assert ("Act", 2, 2, "failed") in ends
    ran = [one for one in found if one.started is not None and one.stopped is not None]
    assert all(one.where == "thread" for one in found)
    assert all((one.waited or 0) >= 0 for one in ran)
    assert all((one.ran or 0) >= 0.045 for one in ran if one.layer == "Act")
    # One slot: they run one after the other, and wait meanwhile.
    acts = sorted((one.started, one.stopped) for one in ran if one.layer == "Act")
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(acts))  # type: ignore[operator]
    assert max(one.waited or 0 for one in ran) >= 0.045


def test_a_resume_adds_to_the_times_of_the_run_before() -> None:
    """What finished does not run again, and has the times of its first run."""
    flow = make_flow()
    run(flow)
    before = attempt_times.read(flow.datastore.transport, "Work", "e1")
    Act.broken = False
    flow.execution("e1").resume()
    after = attempt_times.read(flow.datastore.transport, "Work", "e1")
    assert after[: len(before)] == before
    assert {(one.layer, one.outcome) for one in after[len(before) :]} == {("Act", "succeeded")}
    assert 2 in {one.index for one in after[len(before) :]}


def test_times_are_there_while_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of an attempt they are written, but not each time: ten thousand attempts are a large object."""
    transport = datastores.Memory().transport
    times = AttemptTimes(transport.put, "F", "e")
    with attempt_times.keeping(times):
        with attempt_times.watch("A", None, 1, "thread"):
            pass
        assert not transport.exists("F/.cache/e/.times.json")
        monkeypatch.setattr(times, "_next", 0.0)
        with attempt_times.watch("B", None, 1, "thread"):
            watch = attempt_times.current()
            assert watch is not None
            watch.start()
        assert [one.layer for one in attempt_times.read(transport, "F", "e")] == ["A", "B"]
        assert attempt_times.current() is None


def test_nobody_needs_to_keep_times() -> None:
    """Outside of a run, as where a scheduler of the user runs splits, nothing is kept."""
    with attempt_times.watch("A", None, 1, "thread"):
        assert attempt_times.current() is None


def test_damaged_or_absent_times_are_none() -> None:
    """A run of an earlier release has none."""
    transport = datastores.Memory().transport
    assert attempt_times.read(transport, "F", "e") == ()
    transport.put("F/.cache/e/.times.json", b"{")
    assert attempt_times.read(transport, "F", "e") == ()


def test_an_attempt_that_did_not_start() -> None:
    """It was given up while it waited: it has an end, and no start."""
    times = AttemptTimes(datastores.Memory().transport.put, "F", "e")
    times.submit(Attempt(layer="A")).end("failed")
    (found,) = times.attempts
    assert (found.started, found.outcome) == (None, "failed")
    assert found.stopped is not None


def test_an_error_that_refuses_assignments_passes() -> None:
    """An error of the user may be a frozen dataclass: it must reach the user as it is."""

    @dataclasses.dataclass(frozen=True)
    class Frozen(Exception):  # noqa: N818 - a user's
        code: int

    times = AttemptTimes(datastores.Memory().transport.put, "F", "e")
    with pytest.raises(Frozen), attempt_times.keeping(times), attempt_times.watch("A", None, 1, "thread"):
        raise Frozen(1)
    assert times.attempts[0].outcome == "failed"
