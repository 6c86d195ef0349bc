"""What is measured, and against what."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.timing import Command, Row, compare
from laminar_runtime import settings
from laminar_runtime.settings import TaskContext

__all__ = ["BENCHMARKS"]

_NOTHING = Command("python -c pass", [sys.executable, "-c", "pass"])

_CHAIN = """\
from laminar_runtime import Flow, Layer

class Chain(Flow): ...

@Chain.register
class L0(Layer):
    def __call__(self) -> None:
        self.value = 0
"""
_LINK = """
@Chain.register
class L{number}(Layer):
    def __call__(self, before: L{before}) -> None:
        self.value = before.value + 1
"""
_END = """
if flow := Chain():
    flow()
"""


def _chain(folder: Path, length: int) -> Path:
    """Write a flow whose layers depend on each other in a row."""
    file = folder / f"chain_{length}.py"
    links = (_LINK.format(number=number, before=number - 1) for number in range(1, length))
    file.write_text(_CHAIN + "".join(links) + _END, encoding="utf-8")
    return file


def measure_import(runs: int) -> Iterator[Row]:
    """Importing the packages."""
    for module in ("laminar_runtime", "laminar_codegen.cli"):
        yield compare(f"import {module}", Command(module, [sys.executable, "-c", f"import {module}"]), _NOTHING, runs)


def measure_compile(runs: int) -> Iterator[Row]:
    """Compiling chains of layers to Terraform, the whole process."""
    with tempfile.TemporaryDirectory() as folder:
        for length in (10, 100, 500, 2000):
            file = _chain(Path(folder), length)
            command = Command("compile", [sys.executable, "-m", "laminar_codegen", str(file)])
            yield compare(f"compile {length} layers", command, _NOTHING, runs)


def measure_task(runs: int) -> Iterator[Row]:
    """Running one layer from the task environment, the whole process, in flows of two sizes."""
    with tempfile.TemporaryDirectory() as folder:
        for length in (2, 500):
            file = _chain(Path(folder), length)
            task = TaskContext(execution="benchmark", flow="Chain", layer="L0")
            environment = {**task.environment(), settings.DATASTORE_ROOT: f"{folder}/store"}
            command = Command("task", [sys.executable, str(file)], environment)
            yield compare(f"task in a flow of {length}", command, _NOTHING, runs)


def measure_local(runs: int) -> Iterator[Row]:
    """Running a chain of ten layers here, a process for each."""
    ten = Command("ten times python -c pass", ["sh", "-c", " && ".join([f"{sys.executable} -c pass"] * 10)])
    with tempfile.TemporaryDirectory() as folder:
        command = Command("local", [sys.executable, str(_chain(Path(folder), 10))], folder=Path(folder))
        yield compare("local run of 10 layers", command, ten, runs)


#: The benchmarks by name: each is given how often to run, and gives its rows.
BENCHMARKS: dict[str, Callable[[int], Iterator[Row] | Sequence[Row]]] = {
    "compile": measure_compile,
    "import": measure_import,
    "local": measure_local,
    "task": measure_task,
}
