"""What a task prints: cut into lines, shown while it runs, and never lost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import attrs
import pytest

from laminar_runtime.process.output import Lines, printable
from tests.support.harness import Folder

HEAD = """
import os, sys, time
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.executors import Process

class Prints(Flow): ...

@Prints.register
class A(Layer):
    def __call__(self) -> None:
"""
CALL = """
if flow := Prints():
    flow("e1")
"""


@attrs.define
class Clock:
    """A clock that is set."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def given(*parts: bytes) -> list[str]:
    """Return the lines of what is printed in parts, all at once."""
    lines = Lines(Clock())
    shown = [line for part in parts for line in lines.feed(part)]
    return [*shown, *lines.end()]


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ((b"a\nb", b"c\n"), ["a", "bc"]),
        ((b"a\n\nb\n",), ["a", "", "b"]),
        ((b"a\r\nb\r", b"\n\r\nc"), ["a", "b", "", "c"]),
        ((b"no end",), ["no end"]),
        ((b"\r 1 %", b"\r 2 %", b"\r 3 %\n"), [" 1 %", " 3 %"]),
        ((b"1 %\r", b"2 %\r", b"\n", b"x\n"), ["1 %", "2 %", "x"]),
        ((b"1 %\r2 %\r",), ["1 %", "2 %"]),
        (("caf\u00e9".encode()[:-1], "\u00e9\n".encode()[1:]), ["caf\u00e9"]),
        ((b"caf\xe9\n",), ["caf\N{REPLACEMENT CHARACTER}"]),
    ],
)
def test_lines(parts: tuple[bytes, ...], shown: list[str]) -> None:
    """Lines are whole however they come; of a progress bar some states are shown, its last one always."""
    assert given(*parts) == shown


def test_a_long_line_is_cut_between_characters() -> None:
    """A piece of a very long line ends with a whole character."""
    text = "x" + "\N{GRINNING FACE}" * 600_000
    pieces = given(text.encode())
    assert len(pieces) > 1
    assert "".join(pieces) == text


def test_states_of_a_bar_are_shown_once_a_second() -> None:
    """A bar that changes often shows one state a second; one that stops changing shows the last after a moment."""
    clock = Clock()
    lines, shown = Lines(clock), []
    for number in range(100):
        clock.now = number / 10
        shown += lines.feed(b"\r%d" % number)
    assert shown == ["0", "10", "20", "30", "40", "50", "60", "70", "80", "90"]
    assert lines.patience is not None
    clock.now += lines.patience
    assert list(lines.idle()) == ["99"]
    assert lines.patience is None
    assert list(lines.feed(b"\rdone\n")) == ["done"]


def test_lines_are_waited_for() -> None:
    """A line without its end is not shown before it, however long that takes."""
    lines = Lines(Clock())
    assert list(lines.feed(b"half")) == []
    assert lines.patience is None
    assert list(lines.idle()) == []
    assert list(lines.feed(b" and half\n")) == ["half and half"]


def test_printable() -> None:
    """Characters that a stream does not have are escaped."""
    assert printable("caf\u00e9", "ascii") == "caf\\xe9"
    assert printable("caf\u00e9", "latin-1") == printable("caf\u00e9", None) == "caf\u00e9"


def printed(folder: Folder, body: str, **environment: str) -> str:
    """Return what a run of a layer prints to standard output."""
    folder.write(HEAD + body + CALL)
    return folder.python("main.py", **environment).stdout


@pytest.mark.integration
@pytest.mark.parametrize("unbuffered", ["1", ""])
def test_a_killed_task(unbuffered: str, folder: Folder) -> None:
    """What a task printed before it was killed is shown, also where the user has Python hold output back."""
    body = "        print('loading the big table')\n        os.kill(os.getpid(), 9)\n"
    assert printed(folder, body, PYTHONUNBUFFERED=unbuffered) == "[A] loading the big table\n"


@pytest.mark.integration
def test_the_last_words_of_a_killed_task(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what is no whole line is shown."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    assert printed(folder, "        print('half', end='')\n        os.kill(os.getpid(), 9)\n") == "[A] half\n"


@pytest.mark.integration
def test_lines_are_shown_at_once(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is shown while its layer runs, and so is a progress bar."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    body = "        print('begun')\n        print('50 %', end='\\r')\n        input_ = open('go').read()\n"
    folder.write(HEAD + body + CALL)
    os.mkfifo(folder.path / "go")
    words = [sys.executable, "main.py"]
    with subprocess.Popen(words, cwd=folder.path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        late = threading.Timer(30, process.terminate)
        late.start()
        assert process.stdout.readline() == b"[A] begun\n"
        assert process.stdout.readline() == b"[A] 50 %\n"
        (folder.path / "go").write_text("on")
        assert process.wait(30) == 0
        late.cancel()


ASCII = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"}


@pytest.mark.integration
def test_an_ascii_locale(folder: Folder) -> None:
    """Where the locale has no such characters, lines with them are shown with escapes, and fail no layer."""
    body = "        print('caf\\u00e9')\n        print('na\\u00efve', file=sys.stderr)\n"
    folder.write(HEAD + body + CALL)
    ended = folder.python("main.py", **ASCII)
    assert ended.stdout == "[A] caf\\xe9\n"
    assert "[A] na\\xefve\n" in ended.stderr


@pytest.mark.integration
def test_a_name_that_the_system_cannot_be_given(folder: Folder) -> None:
    """Where names of variables are ASCII a layer of another name is one line that says how, not two tracebacks."""
    folder.write((HEAD + "        pass\n" + CALL).replace("class A(", "class Caf\u00e9("))
    ended = folder.python("main.py", **ASCII)
    assert ended.returncode == 1
    assert "cannot encode 'Caf\\xe9'" in ended.stderr
    assert "set PYTHONUTF8=1" in ended.stderr
    assert len(ended.stderr.splitlines()) <= 10, ended.stderr


@pytest.mark.integration
def test_names_in_an_ascii_locale(folder: Folder) -> None:
    """The view of a run escapes names too."""
    folder.write((HEAD + "        pass\n" + CALL).replace("class A(", "class Caf\u00e9("))
    assert "laminar: layer Caf\\xe9: finished" in folder.python("main.py", PYTHONIOENCODING="ascii").stderr


@pytest.mark.integration
def test_processes_that_a_layer_starts(folder: Folder) -> None:
    """What a process that a layer starts prints is shown as what the layer prints."""
    body = "        import subprocess\n        subprocess.run([sys.executable, '-c', 'print(\"from a child\")'])\n"
    assert printed(folder, body) == "[A] from a child\n"
