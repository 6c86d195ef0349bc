"""Layers are skipped by the compiled state machine, and in jobs that several share, as they are by the local run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from laminar_codegen.frontend.loader import load
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.schedulers import Scheduler

FLOW = Path(__file__).parents[2] / "golden" / "skipping" / "flow.py"
LAYERS = ("Score", "Publish", "Announce", "Tell", "Last")


@pytest.mark.parametrize("pack", ["off", "auto"])
@pytest.mark.parametrize(
    ("score", "text", "skipped"),
    [(99, "announced [99, 198, 297]", set()), (1, "nothing to announce", {"Publish", "Announce", "Last"})],
)
def test_the_machine_skips_what_the_local_run_skips(
    score: int, text: str, skipped: set[str], pack: str, tmp_path: Path
) -> None:
    """The same layers run, with the same artifacts, whether the entry hook lets its layer run or not."""
    flow = load(str(FLOW)).flow
    flow.configuration.datastore = datastores.Memory()
    flow.configuration.executor = executors.Thread()
    flow.configuration.scheduler = Scheduler()
    local = flow(score=score)
    assert {name for name in LAYERS if not local.layer(name).state.finished} == skipped
    assert local.layer("Tell").text == text

    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps({"Branches": dict.fromkeys(LAYERS, 1)}), encoding="utf-8")
    packing = ["--pack", pack, "--profile", str(profile)]
    command = [sys.executable, "-m", "laminar_codegen", "rehearse", *packing, str(FLOW), "--param", f"score={score}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert f"Tell.text = {text!r}" in ended.stdout
    ran = {name for name in LAYERS if f"  {name}." in ended.stdout}
    assert ran == set(LAYERS) - skipped
    # Score, Publish and Last share a job then.
    assert ("layer 'Last' begins" in ended.stderr) == (pack == "auto")
    assert ("layer 'Last' is skipped" in ended.stderr) == (pack == "auto" and "Last" in skipped)
