"""Layers that ask the user: on a terminal they are answered, elsewhere a line says how they would be."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time

import pytest

from tests.support.harness import Folder

FLOW = """
import os, sys, time
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.datastores import Memory
from laminar_runtime.configurations.executors import Process, Thread

class Asks(Flow): ...

@Asks.register
class A(Layer):
    def __call__(self) -> None:
        {ask}
        self.answer = answer

@Asks.register
class B(Layer):
    def __call__(self, a: A) -> None:
        self.answer = a.answer

if flow := Asks({arguments}):
    print("answered", flow().layer(B).answer)
"""
THREAD = "datastore=Memory(), executor=Thread(concurrency=1)"
INPUT = "answer = input('what? ')"
BREAKPOINT = "answer = 1; breakpoint(); answer += 1"
PDB = "import pdb; answer = 1; pdb.set_trace(); answer += 1"
#: Control sequences for a terminal, which are not text.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A program on a terminal, whose user reads and answers.

    Args:
        folder: The folder with ``main.py``.
        environment: Variables.
    """

    def __init__(self, folder: Folder, **environment: str) -> None:
        self._ours, theirs = os.openpty()
        self._seen = ""
        self._process = subprocess.Popen(
            [sys.executable, "main.py"],
            cwd=folder.path,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120", **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, text: str) -> str:
        """Return what is shown up to a text."""
        late = time.monotonic() + 30
        while text not in self._seen:
            assert time.monotonic() < late, self._seen
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self._seen += _CONTROL.sub("", os.read(self._ours, 65536).decode())
                except OSError:  # nobody is left who writes
                    assert text in self._seen, self._seen
        shown, _, self._seen = self._seen.partition(text)
        return shown

    def quiet(self, seconds: float) -> str:
        """Return what is shown within a time."""
        late, shown = time.monotonic() + seconds, ""
        while (left := late - time.monotonic()) > 0:
            if select.select([self._ours], [], [], left)[0]:
                shown += os.read(self._ours, 65536).decode()
        return shown

    def answer(self, line: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{line}\n".encode())

    def end(self) -> int:
        """Return the exit code."""
        try:
            return self._process.wait(30)
        finally:
            os.close(self._ours)


def test_input_in_a_thread(folder: Folder) -> None:
    """A layer in a thread asks on the program's terminal; the table goes on when it is answered."""
    folder.write(FLOW.format(ask=f"{INPUT}; time.sleep(0.5)", arguments=THREAD))
    terminal = Terminal(folder)
    terminal.until("what? ")
    assert terminal.quiet(1) == ""
    terminal.answer("this")
    assert "running" in terminal.until("answered this")
    assert terminal.end() == 0


@pytest.mark.parametrize("ask", [BREAKPOINT, PDB], ids=["breakpoint", "pdb"])
def test_a_debugger_in_a_thread(ask: str, folder: Folder) -> None:
    """A debugger stops in the layer, and has the terminal until the layer goes on and ends."""
    folder.write(FLOW.format(ask=ask.replace("; ", "\n        "), arguments=THREAD))
    terminal = Terminal(folder)
    terminal.until("-> answer += 1")
    terminal.until("(Pdb) ")
    assert terminal.quiet(1) == ""
    terminal.answer("answer = 41")
    terminal.until("(Pdb) ")
    assert terminal.quiet(0.5) == ""
    terminal.answer("continue")
    assert "finished" in terminal.until("answered 42")
    assert terminal.end() == 0


@pytest.mark.parametrize("executor", ["", "executor=Process()"])
@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (INPUT, "EOFError: layer 'A' asks for input, and its task has no terminal"),
        ("answer = 1; breakpoint()", "FlowError: layer 'A' calls breakpoint(), and its task has no terminal"),
        (
            "import pdb; answer = 1; pdb.set_trace(); answer = 2",
            "FlowError: layer 'A' starts a debugger, and its task has",
        ),
    ],
    ids=["input", "breakpoint", "pdb"],
)
def test_a_task_without_a_terminal(ask: str, message: str, executor: str, folder: Folder) -> None:
    """In a process of its own a layer has no terminal, which its error says in a line, with what to do."""
    folder.write(FLOW.format(ask=ask.replace("; ", "\n        "), arguments=executor))
    ended = folder.python("main.py")
    assert ended.returncode == 1
    line = next(line for line in ended.stderr.splitlines() if message in line)
    assert line.endswith("run the flow with Asks(executor=Thread(concurrency=1)) to use the program's")
    assert "BdbQuit" not in ended.stderr


@pytest.mark.parametrize(
    "ask",
    [
        "try:\n            input()\n        except EOFError:\n            answer = 'default'",
        "os.environ['PYTHONBREAKPOINT'] = '0'\n        breakpoint()\n        answer = 'default'",
        "sys.breakpointhook = lambda: None\n        breakpoint()\n        answer = 'default'",
    ],
    ids=["the end of input", "none", "another debugger"],
)
def test_what_needs_no_terminal(ask: str, folder: Folder) -> None:
    """The end of the input may be handled, and who chose another debugger has that one."""
    script = FLOW.format(ask=ask, arguments="")
    assert folder.run(script, PYTHONBREAKPOINT="0" if "environ" in ask else "") == "answered default"


TASK = {"LAMINAR_EXECUTION_ID": "e1", "LAMINAR_FLOW_NAME": "Asks", "LAMINAR_LAYER_NAME": "A"}


def test_a_task_by_hand(folder: Folder) -> None:
    """A task that is started by hand, on a terminal or with its input in a file, asks there."""
    folder.write(FLOW.format(ask=f"{INPUT}; print('got', answer)", arguments=""))
    assert "got this" in folder.python("main.py", stdin="this\n", **TASK).stdout
    (folder.path / ".laminar").rename(folder.path / "elsewhere")
    terminal = Terminal(folder, **TASK)
    terminal.until("what? ")
    terminal.answer("that")
    terminal.until("got that")
    assert terminal.end() == 0


NESTED = """
class Outer(Flow): ...

@Outer.register
class O(Layer):
    def __call__(self) -> None:
        self.answer = Asks(datastore=Memory(), executor=Thread())().layer(B).answer

if outer := Outer(datastore=Memory(), executor=Thread()):
    print("outer", outer().layer(O).answer)
"""


def test_one_table(folder: Folder) -> None:
    """A flow that a layer calls is reported in lines above the table: there is one terminal."""
    folder.write(FLOW.partition("\nif flow")[0].format(ask="answer = 1; time.sleep(0.5)") + NESTED)
    terminal = Terminal(folder)
    shown = terminal.until("outer 1")
    assert terminal.end() == 0
    assert "laminar: layer A: began" in shown
    assert shown.count("laminar: flow ") == 2
