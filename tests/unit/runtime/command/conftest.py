"""A flow file in a folder, and the command in this process."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_runtime.command.main import main

FLOW = """
import datetime as dt

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import ForEach, Parameter


class Report(Flow): ...


@Report.register
class Inputs(Parameters):
    day: dt.date
    bad: int = -1


@Report.register
class Load(Layer):
    def __call__(self) -> None:
        self.shard(rows=[0, 1, 2])


@Report.register(foreach=ForEach(parameters=[Parameter(Load, "rows")]))
class Work(Layer):
    def __call__(self, load: Load, inputs: Inputs) -> None:
        if load.rows == inputs.bad:
            raise ValueError(f"row {load.rows} of {inputs.day}")
        self.square = load.rows**2


@Report.register
class Sum(Layer):
    def __call__(self, work: Work) -> None:
        self.total, self.odd = sum(work.square), {1}


if flow := Report(executor=executors.Thread()):
    flow(day=dt.date(2026, 1, 1))
"""
DAY = ("--param", "day=2026-01-31")


@attrs.frozen
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    progress: list[str]

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


Laminar = Callable[..., Ended]


@pytest.fixture
def laminar(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Laminar]:
    """The command, in a folder with ``flow.py``."""
    (tmp_path / "flow.py").write_text(FLOW)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    caplog.set_level(logging.INFO, "laminar")

    def run(*words: str) -> Ended:
        capsys.readouterr()
        caplog.clear()
        try:
            code = main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Ended(code, *capsys.readouterr(), caplog.messages)

    yield run
    for name in [name for name in sys.modules if name.startswith("flow_") or name == "flow"]:
        del sys.modules[name]
