"""What a launching process started ends with it, in whatever way that dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.harness import Folder, is_gone

FLOW = """
import os, signal, subprocess, sys, time
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors, layers

class Slow(Flow): ...

@Slow.register(container=layers.Container(command=COMMAND))
class A(Layer):
    def __call__(self) -> None:
        BODY

if flow := Slow():
    flow("e1")
"""

STARTS = """child = subprocess.Popen(["sleep", "60"])
        with open("pids.part", "w") as file:
            file.write(f"{os.getpid()} {child.pid}")
        os.rename("pids.part", "pids")
        time.sleep(60)"""

#: A command that is no Python, and what it starts. A group is known soon after it began, not at once.
SHELL = "\"sh -c 'sleep 60 & child=$!; sleep 1; echo $$ $child > pids.part; mv pids.part pids; wait'\""

#: A launcher of the embedded AWS.
EMBEDDED = """
import os, pathlib, sys
from laminar_codegen.rehearsal.aws.process import LocalProcess

words = ["sh", "-c", "sleep 60 & child=$!; sleep 1; echo $$ $child > pids.part; mv pids.part pids; wait"]
process = LocalProcess.start(words, directory=pathlib.Path(), environment=os.environ, log=pathlib.Path("log"))
process.wait()
"""


def begin(folder: Folder, script: str) -> tuple[subprocess.Popen[bytes], list[int]]:
    """Start a launching process, and wait for the numbers of what it started."""
    folder.write(script)
    process = subprocess.Popen([sys.executable, "main.py"], cwd=folder.path, stderr=subprocess.DEVNULL)
    numbers = folder.path / "pids"
    for _ in range(1500):
        if numbers.exists():
            return process, [int(number) for number in numbers.read_text().split()]
        time.sleep(0.01)
    process.kill()
    raise AssertionError(process.wait())


def flow(command: str = '"python main.py"', body: str = STARTS) -> str:
    """Return a flow whose task starts a process."""
    return FLOW.replace("COMMAND", command).replace("BODY", body)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the test looks at processes as on Linux")
@pytest.mark.parametrize(
    "script",
    [flow(), flow(command=SHELL, body="pass"), EMBEDDED],
    ids=["python", "another command", "embedded AWS"],
)
def test_a_launcher_that_is_killed(script: str, folder: Folder) -> None:
    """By SIGKILL a process cannot do anything: its tasks, and what they started, end all the same."""
    process, started = begin(folder, script)
    assert len(started) == 2
    process.kill()
    assert process.wait(10) == -signal.SIGKILL
    assert [is_gone(pid) for pid in started] == [True, True]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the test looks at processes as on Linux")
def test_what_does_not_end_when_asked_to(folder: Folder) -> None:
    """What ignores the signal to end is ended by force after a while."""
    body = f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\n        {STARTS}"
    process, started = begin(folder, flow(body=body))
    process.kill()
    process.wait(10)
    assert [is_gone(pid) for pid in started] == [True, True]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the test looks at processes as on Linux")
def test_nothing_is_left_behind(folder: Folder) -> None:
    """The process that watches ends with the one that it watches for, and holds none of its files open."""
    script = """
        import os, subprocess, time
        from laminar_runtime.process import reaper

        def children() -> list[str]:
            with open(f"/proc/self/task/{os.getpid()}/children") as file:
                return file.read().split()

        own = subprocess.Popen(["sleep", "0.1"], start_new_session=True)
        reaper.watch(own.pid)
        watching, = {*children()} - {str(own.pid)}
        own.wait()
        reaper.forget(own.pid)
        place = f"/proc/{watching}"
        while "laminar reaper" not in open(f"{place}/cmdline").read() or len(os.listdir(f"{place}/fd")) > 3:
            time.sleep(0.01)
        print(watching)
        """
    folder.write(script)
    # The end of the output is waited for: nobody else may hold it open.
    ended = folder.python("main.py")
    assert ended.returncode == 0, ended.stderr
    assert is_gone(int(ended.stdout))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the test looks at processes as on Linux")
def test_a_watcher_that_is_killed(folder: Folder) -> None:
    """Should somebody end the process that watches, another one takes over, with all groups."""
    script = """
        import os, signal, subprocess, time
        from laminar_runtime.process import reaper

        def watched() -> int:
            process = subprocess.Popen(["sleep", "60"], start_new_session=True)
            reaper.watch(process.pid)
            return process.pid

        first = watched()
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            watching, = {*map(int, file.read().split())} - {first}
        os.kill(watching, signal.SIGKILL)
        os.waitpid(watching, 0)
        second = watched()
        with open("pids.part", "w") as file:
            file.write(f"{first} {second}")
        os.rename("pids.part", "pids")
        time.sleep(60)
        """
    process, started = begin(folder, script)
    process.kill()
    process.wait(10)
    assert [is_gone(pid) for pid in started] == [True, True]
