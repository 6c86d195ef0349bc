"""What a local run shows while it goes on."""

from __future__ import annotations

import io
import logging

import pytest
from rich.console import Console

from laminar_runtime.progress import Progress
from tests.runtime.harness import Folder

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
    """The lines on standard error of a run."""
    folder.write(FLOW.replace("BEFORE", before))
    ended = folder.python("main.py")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "[A] hello\n"
    return [line for line in ended.stderr.splitlines() if not line.startswith("[")]


def test_plain_lines_where_there_is_no_terminal(folder: Folder) -> None:
    """Each layer's begin and end is a line on standard error, with its splits and its failures."""
    lines = [line.partition(" after ")[0] for line in shown(folder) if line.startswith("laminar: ")]
    assert lines[0].startswith("laminar: flow Shown: execution ")
    assert lines[1:] == [
        "laminar: layer A: began",
        "laminar: layer A: finished",
        "laminar: layer B: began, 3 splits",
        "laminar: layer B: finished",
        "laminar: layer C: skipped",
    ]


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


def test_the_table() -> None:
    """A terminal shows each layer with its state, splits done of all, elapsed seconds and failures."""
    times = iter([0.0, 5.0, 7.0])
    progress = Progress(clock=lambda: next(times))
    progress.began("Train", 3)
    progress.split_ended("Train")
    progress.split_failed("Train")
    progress.ended("Train", "failed")
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(progress.table())
    heading, row = console.export_text().splitlines()
    assert heading.split() == ["layer", "state", "splits", "seconds", "failures"]
    assert row.split() == ["Train", "failed", "1/3", "5.0", "1"]


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
def test_other_loggers_are_left_alone(level: int, folder: Folder) -> None:
    """The view neither configures the root logger nor adds handlers to any."""
    before = f"import logging; logging.getLogger('laminar').setLevel({level})"
    after = "import logging; assert not logging.getLogger().handlers and not logging.getLogger('laminar').handlers"
    folder.write(FLOW.replace("BEFORE", before) + f"\n        {after}\n")
    assert folder.python("main.py").returncode == 0
