"""What a local run shows while it goes on."""

from __future__ import annotations

import contextlib
import logging
import os
import pty
import re
import subprocess
import sys

import pytest

from tests.support.harness import Folder

FLOW = """\
    import sys
    from laminar_runtime import Flow, Layer
    from laminar_runtime.configurations import hooks
    from laminar_runtime.configurations.layers import ForEach, Parameter, Retry

    class Shown(Flow): ...

    @Shown.register
    class A(Layer):
        def __call__(self) -> None:
            print("hello")
            self.shard(x=[1, 2, 3])

    @Shown.register(retry=Retry(attempts=2, delay=0), foreach=ForEach(parameters=[Parameter(layer=A, attribute="x")]))
    class B(Layer):
        def __call__(self, a: A) -> None:
            if a.x == 2 and self.attempt == 1:
                raise ValueError("not at once")

    @Shown.register
    class C(Layer):
        @hooks.entry
        def never(self, b: B) -> bool:
            return False

    if flow := Shown():
        BEFORE
        flow()
"""


def shown(folder: Folder, before: str = "pass") -> list[str]:
    """Return the lines on standard error of a run."""
    folder.write(FLOW.replace("BEFORE", before))
    ended = folder.python("main.py")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "[A] hello\n"
    return [line for line in ended.stderr.splitlines() if not line.startswith("[")]


def test_plain_lines_where_there_is_no_terminal(folder: Folder) -> None:
    """Each layer's begin and end is a line on standard error, with its splits and its failures."""
    lines = [line.partition(" after ")[0] for line in shown(folder) if line.startswith("laminar: ")]
    assert lines[0].startswith("laminar: flow Shown: execution ")
    place = f"({folder.path / 'main.py'}:18 in B.__call__)"
    assert lines[1:] == [
        "laminar: layer A: began",
        "laminar: layer A: finished",
        "laminar: layer B: began, 3 splits",
        f"laminar: layer B/1: attempt 1 of 2 failed: ValueError: not at once {place}",
        "laminar: layer B: finished",
        "laminar: layer C: skipped",
    ]


def in_a_terminal(folder: Folder) -> list[str]:
    """Return what a terminal shows of a run, without what moves its cursor and colours it."""
    folder.write(FLOW.replace("BEFORE", "pass"))
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        [sys.executable, "main.py"], cwd=folder.path, env=environment, stdout=subprocess.DEVNULL, stderr=theirs
    )
    os.close(theirs)
    text = b""
    with contextlib.suppress(OSError):  # the end, where the last process that has the terminal is gone
        while part := os.read(ours, 65536):
            text += part
    os.close(ours)
    assert process.wait(timeout=60) == 0, text
    return re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", text).decode().splitlines()


def test_a_table_in_a_terminal(folder: Folder) -> None:
    """A terminal has a table, whose last state is that of the ended run."""
    lines = in_a_terminal(folder)
    assert [line.split()[:3] for line in lines if line.startswith("B ")][-1] == ["B", "finished", "3/3"]
    assert not [line for line in lines if line.startswith("laminar: layer") and " attempt " not in line]


def test_a_terminal_without_rich(folder: Folder) -> None:
    """Without rich a terminal has plain lines, and one that says how to get the table."""
    folder.write("raise ImportError('not installed')\n", "rich.py")
    lines = [line for line in in_a_terminal(folder) if line.startswith("laminar: ")]
    assert lines[0] == "laminar: install laminar-terraform[view] to see a table here"
    assert lines[1].startswith("laminar: flow Shown: execution ")
    assert lines[2] == "laminar: layer A: began"
    assert len([line for line in lines if "[view]" in line]) == 1


def test_runs_without_rich(folder: Folder) -> None:
    """Where no table would be drawn nobody misses rich, neither the launching process nor its tasks."""
    folder.write("raise ImportError('not installed')\n", "rich.py")
    lines = shown(folder)
    assert "laminar: layer C: skipped" in lines
    assert not [line for line in lines if "[view]" in line]


def test_silenced_by_logging(folder: Folder) -> None:
    """A level above INFO silences the view, and one above WARNING also what is retried."""
    before = "import logging; logging.getLogger('laminar').setLevel(logging.ERROR)"
    assert shown(folder, before) == []


def test_records_where_logging_is_configured(folder: Folder) -> None:
    """A program that configured logging gets records, in its own format."""
    before = "import logging; logging.basicConfig(level=logging.INFO, format='%(name)s %(levelname)s %(message)s')"
    lines = shown(folder, before)
    assert "laminar INFO layer A: began" in lines
    assert not [line for line in lines if line.startswith("laminar: ")]


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
def test_other_loggers_are_left_alone(level: int, folder: Folder) -> None:
    """The view neither configures the root logger nor adds handlers to any."""
    before = f"import logging; logging.getLogger('laminar').setLevel({level})"
    after = "import logging; assert not logging.getLogger().handlers and not logging.getLogger('laminar').handlers"
    folder.write(FLOW.replace("BEFORE", before) + f"\n        {after}\n")
    assert folder.python("main.py").returncode == 0
