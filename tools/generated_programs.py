"""Write generated flows: large ones, and random ones that are the same each time.

`tools.compare_documents` runs this file with the packages, the tests and the benchmarks of the commit that it compares
with on the path::

    PYTHONPATH=. python tools/generated_programs.py FOLDER --random 12
"""

from __future__ import annotations

import argparse
import importlib
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks import programs

#: The packages of the tests that draw flows: of this commit, and of earlier ones.
_PACKAGES = ("tests.support.random_flows", "tests.property.flows")

#: The names that the classes of a random flow need. A copy of the module is in the folder of each flow, because it is
#: not in the same package at all commits.
_AROUND = """\
from laminar_runtime.configurations.executors import AWS
from behaviour import *

LAMBDA = AWS.Lambda()
world = None
"""


def main() -> None:
    """Write each flow into a folder of its own, as ``flow.py``."""
    parser = argparse.ArgumentParser(description="Writes generated flows, each as flow.py in a folder of its own.")
    parser.add_argument("folder", type=Path, help="where the folders of the flows are written")
    parser.add_argument("--random", type=int, default=12, metavar="N", help="how many random flows (default: 12)")
    options = parser.parse_args()
    for name, text in _large().items():
        _write(options.folder / "large" / name, text)
    for number, text in enumerate(_random_flows(options.random)):
        folder = options.folder / "random" / f"flow_{number}"
        _write(folder, text)
        shutil.copyfile(str(_module("behaviour").__file__), folder / "behaviour.py")


def _module(name: str) -> ModuleType:
    """Return a module of the package that draws random flows, as the commit has it.

    Args:
        name: The module's name in that package.
    """
    for package in _PACKAGES:
        try:
            importlib.import_module(package)
        except ModuleNotFoundError as error:
            if error.name is None or not package.startswith(error.name):
                raise  # it is there, and misses something else
            continue
        return importlib.import_module(f"{package}.{name}")
    raise ModuleNotFoundError(f"the tests of this commit draw no flows: none of {', '.join(_PACKAGES)} is there")


def _large() -> dict[str, str]:
    return {
        "chain": programs.laminar_chain(120),
        "diamonds": programs.laminar(programs.chained_diamonds(160)),
        "any_order": programs.laminar(programs.random_dag(150)),
        "fan_out": programs.laminar_foreach(5_000),
    }


def _random_flows(count: int) -> list[str]:
    """Return the texts of that many random flows, the largest of those that were drawn."""
    drawn: set[str] = set()
    compiling, drawing, source = map(_module, ("compiling", "drawing", "source"))

    # More are drawn than are taken: the first ones are the smallest.
    @seed(11)
    @settings(
        max_examples=count * 4,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawing.flows())
    def draw(drawn_flow: Any) -> None:
        spec = compiling.feasible(drawn_flow)
        drawn.add(f"{source.HEADER}{_AROUND}{source.source_of(spec)}{source.guard_of(spec)}")

    draw()
    return sorted(drawn, key=lambda text: (-len(text), text))[:count]


def _write(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "flow.py").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
