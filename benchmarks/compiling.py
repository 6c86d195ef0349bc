"""`compile` and `definition`: a chain of layers made into a state machine, by us with all of its Terraform document."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import embedded, metaflow, peers, programs
from benchmarks.rows import Row, at_most, both, faster, memory_at_most, ratio_at_most
from benchmarks.timing import Command, compare_all, output, python

__all__ = ["compile_flow", "measure", "measure_definition"]

#: The layers of each chain, with the goal: how many times faster than Metaflow.
_LENGTHS = {10: 10, 100: 100, 500: 300}
_MEMORY = memory_at_most(100)

#: The values of references: the name of the partition, and else ARNs, all as long as this one.
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_SHORT = {"local.partition": "aws"}
_ARN = "arn:aws:batch:us-east-1:123456789012:job-definition/benchmark-fargate:1"


def compile_flow(file: Path) -> Command:
    """Return the command that compiles one of our flows.

    Args:
        file: The flow.
    """
    return python("laminar-codegen", "-m", "laminar_codegen", str(file))


def measure(runs: int) -> Iterator[Row]:
    """Measure compiling chains of layers, the whole process."""
    with tempfile.TemporaryDirectory() as name, embedded.serving(Path(name), jobs=True) as account:
        folder = Path(name)
        environment = metaflow.on_aws(account, folder)
        for length, times in _LENGTHS.items():
            baselines = [
                (metaflow.create(_metaflow(folder, length), environment), both(faster(times), _MEMORY)),
                (_sfnx(folder, length), both(ratio_at_most(1), _MEMORY)),
                (_cdk(folder, length), None),
            ]
            yield from compare_all(f"compile {length} layers", compile_flow(_ours(folder, length)), baselines, runs)


def measure_definition(runs: int) -> Iterator[Row]:
    """Yield the bytes that a layer takes in a state machine's definition, without white space."""
    del runs  # they are the same each time
    length = 100
    with tempfile.TemporaryDirectory() as name, embedded.serving(Path(name), jobs=True) as account:
        folder = Path(name)
        ours = python("laminar-codegen", "-m", "laminar_codegen", str(_ours(folder, length)), "--emit", "asl")
        theirs = metaflow.create(_metaflow(folder, length), metaflow.on_aws(account, folder))
        sizes = [_size(output(command)) / length for command in (ours, theirs)]
    yield Row("definition, bytes per layer", *sizes, metaflow.NAME, unit="B", target=at_most(700, "B"))


def _ours(folder: Path, length: int) -> Path:
    return _write(folder / f"chain_{length}.py", programs.laminar_chain(length))


def _metaflow(folder: Path, length: int) -> Path:
    return _write(folder / f"metaflow_{length}.py", programs.metaflow_chain(length))


def _sfnx(folder: Path, length: int) -> Command:
    file = _write(folder / f"sfnx_{length}.py", programs.sfnx_chain(length))
    return Command("sfnx 3.1", [peers.program("sfnx", "sfnx"), "compile", str(file), "-o", f"{file}.json"])


def _cdk(folder: Path, length: int) -> Command:
    file = _write(folder / f"cdk_{length}.py", programs.cdk_chain(length))
    return Command("CDK (Python)", [peers.python("cdk"), str(file)], folder=folder)


def _write(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


def _size(definition: str) -> int:
    plain = json.dumps(json.loads(definition), separators=(",", ":"))
    resolved = _REFERENCE.sub(lambda found: _SHORT.get(found[1], _ARN), plain)
    return len(resolved.encode())
