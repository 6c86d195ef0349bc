"""`rehearse`: a rehearsal beside the local run of the same flow, its start-up, and how it grows with the splits."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs

from benchmarks import programs
from benchmarks.rows import Row, at_most, ratio_at_most
from benchmarks.timing import NOTHING, Command, compare, python

__all__ = ["SMALL_LAYERS", "measure"]

_EXAMPLE = Path(__file__).parents[1] / "examples" / "digits"
#: An embedded AWS that has answered.
_START = """
from pathlib import Path

from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace

with EmbeddedAws(workspace=Workspace(Path("."))) as aws:
    aws.client("s3").create_bucket(Bucket="benchmarks")
"""
#: Thirteen small layers with retries, skips, hooks and two fan-outs.
SMALL_LAYERS = (
    """
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry

class Small(Flow): ...

@Small.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(part=range(5))

@Small.register(foreach=ForEach([Parameter(Load, "part")]))
class Work(Layer):
    def __call__(self, load: Load) -> None:
        self.done = load.part

@Small.register(foreach=ForEach([Parameter(Load, "part")]))
class More(Layer):
    def __call__(self, load: Load) -> None:
        self.done = load.part

@Small.register(retry=Retry(attempts=2, delay=2, jitter=0))
class Flaky(Layer):
    def __call__(self, load: Load) -> None:
        if self.attempt == 1:
            raise RuntimeError("the first time")

@Small.register
class Skipped(Layer):
    def __call__(self, load: Load) -> None: ...

    @hooks.entry
    def never(self, load: Load) -> bool:
        return False

@Small.register
class Sized(Layer):
    def __call__(self, load: Load) -> None: ...

    @hooks.submission
    def smaller(self) -> None:
        self.configuration.container.memory = 1024
"""
    + "".join(
        f"""
@Small.register
class Step{number}(Layer):
    def __call__(self, before: {before}) -> None: ...
"""
        for number, before in enumerate(["Work", "More", "Flaky", "Step0", "Step1", "Step2", "Sized"])
    )
    + """
flow = Small()

if __name__ == "__main__":
    flow()
"""
)


def measure(runs: int) -> Iterator[Row]:
    """Measure rehearsals."""
    start = python("embedded AWS", "-c", _START)
    yield compare("an embedded AWS that has answered", start, NOTHING, runs, at_most(1))
    with tempfile.TemporaryDirectory() as name:
        digits, small, splits = (Path(name, part) for part in ("digits", "small", "splits"))
        shutil.copytree(_EXAMPLE, digits)
        yield compare("rehearse digits", *_both(digits, digits / "flow.py"), runs, ratio_at_most(1.2))
        yield compare("rehearse 13 small layers", *_both(small, _write(small, SMALL_LAYERS)), runs, ratio_at_most(2))
        many, few = (
            _rehearsal(splits / str(count), _write(splits / str(count), programs.laminar_foreach(count)))
            for count in (1000, 100)
        )
        few = attrs.evolve(few, name="rehearse 100 splits")
        yield compare("rehearse 1,000 splits", many, few, runs, ratio_at_most(12))


def _write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "main.py"
    file.write_text(text, encoding="utf-8")
    return file


def _both(folder: Path, file: Path) -> tuple[Command, Command]:
    local = attrs.evolve(python("local run", str(file), folder=folder), fresh=folder / ".laminar")
    return _rehearsal(folder, file), local


def _rehearsal(folder: Path, file: Path) -> Command:
    return python("rehearse", "-m", "laminar_codegen", "rehearse", str(file), folder=folder)
