"""How a failure reads: what a script of a flow that fails, or is stopped, leaves on standard error."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.support.harness import Folder

FAILING = """
import sys
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors, layers

class OwnError(Exception): ...

class Failing(Flow): ...

@Failing.register
class Shards(Layer):
    def __call__(self) -> None:
        self.shard(x=range(6))

@Failing.register(foreach=layers.ForEach(parameters=[layers.Parameter(Shards, "x")]))
class Each(Layer):
    def __call__(self, shards: Shards) -> None:
        if shards.x == 5:
            raise OwnError("no luck")

if flow := Failing(executor=executors.EXECUTOR()):
    CALL
"""

ODD = """
class Odd(Exception):
    def __str__(self) -> str:
        raise RuntimeError
"""

STOPPED = """
import os, signal, time
from laminar_runtime import Flow, Layer

class Slow(Flow): ...

@Slow.register
class A(Layer):
    def __call__(self) -> None:
        with open("task.part", "w") as file:
            file.write(str(os.getpid()))
        os.rename("task.part", "task")
        time.sleep(60)

if flow := Slow():
    CALL
"""


def failing(executor: str, call: str = "flow('e1')") -> str:
    """Return the text of a file whose flow fails."""
    return FAILING.replace("EXECUTOR", executor).replace("CALL", call)


@pytest.mark.parametrize(
    "read", ["run.layer(Shards).none", "each(flow.execution('none').layer(Each), lambda one: one.x)"]
)
def test_what_is_absent_is_one_short_traceback(read: str, folder: Folder) -> None:
    """A script that reads what no layer assigned ends with the reason, without the errors that led us to it."""
    script = failing("Thread", f"run = flow(); {read}").replace('raise OwnError("no luck")', "pass")
    folder.write(script.replace("import Flow,", "import each, Flow,"))
    ended = folder.python("main.py")
    lines = ended.stderr.partition("Traceback")[2].splitlines()
    assert len(lines) <= 12, ended.stderr
    assert "direct cause" not in ended.stderr
    assert "none" in lines[-1]


@pytest.mark.parametrize("executor", ["Process", "Thread"])
def test_a_script_that_fails(executor: str, folder: Folder) -> None:
    """One traceback, with the user's lines only, then where and what, and how to resume; the id stands first."""
    folder.write(failing(executor))
    ended = folder.python("main.py")
    lines = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(lines) <= 25, ended.stderr
    assert lines[0] == "laminar: flow Failing: execution e1"
    assert ended.stderr.count("Traceback") == 1
    files = re.findall(r'File "(.+)", line', ended.stderr)
    assert files == [str(folder.path / "main.py")] * 2
    place = "layer 'Each' (split 5 of 0 to 5) of flow 'Failing' failed on attempt 1 of execution e1"
    assert len([line for line in lines if place in line]) == 1
    assert "OwnError: no luck" in ended.stderr
    assert lines[-1] == "Resume it with: laminar resume main.py e1"


@pytest.mark.parametrize("executor", ["Process", "Thread"])
def test_all_frames_are_shown_if_wanted(executor: str, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the environment keeps the frames of this package, also in the processes of tasks."""
    monkeypatch.setenv("LAMINAR_FULL_TRACEBACKS", "1")
    folder.write(failing(executor))
    shown = folder.python("main.py").stderr
    assert f"{os.sep}laminar_runtime{os.sep}tasks{os.sep}task.py" in shown
    assert shown.splitlines()[-1] == "Resume it with: laminar resume main.py e1"


def test_attempts_that_are_followed_by_another_are_a_line(folder: Folder) -> None:
    """The traceback is that of the last one."""
    retry = "register(retry=layers.Retry(attempts=3, delay=0, jitter=0), foreach="
    folder.write(failing("Process").replace("register(foreach=", retry))
    shown = folder.python("main.py").stderr
    assert shown.count("Traceback") == 1
    assert len([line for line in shown.splitlines() if " of 3 failed: OwnError: no luck (" in line]) == 2
    assert len(shown.splitlines()) <= 25


def test_the_layers_own_class(folder: Folder) -> None:
    """Where tasks run in this process, the caller may catch the class that the layer raised; else a `TaskError`."""
    call = "try: flow()\n    except Exception as error: print(type(error).__name__, len(error.__notes__))"
    assert folder.run(failing("Thread", call)) == "OwnError 2"
    assert folder.run(failing("Process", call)) == "TaskError 1"


def test_an_error_that_is_raised_again_and_again(folder: Folder) -> None:
    """An error object that a layer raises in each run has the notes of the last run only."""
    call = """for name in ('e1', 'e2'):
        try: flow(name)
        except OwnError as error: last = error
    print(len(last.__notes__), last.__notes__[-1])"""
    script = failing("Thread", call).replace('raise OwnError("no luck")', "raise ONE")
    script = script.replace("class Failing", "ONE = OwnError()\n\nclass Failing")
    assert folder.run(script) == "2 Resume it with: laminar resume main.py e2"


def test_errors_are_data(folder: Folder) -> None:
    """What a task raises is never unpickled, so nothing of it runs in the launching process."""
    folder.write("""
        import os
        from laminar_runtime import Flow, Layer

        class Evil(Exception):
            def __reduce__(self):
                return os.system, ("echo ran >> ran.txt",)

        class G(Flow): ...

        @G.register
        class A(Layer):
            def __call__(self) -> None:
                raise Evil("words")

        if flow := G():
            flow("e1")
        """)
    ended = folder.python("main.py")
    assert ": Evil: words" in ended.stderr
    assert not (folder.path / "ran.txt").exists()


@pytest.mark.parametrize(
    ("raises", "shown"),
    [
        ("ValueError('x' * 30_000_000)", "ValueError: xxx"),
        ("Odd()", "Odd: (str() of this error raises RuntimeError)"),
        ("ValueError('caf\\u00e9 \\ud800')", "ValueError: caf"),
        ("ValueError('one\\ntwo')", "ValueError: one\n"),
        ("ExceptionGroup('several', [ValueError('1'), OSError('2')])", "OSError: 2"),
    ],
)
def test_odd_errors(raises: str, shown: str, folder: Folder) -> None:
    """An error is printed whatever its message is, at a length that can be read."""
    script = failing("Process").replace('OwnError("no luck")', raises)
    folder.write(script.replace("class OwnError(Exception): ...", ODD))
    ended = folder.python("main.py")
    assert ended.returncode == 1
    assert shown in ended.stderr
    assert len(ended.stderr) < 200_000
    assert ended.stderr.splitlines()[-1] == "Resume it with: laminar resume main.py e1"


def test_causes_are_shown(folder: Folder) -> None:
    """An error's cause comes with it, and the notes of both."""
    cause = """
            try:
                {}["there is no such key"]
            except KeyError as error:
                error.add_note("a note on the cause")
                raise OwnError("no luck") from error"""
    folder.write(failing("Process").replace('\n            raise OwnError("no luck")', cause))
    ended = folder.python("main.py")
    assert "KeyError: 'there is no such key'\na note on the cause\n" in ended.stderr
    assert "The above exception was the direct cause" in ended.stderr
    assert len(ended.stderr.splitlines()) <= 30


@pytest.mark.parametrize("executor", ["Process", "Thread"])
@pytest.mark.parametrize(
    "statement",
    ["sys.exit(3)", "self.other = (x for x in [])", "shards.nothing", "self.execution = 1", "raise KeyboardInterrupt"],
)
def test_mistakes(statement: str, executor: str, folder: Folder) -> None:
    """What we say of a mistake in a layer is short too, and shows no frame of ours, also of what led to it."""
    folder.write(failing(executor).replace('raise OwnError("no luck")', statement))
    ended = folder.python("main.py")
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) <= 25, ended.stderr
    assert f"{os.sep}laminar_runtime{os.sep}" not in ended.stderr
    assert ended.stderr.splitlines()[-1] == "Resume it with: laminar resume main.py e1"


@pytest.mark.parametrize("executor", ["Process", "Thread"])
def test_splits_that_fail_at_once(executor: str, folder: Folder) -> None:
    """When all splits fail, one error is reported, and asyncio prints nothing of the others."""
    folder.write(failing(executor).replace("if shards.x == 5", "if True").replace("()):", "(concurrency=6)):"))
    ended = folder.python("main.py")
    assert ended.stderr.count("Traceback") == 1
    assert "never retrieved" not in ended.stderr
    assert len(ended.stderr.splitlines()) <= 25


def test_layers_that_finished_before(folder: Folder) -> None:
    """A layer that a resumed execution does not run again is reported as finished, not as skipped."""
    folder.write(failing("Process"))
    folder.python("main.py")
    folder.write(failing("Process", "flow.execution('e1').resume()"))
    lines = folder.python("main.py").stderr.splitlines()
    assert lines[1] == "laminar: layer Shards: finished before"


def begin(folder: Folder, call: str = "flow('e1')", stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """Start the script of a flow, and wait until its task runs."""
    folder.write(STOPPED.replace("CALL", call))
    words = [sys.executable, "main.py"]
    process = subprocess.Popen(words, cwd=folder.path, text=True, stdout=subprocess.PIPE, stderr=stderr)
    for _ in range(1500):
        if (folder.path / "task").exists():
            return process
        time.sleep(0.01)
    process.kill()
    raise AssertionError(process.communicate())


def ended_task(folder: Folder) -> bool:
    """Return whether the task's process is gone."""
    try:
        os.kill(int((folder.path / "task").read_text()), 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_script_that_is_stopped(number: signal.Signals, folder: Folder) -> None:
    """It stops its tasks, says how to go on in one line, and ends with the code that shells have for the signal."""
    process = begin(folder)
    process.send_signal(number)
    _, printed = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "Traceback" not in printed
    last = "laminar: flow Slow: execution e1 was stopped. Resume it with: laminar resume main.py e1"
    assert printed.splitlines()[-1] == last
    assert ended_task(folder)


def test_programs_may_catch_the_interrupt(folder: Folder) -> None:
    """Ctrl-C is a `KeyboardInterrupt` for the program that calls the flow."""
    process = begin(folder, "try: flow('e1')\n    except KeyboardInterrupt: print('caught')")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "caught\n")


def test_an_interrupt_within_an_event_loop(folder: Folder) -> None:
    """Where an event loop runs already, as in a notebook, Ctrl-C stops the run, which goes on in a thread."""
    call = """import asyncio
    async def cell(): flow('e1')
    try: asyncio.new_event_loop().run_until_complete(cell())
    except KeyboardInterrupt: print('caught')"""
    process = begin(folder, call)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "caught\n")
    assert ended_task(folder)


def test_the_id_on_a_terminal(folder: Folder) -> None:
    """A terminal shows the execution's id above the table, before the first layer begins."""
    ours, its = pty.openpty()
    process = begin(folder, stderr=its)
    os.close(its)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    shown = b""
    while True:
        try:
            part = os.read(ours, 2**16)
        except OSError:  # on Linux this is the end of a terminal that nobody has open
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert shown.startswith(b"laminar: flow Slow: execution e1\r\n")
    assert b"Traceback" not in shown
