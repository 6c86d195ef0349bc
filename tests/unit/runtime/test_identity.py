"""An id is won once: who runs an execution, and with which parameters, is settled before anything is overwritten."""

from __future__ import annotations

import errno
import fcntl
import itertools
import json
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import datastores, executors, schedulers
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.exceptions import ExecutionError, FlowError
from laminar_runtime.execution import Execution
from tests.support.harness import Folder, in_memory, objects_of
from tests.support.transports import Dictionary


class Doubles(Flow): ...


@Doubles.register
class Double(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.double = parameters.x * 2


class Elsewhere(schedulers.Delegated):
    """Another engine, that notes what it is asked to start."""

    started: list[str | None]

    def run(self, *, execution: Execution) -> None:
        self.__dict__.setdefault("started", []).append(execution.id)


def delegated() -> tuple[Doubles, Elsewhere]:
    """Return a flow that another engine runs."""
    scheduler = Elsewhere()
    return Doubles(datastore=datastores.Memory(), executor=executors.Thread(), scheduler=scheduler), scheduler


OTHERS = r"execution e1 of flow 'Doubles' was started before with other parameters: resume it with .*resume\(\)"


def test_a_start_leaves_the_parameters_of_what_was_started() -> None:
    """Under an id that was started, a start with other parameters is refused, and nothing that is read changes."""
    flow, engine = delegated()
    flow("e1", x=1)
    before = {key: content for key, content in objects_of(flow).items() if "/artifacts/" not in key}
    for others in ({"x": 2}, {}, {"x": 1, "y": 1}, {"y": 1}):
        with pytest.raises(ExecutionError, match=OTHERS):
            flow("e1", **others)
    assert before.items() <= objects_of(flow).items()
    assert flow.execution("e1").layer(Parameters).x == 1
    assert engine.started == ["e1"]


def test_a_start_is_repeated() -> None:
    """With the same parameters a start may be repeated, as after a crash: the engine runs it once."""
    flow, engine = delegated()
    flow("e1", x=1, text="a")
    flow("e1", text="a", x=1)
    assert engine.started == ["e1", "e1"]


def test_a_start_leaves_what_came_by_input() -> None:
    """So it is of an execution that was started with an input, before any of its layers asked for a parameter."""
    flow, engine = delegated()
    flow.datastore.transport.put("Doubles/.cache/e1/.input.json", json.dumps({"parameters": {"x": 1}}).encode())
    with pytest.raises(ExecutionError, match=OTHERS):
        flow("e1", x=2)
    flow("e1", x=1)
    assert flow.execution("e1").layer(Parameters).x == 1
    assert engine.started == ["e1"]


def test_of_many_starts_at_once_one_has_the_parameters() -> None:
    """Whoever comes first, all others are refused, and what is read is of one of them."""
    flow, engine = delegated()
    refused: list[int] = []

    def start(number: int) -> None:
        try:
            flow("e1", x=number, y=number)
        except ExecutionError:
            refused.append(number)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = set(range(16)).difference(refused)
    parameters = flow.execution("e1").layer(Parameters)
    assert (parameters.x, parameters.y) == (winner, winner)
    assert engine.started == ["e1"]


def test_parameters_of_what_failed_may_be_mended() -> None:
    """Parameters are given anew to an execution that failed, and not to one that finished."""
    flow = in_memory(Doubles)
    with pytest.raises(TypeError):
        flow("e1", x=None)
    assert flow.execution("e1").parameters(x=2).resume().layer(Double).double == 4
    with pytest.raises(ExecutionError, match="execution e1 of flow 'Doubles' has finished with other parameters"):
        flow.execution("e1").parameters(x=3)
    flow.execution("e1").parameters(x=2)
    assert flow.execution("e1").layer(Parameters).x == 2


def test_a_run_that_never_began_is_begun() -> None:
    """A run of which the parameters are stored, and no more, is begun with the same; with others it is another run."""
    flow = in_memory(Doubles)
    flow.execution("e1").parameters(x=1)
    with pytest.raises(ExecutionError, match=OTHERS):
        flow("e1", x=2)
    assert flow("e1", x=1).layer(Double).double == 2
    with pytest.raises(ExecutionError, match="already has results"):
        flow("e1", x=1)


SLOW = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from laminar_runtime import Flow, Layer, Parameters

class Slow(Flow): ...

@Slow.register
class A(Layer):
    def __call__(self, parameters: Parameters) -> None:
        Path("began").touch()
        while not Path("go").exists():
            time.sleep(0.01)
        self.x = 1

if __name__ == "__main__" and (flow := Slow()):
    call = sys.argv[1]
    execution = flow("e1") if call == "run" else flow.execution("e1").resume()
    print(execution.layer(A).x)
"""


@pytest.fixture
def running(folder: Folder) -> Any:
    """A process that runs an execution, and waits in its layer."""
    folder.write(SLOW)
    with subprocess.Popen([sys.executable, "main.py", "run"], cwd=folder.path, stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 30
        while not (folder.path / "began").exists() and time.monotonic() < end:
            time.sleep(0.01)
        yield process
        (folder.path / "go").touch()
        process.kill()


@pytest.mark.integration
@pytest.mark.parametrize("call", ["run", "resume"])
def test_a_second_launcher_is_refused(call: str, running: Any, folder: Folder) -> None:
    """While a process runs an execution no other one does, whatever it asks for; when it has ended, one may."""
    ended = folder.python("main.py", call)
    assert ended.returncode == 1
    assert "StillRunningError: execution e1 of flow 'Slow' is already running in another process" in ended.stderr
    (folder.path / "go").touch()
    assert running.wait(30) == 0
    ended = folder.python("main.py", "resume")
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "1")
    assert list((folder.path / ".laminar/Slow/.locks").iterdir()) == []


@pytest.mark.integration
def test_a_lock_ends_with_its_process(running: Any, folder: Folder) -> None:
    """A launcher that is killed leaves nothing that has to be cleared away: its execution can be resumed."""
    running.kill()
    running.wait()
    (folder.path / "go").touch()
    ended = folder.python("main.py", "resume")
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "1"), ended.stderr


@pytest.mark.integration
def test_a_lock_is_not_inherited(tmp_path: Path) -> None:
    """What a process forks does not hold its locks when it has ended."""
    code = """
    import os, sys, time
    from laminar_runtime.configurations.datastores import Local
    with Local(sys.argv[1]).transport.lock("F/.locks/e1") as held:
        if os.fork() == 0:
            os.close(1)
            time.sleep(30)
        print(held, flush=True)
        os._exit(0)
    """
    words = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "True\n"
    with datastores.Local(tmp_path).transport.lock("F/.locks/e1") as held:
        assert held


@pytest.mark.parametrize("kind", ["Local", "Memory"])
def test_locks_within_a_process(kind: str, tmp_path: Path) -> None:
    """Threads of one process exclude each other as processes do, for each execution by itself."""
    store = datastores.Local(tmp_path) if kind == "Local" else datastores.Memory()
    with store.transport.lock("F/.locks/e1") as first, store.transport.lock("F/.locks/e2") as other:
        assert first
        assert other
        with store.transport.lock("F/.locks/e1") as second:
            assert not second
        with store.transport.lock("F/.locks/e1") as third:
            assert not third
    with store.transport.lock("F/.locks/e1") as again:
        assert again


def test_locks_under_contention(tmp_path: Path) -> None:
    """However many come and go, a lock is held by one at a time."""
    store, inside, most, rounds = datastores.Local(tmp_path), [], [], []

    def compete() -> None:
        while len(rounds) < 200:
            with store.transport.lock("F/.locks/e1") as held:
                if held:
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
                    rounds.append(1)

    threads = [threading.Thread(target=compete) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


def test_an_execution_is_not_run_twice_at_once_in_a_process() -> None:
    """A layer, or another thread, that resumes an execution that runs gets an error."""
    errors: list[str] = []

    class Again(Flow): ...

    @Again.register
    class A(Layer):
        def __call__(self) -> None:
            self.x = 1
            try:
                flow.execution("e1").resume()
            except ExecutionError as error:
                errors.append(str(error))

    flow = in_memory(Again)
    assert flow("e1").layer(A).x == 1
    assert "execution e1 of flow 'Again' is already running" in errors[0]


def test_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file system has no locks, nobody is refused: the commits keep runs apart."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    store = datastores.Local(tmp_path)
    with store.transport.lock("F/.locks/e1") as first, store.transport.lock("F/.locks/e1") as second:
        assert first
        assert second


def test_two_resumes_at_once_where_there_are_no_locks() -> None:
    """In a datastore without locks, as in S3, two resumes of one execution mix nothing: each layer is of one."""
    meeting = threading.Barrier(2, timeout=30)
    runs = itertools.count()
    broken = True

    class Mixed(Flow): ...

    @Mixed.register
    class A(Layer):
        def __call__(self) -> None:
            if broken:
                raise OSError("broken")
            own = next(runs)
            self.shard(part=[own] * 4)
            self.first = own
            meeting.wait()
            for number in range(20):
                setattr(self, f"a{number}", own)

    @Mixed.register(foreach=ForEach(parameters=[Parameter(A, "part")]))
    class Each(Layer):
        def __call__(self, a: A) -> None:
            self.seen, self.own = a.part, next(runs)

    @Mixed.register
    class B(Layer):
        def __call__(self, a: A, each: Each) -> None:
            self.seen = {getattr(a, f"a{number}") for number in range(20)} | set(a.part) | set(each.seen) | {a.first}
            self.each = list(each.own)

    flow = Mixed(datastore=datastores.DataStore(Dictionary()), executor=executors.Thread(concurrency=4))
    with pytest.raises(OSError, match="broken"):
        flow("e1")
    broken = False
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda _: flow.execution("e1").resume(), range(2)))
    found = [(execution.layer(B).seen, execution.layer(B).each, list(execution.layer(Each).own)) for execution in ended]
    assert found[0] == found[1]
    assert len(found[0][0]) == 1
    assert found[0][1] == found[0][2]


@pytest.mark.parametrize("id_", ["a b", "-a", "ä", "x" * 81, "e1@resume-1"])
def test_ids_that_nothing_can_be_run_under(id_: str) -> None:
    """What stores parameters, or resumes, takes the ids that a call takes: tasks of others would not run."""

    class MyFlow(Flow): ...

    execution = in_memory(MyFlow).execution(id_)
    for attempt in (execution.parameters, execution.resume):
        with pytest.raises(FlowError, match="is not an execution id: use 1 to 80 letters"):
            attempt()
