"""The digits example gives the same results run here, rehearsed, and applied by Terraform.

Each of its tasks loads scikit-learn, which takes a second: except at night, it tries fewer combinations.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.frontend.loader import load
from laminar_runtime import Execution
from laminar_runtime.configurations.schedulers import AWS
from tests.e2e.conftest import Platform
from tests.support.sizes import NIGHTLY, size

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "flow.py"
#: Lines of the example, and those of a smaller grid.
SMALLER = {
    "penalty=[0.1, 1.0, 10.0, 100.0], gamma=[0.0001, 0.0005, 0.002, 0.01]": "penalty=[0.1, 10.0], gamma=[0.0005, 0.002]"
}
COMBINATIONS = size(4, full=16)


def results(execution: Execution) -> dict[str, Any]:
    """Return the results that the three ways must agree on."""
    best, evaluate, train = (execution.layer(name) for name in ("Best", "Evaluate", "Train"))
    return {
        "scores": list(train.score),
        "penalty": best.penalty,
        "gamma": best.gamma,
        "accuracy": evaluate.accuracy,
        "confusion": evaluate.confusion,
        "plot": evaluate.plot.hex(),
    }


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, at night as it is."""
    text = DIGITS.read_text(encoding="utf-8")
    for line, smaller in SMALLER.items():
        assert line in text
        text = text if NIGHTLY else text.replace(line, smaller)
    copy = tmp_path_factory.mktemp("digits") / "flow.py"
    copy.write_text(text, encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def local(file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the example as its users do, and read what it stored."""
    folder = tmp_path_factory.mktemp("local")
    subprocess.run([sys.executable, str(file)], cwd=folder, check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        flow = load(str(file)).flow
        (execution,) = flow.datastore.list_executions(flow=flow)
        return results(execution)


def test_local_run(local: dict[str, Any]) -> None:
    """A local run scores all combinations and reads nearly all digits."""
    assert len(local["scores"]) == COMBINATIONS
    assert local["accuracy"] > 0.97
    assert len(local["confusion"]) == 10
    assert bytes.fromhex(local["plot"]).startswith(b"\x89PNG")


def test_rehearsal_agrees(local: dict[str, Any], file: Path, tmp_path: Path) -> None:
    """The rehearsed state machine gives the results of the local run."""
    command = [sys.executable, "-m", "laminar_codegen", "rehearse", str(file), "--save", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr

    def saved(name: str) -> Any:
        return json.loads((tmp_path / f"{name}.json").read_text())

    rehearsed = {
        "scores": saved("Train/score"),
        "penalty": saved("Best/penalty"),
        "gamma": saved("Best/gamma"),
        "accuracy": saved("Evaluate/accuracy"),
        "confusion": saved("Evaluate/confusion"),
        "plot": (tmp_path / "Evaluate" / "plot.png").read_bytes().hex(),
    }
    assert rehearsed == local
    assert f"Train: {COMBINATIONS} done" in ended.stderr


def test_terraform_agrees(local: dict[str, Any], file: Path, platform: Callable[[Path], Platform]) -> None:
    """Terraform applies the document, then plans nothing more; its machine gives the results of the local run."""
    made = platform(file)
    made.terraform.init()
    assert made.terraform.validate()["valid"] is True
    assert not made.terraform.plan(**made.variables).empty
    made.terraform.apply(**made.variables)
    assert made.terraform.plan(**made.variables).empty

    flow = load(str(file)).flow
    flow.configuration.scheduler = AWS.StepFunctions()
    assert results(flow().wait(timeout=300)) == local

    made.terraform.destroy(**made.variables)
    assert made.aws.client("stepfunctions").list_state_machines()["stateMachines"] == []
