"""Write flows that are generated: large ones, and random ones that are the same each time.

`tools.compare_documents` runs this file with the packages, the tests and the benchmarks of the commit that it compares
with on the path::

    PYTHONPATH=. python tools/generated_programs.py FOLDER --random 12
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks import programs
from tests.support.random_flows.compiling import feasible
from tests.support.random_flows.drawing import flows
from tests.support.random_flows.source import HEADER, guard_of, source_of
from tests.support.random_flows.spec import FlowSpec

#: What the classes of a random flow take from around them.
_AROUND = """\
from laminar_runtime.configurations.executors import AWS
from tests.support.random_flows.behaviour import *

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
    for number, text in enumerate(_random(options.random)):
        _write(options.folder / "random" / f"flow_{number}", text)


def _large() -> dict[str, str]:
    return {
        "chain": programs.laminar_chain(120),
        "diamonds": programs.laminar(programs.chained_diamonds(160)),
        "any_order": programs.laminar(programs.random_dag(150)),
        "fan_out": programs.laminar_foreach(5_000),
    }


def _random(count: int) -> list[str]:
    """The texts of as many random flows, the largest that were drawn."""
    drawn: set[str] = set()

    # More are drawn than are taken: the first ones are the smallest.
    @seed(11)
    @settings(
        max_examples=count * 4,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(flows())
    def draw(drawing: FlowSpec) -> None:
        spec = feasible(drawing)
        drawn.add(f"{HEADER}{_AROUND}{source_of(spec)}{guard_of(spec)}")

    draw()
    return sorted(drawn, key=lambda text: (-len(text), text))[:count]


def _write(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "flow.py").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
