"""A process that has imported the program, and forks tasks: they are as if the command had been started for each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import atexit, os, signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from laminar_runtime.process.forking import is_safe
from laminar_runtime.process.warm import branch

FIRST, HERE = os.getpid(), Path(os.environ["HERE"])
atexit.register(lambda: print("at exit of", os.environ.get("TASK", "another"), flush=True))
assert is_safe()

def run(warm, **variables):
    task = warm.start({"HERE": str(HERE), **variables})
    return task, warm.wait(task)
"""


def start(folder: Path, script: str) -> subprocess.Popen[str]:
    """Start a program, in which `branch` returns in tasks."""
    (folder / "program.py").write_text(PROGRAM + script)
    return subprocess.Popen(
        [sys.executable, "program.py"],
        cwd=folder,
        env={**os.environ, "HERE": str(folder), "OTHER": "x"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.PIPE,
        text=True,
    )


def output_of(folder: Path, script: str, code: int = 0) -> list[str]:
    """Return the lines that a program prints."""
    process = start(folder, script)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == code, printed
    return printed.splitlines()


def test_a_task_is_like_a_process_of_its_own(tmp_path: Path) -> None:
    """It has its own environment, session, standard input and end; the supervisor decides how the first one ends."""
    script = """
def supervise(warm):
    print([run(warm, TASK=name)[1] for name in ("a", "b")], os.getppid() == FIRST, flush=True)
    return 3

branch(supervise)
print(os.environ["TASK"], "OTHER" in os.environ, os.getppid() == FIRST, os.getsid(0) == os.getpid(), sys.stdin.read())
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])
if os.environ["TASK"] == "b":
    sys.exit(7)
"""
    assert output_of(tmp_path, script, 3) == [
        "a False True True ",
        "at exit of a",
        "b False True True ",
        "at exit of b",
        "[0, 7] True",
    ]


def test_tasks_beside_each_other_are_killed_with_what_they_started(tmp_path: Path) -> None:
    """Threads of the supervisor wait for tasks; each code is that of its task."""
    script = """
def supervise(warm):
    with ThreadPoolExecutor(4) as pool:
        print([code for _, code in pool.map(lambda n: run(warm, TASK=str(n)), range(4))], flush=True)
    task = warm.start({"HERE": str(HERE), "TASK": "9"})
    warm.signal(task, signal.SIGTERM)
    print(warm.wait(task))
    return 0

branch(supervise)
number = int(os.environ["TASK"])
if number == 1:
    child = os.fork()
    if child == 0:
        time.sleep(60)
    (HERE / "left").write_text(str(child))
    time.sleep(0.2)
if number == 9:
    time.sleep(60)
os._exit(number)
"""
    assert output_of(tmp_path, script) == ["[0, 1, 2, 3]", "-15"]
    wait_for_end(int((tmp_path / "left").read_text()))


def test_a_task_has_its_group_when_it_is_known(tmp_path: Path) -> None:
    """However late it makes it: a signal to a group that is not there yet would be lost."""
    script = """
make_session = os.setsid
def slowly():
    time.sleep(0.3)
    make_session()
os.setsid = slowly

def supervise(warm):
    task = warm.start({"HERE": str(HERE), "TASK": "1"})
    warm.signal(task, signal.SIGTERM)
    print(warm.wait(task))
    return 0

branch(supervise)
time.sleep(20)
"""
    assert output_of(tmp_path, script) == ["-15"]


def test_a_task_prints_to_the_file_of_a_descriptor(tmp_path: Path) -> None:
    """Several start at once, each with its own."""
    script = """
def supervise(warm):
    def start(name):
        with open(HERE / name, "w") as file:
            task = warm.start({"TASK": name}, file.fileno())
        return warm.wait(task)

    with ThreadPoolExecutor(4) as pool:
        print([*pool.map(start, "abcd")], flush=True)
    return 0

branch(supervise)
print("task", os.environ["TASK"], flush=True)
os._exit(0)
"""
    assert output_of(tmp_path, script) == ["[0, 0, 0, 0]"]
    assert [(tmp_path / name).read_text() for name in "abcd"] == [f"task {name}\n" for name in "abcd"]


def test_tasks_draw_numbers_of_their_own(tmp_path: Path) -> None:
    """Forks of one state would draw the same ones."""
    script = """
import numpy, random

def supervise(warm):
    return max(run(warm, TASK=name)[1] for name in "ab")

assert is_safe()
branch(supervise)
print(random.random(), flush=True)
print(numpy.random.random(), flush=True)
os._exit(0)
"""
    assert len(set(output_of(tmp_path, script))) == 4


def test_a_signal_to_the_first_process_is_for_the_supervisor(tmp_path: Path) -> None:
    """It may come before the supervisor listens."""
    script = """
def supervise(warm):
    seen = []
    signal.signal(signal.SIGTERM, lambda *_: seen.append(1))
    os.kill(FIRST, signal.SIGTERM)
    time.sleep(0.2)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    print(seen, flush=True)
    return 0

branch(supervise)
"""
    assert output_of(tmp_path, script) == ["[1]"]


@pytest.mark.parametrize("victim", ["FIRST", "os.getpid()"])
def test_nothing_is_left_of_a_process_that_is_killed(victim: str, tmp_path: Path) -> None:
    """If the first process or the supervisor is killed, the others end."""
    script = f"""
def supervise(warm):
    task = warm.start({{"HERE": str(HERE), "TASK": "1"}})
    (HERE / "started").write_text(f"{{task}} {{os.getpid()}}")
    time.sleep(0.3)
    os.kill({victim}, signal.SIGKILL)
    warm.wait(task)

branch(supervise)
time.sleep(60)
"""
    process = start(tmp_path, script)
    process.communicate(timeout=20)
    assert process.returncode == (-signal.SIGKILL if victim == "FIRST" else 128 + signal.SIGKILL)
    wait_for_end(*map(int, (tmp_path / "started").read_text().split()))


def test_a_supervisor_that_is_killed_before_it_read_an_answer(tmp_path: Path) -> None:
    """The connection is reset then, and the first process ends as the supervisor did."""
    script = """
def supervise(warm):
    warm._link.sendall(b'{"start": {}, "output": false}\\n')
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGKILL)

branch(supervise)
time.sleep(60)
"""
    process = start(tmp_path, script)
    process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGKILL


def wait_for_end(*processes: int) -> None:
    """Wait until processes have ended; a container may have none that reaps orphans."""
    for _ in range(250):
        if not any(map(is_running, processes)):
            return
        time.sleep(0.02)
    raise AssertionError(processes)


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("line", "safe"),
    [
        ("pass", True),
        ("threading.Thread(target=time.sleep, args=(1,), daemon=True).start()", False),
        ("connection = __import__('socket').socket()", False),
        ("import numpy; numpy.ones((500, 500)) @ numpy.ones((500, 500))", True),
    ],
)
def test_whether_a_fork_is_safe(line: str, safe: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """Threads and connections are not copied. OpenBLAS ends its threads itself."""
    script = f"{line}\nprint(is_safe(), flush=True)\nos._exit(0)\n"
    assert output_of(tmp_path, script) == [str(safe)]
