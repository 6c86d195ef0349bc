"""What a local run shows while it goes on."""

from __future__ import annotations

import io

from rich.console import Console

from laminar_runtime.progress import Progress


def test_the_table() -> None:
    """A terminal shows each layer with its state, splits done of all, elapsed seconds and failures."""
    times = iter([0.0, 5.0, 7.0])
    progress = Progress(clock=lambda: next(times))
    progress.begin("Train", 3)
    progress.end_split("Train")
    progress.fail_split("Train")
    progress.end("Train", "failed")
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(progress.table())
    heading, row = console.export_text().splitlines()
    assert heading.split() == ["layer", "state", "splits", "seconds", "failures"]
    assert row.split() == ["Train", "failed", "1/3", "5.0", "1"]
