"""What is killed at any moment is resumed, and ends as if nothing had happened."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from hypothesis import Phase, event, example, given, settings
from hypothesis import strategies as st

from tests.integration.property.killed_flow import PATIENCE, TASKS, Field, field, kill_process

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found by /proc")

#: How often the property is tried: few times unless more is asked for, since each takes seconds.
EXAMPLES = int(os.environ.get("KILL_EXAMPLES", "12"))
#: How many files some processes write by themselves: values that are not stored yet, archives, records, marks of
#: splits, joined archives.
WRITES = {"launcher": 8, "Load": 9, "Clean": 5, "Each/0": 5, "Each/3": 5, "Join": 8}


@attrs.frozen
class Strike:
    """Kill a task, or the launching process and all tasks, a while after so many tasks began."""

    everything: bool
    began: int
    delay: float
    choice: int


@attrs.frozen
class Death:
    """Have a process kill itself before or after it gives one of the files that it writes its name."""

    who: str
    number: int
    side: str


Kill = Strike | Death
delays = st.sampled_from([0, 0.02, 0.06, 0.1, 0.2, 0.4])
strikes = st.builds(Strike, st.booleans(), st.sampled_from(range(len(TASKS) + 1)), delays, st.integers(0, 2))
deaths = st.sampled_from(sorted(WRITES)).flatmap(
    lambda who: st.builds(Death, st.just(who), st.integers(1, WRITES[who]), st.sampled_from(["before", "after"]))
)


def strike(ground: Field, kill: Strike) -> None:
    """Run the flow and kill what is to be killed."""
    launcher = ground.start("main.py")
    while ground.began().total() < kill.began and launcher.poll() is None:
        time.sleep(0.005)
    time.sleep(kill.delay)
    if kill.everything:
        launcher.kill()
    else:
        while launcher.poll() is None:
            if tasks := [pid for pid in ground.alive() if pid != launcher.pid]:
                kill_process(tasks[kill.choice % len(tasks)])
                break
    if launcher.wait(PATIENCE) > 0:
        assert "its process was ended by signal 9 (SIGKILL)" in ground.said()


def disturb(ground: Field, kill: Kill) -> None:
    """Run the flow and have it be killed; leave no process of it."""
    if isinstance(kill, Strike):
        strike(ground, kill)
    else:
        ended = ground.run("main.py", KILL_AT=f"{kill.who} {kill.number} {kill.side}")
        # A task whose last write was its commit has finished: its death is reported, and fails nothing.
        committed = kill.who != "launcher" and (kill.number, kill.side) == (WRITES[kill.who], "after")
        assert (ended == 0) == committed
    if not (kill.everything if isinstance(kill, Strike) else kill.who == "launcher"):
        assert ground.left() == []
    ground.end_all()


def resume(ground: Field) -> None:
    """Resume the flow: it runs what had not finished, once, and nothing else."""
    before, unfinished = ground.began(), [task for task in TASKS if not ground.finished(task)]
    if not ground.finished("Parameters"):
        # There is nothing to go on from: that is said, and the flow can be run under its id as if for the first time.
        assert ground.run("again.py") == 1
        assert re.search("ExecutionError: .*(there is nothing to resume|it cannot be resumed)", ground.said())
        assert ground.began() == before == Counter()
        assert ground.run("main.py") == 0, ground.said()
        before, unfinished = ground.began(), []
    assert ground.run("again.py") == 0, ground.said()
    assert ground.began() - before == Counter(unfinished)
    assert ground.left() == []


@pytest.fixture(scope="module")
def undisturbed() -> Iterator[Field]:
    """Run the flow without anything happening to it."""
    with field() as ground:
        assert ground.run("main.py") == 0, ground.said()
        assert ground.began() == Counter(TASKS)
        # Else kills are drawn that never come.
        writes = ground.writes()
        assert {who: writes[who] for who in WRITES} == WRITES
        resume(ground)
        assert ground.began() == Counter(TASKS)
        yield ground


def check(ground: Field, undisturbed: Field) -> None:
    """Compare what there is in the end."""
    assert ground.results() == undisturbed.results()
    assert ground.stored() == undisturbed.stored()


@settings(max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(kill=st.one_of(strikes, deaths))
@example(kill=Strike(everything=True, began=4, delay=0.02, choice=0))
@example(kill=Death("launcher", 2, "before"))
@example(kill=Death("launcher", 4, "before"))
@example(kill=Death("Each/0", 5, "after"))
def test_killed_at_any_moment(undisturbed: Field, kill: Kill) -> None:
    """Whatever is killed, and when, the resumed run ends as an undisturbed one and repeats nothing that finished."""
    with field() as ground:
        disturb(ground, kill)
        event(f"{sum(map(ground.finished, TASKS))} of {len(TASKS)} tasks had finished")
        resume(ground)
        check(ground, undisturbed)


@pytest.mark.parametrize(
    ("who", "number"), [("Load", 7), ("Each/3", 5), ("Join", 1)], ids=["value", "mark of a split", "joined archive"]
)
def test_killed_while_writing(undisturbed: Field, who: str, number: int) -> None:
    """A file that was never given its name lies there, and nobody takes it for anything."""
    with field() as ground:
        disturb(ground, Death(who, number, "before"))
        assert len(ground.stored(aside=True)) >= 1
        assert not ground.finished(who)
        resume(ground)
        assert len(ground.stored(aside=True)) >= 1
        check(ground, undisturbed)


def test_one_task_killed(undisturbed: Field) -> None:
    """The run fails with an error that names split and signal, its siblings are stopped, and it can be resumed."""
    with field() as ground:
        assert ground.run("main.py", KILL_AT="Each/1 1 before", KILL_HANGS="Each/0") == 1
        assert ground.left() == []
        assert "TaskError: layer 'Each' (split 1 of 0 to 3) of flow 'Killed' failed on attempt 1" in ground.said()
        assert "of execution e1: its process was ended by signal 9 (SIGKILL)" in ground.said()
        assert not ground.finished("Each/0")
        resume(ground)
        check(ground, undisturbed)


def test_killed_while_telling_its_error(undisturbed: Field) -> None:
    """A task that dies between its error and its end is reported as killed, and not by half an error."""
    with field() as ground:
        assert ground.run("main.py", KILL_RAISES="Clean", KILL_AT="Clean 1 before") == 1
        assert "its process was ended by signal 9 (SIGKILL)" in ground.said()
        resume(ground)
        check(ground, undisturbed)


def test_resumed_beside_tasks_that_live_on(undisturbed: Field) -> None:
    """Tasks that outlive their launching process do not disturb those of a resumed run."""
    with field() as ground:
        launcher = ground.start("main.py", KILL_HANGS="Each/0")
        while not ground.began()["Each/0"] and launcher.poll() is None:
            time.sleep(0.005)
        launcher.kill()
        launcher.wait()
        assert ground.alive() != []
        assert ground.run("again.py") == 0, ground.said()
        ground.end_all()
        check(ground, undisturbed)
