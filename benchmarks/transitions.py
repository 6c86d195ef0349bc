"""`transitions`: the state transitions of a fan-out, and their cost, in virtual time.

The emitted state machine is replayed, with a planner that groups splits as the real one does. Metaflow's figure is
counted in the definition that it emits: the states that its Map enters for each item, and those around the Map.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import embedded, metaflow, programs
from benchmarks.rows import Row, at_most
from benchmarks.timing import output
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.simulated import profiled_services, replay_flow
from laminar_runtime.prices import TRANSITION

__all__ = ["measure", "transitions_of"]

#: The widths of fan-outs, each with the goal: the most transitions.
_WIDTHS = {1_000: 5, 10_000: 5, 1_000_000: 250}
#: The transitions of the layers before and after the fan-out, and of the state that keeps the input.
_AROUND = 3


def measure(runs: int) -> Iterator[Row]:
    """Measure fanning out."""
    del runs  # they are the same each time
    with tempfile.TemporaryDirectory() as name, embedded.serving(Path(name), jobs=True) as account:
        folder = Path(name)
        file = folder / "metaflow_foreach.py"
        file.write_text(programs.metaflow_foreach(10), encoding="utf-8")
        theirs = json.loads(output(metaflow.create(file, metaflow.on_aws(account, folder))))["States"]
        for width, most in _WIDTHS.items():
            own, other = transitions_of(folder, width), _of_metaflow(theirs, width)
            subject = f"a foreach of {width:,}"
            yield Row(
                f"transitions of {subject}", own, other, metaflow.NAME, unit="", target=at_most(most, "transitions")
            )
            yield Row(f"orchestration of {subject}", own * TRANSITION, other * TRANSITION, metaflow.NAME, unit="USD")


def transitions_of(folder: Path, width: int) -> int:
    """Return the transitions of our fan-out.

    Args:
        folder: Where its flow is written.
        width: The number of its splits.

    Raises:
        RuntimeError: If its execution fails.
    """
    file = folder / "foreach.py"
    file.write_text(programs.laminar_foreach(width), encoding="utf-8")
    services = profiled_services({}, splits={"Square": width})
    replayed = replay_flow(compile_flow(str(file)).machines, services=services)
    if replayed.status != "SUCCEEDED":
        raise RuntimeError(f"{replayed.error}: {replayed.cause}")
    return replayed.total_transitions - _AROUND


def _of_metaflow(states: Mapping[str, Any], width: int) -> int:
    """Return the states of the definition without the steps around the fan-out, those in the Map for each item."""
    (inner,) = (len(state["Iterator"]["States"]) for state in states.values() if state["Type"] == "Map")
    around = len(set(states) - {"start", "join", "end"})
    return around + inner * width
