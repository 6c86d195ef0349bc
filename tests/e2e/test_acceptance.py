"""The acceptance run is known to work: on the embedded AWS it passes; where a step fails it says so, and cleans up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from tests.support.terraform_harness import terraform_executable
from tools.acceptance.account import Account
from tools.acceptance.steps import Run, Step, StepFailedError

ROOT = Path(__file__).parents[2]


def test_on_the_embedded_aws(tmp_path: Path) -> None:
    """All steps pass, and the report has each of them, and no name of the account."""
    terraform_executable()
    report = tmp_path / "report.md"
    words = [sys.executable, "-m", "tools.acceptance", "--report", str(report)]
    ran = subprocess.run(words, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    text = report.read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")][2:]
    assert {outcome for _, _, outcome, *_ in rows} == {"passed"}
    assert [name.removeprefix("| ") for name, *_ in rows][-4:] == [
        "destroy patient",
        "destroy digits",
        "destroy fragile",
        "destroy platform",
    ]
    assert "123456789012" not in text


def test_money_is_not_spent_without_an_answer(tmp_path: Path) -> None:
    """The costs are printed first. Without a yes, or above the limit, nothing begins."""
    words = [sys.executable, "-m", "tools.acceptance", "--real", "--report", str(tmp_path / "report.md")]
    for more, given in (([], "n\n"), (["--yes", "--most-dollars", "0.01"], "")):
        ran = subprocess.run([*words, *more], cwd=ROOT, input=given, capture_output=True, text=True, check=False)
        assert ran.returncode == 2
        assert "It costs about $0.50" in ran.stderr
    assert not (tmp_path / "report.md").exists()


def test_a_step_that_fails(tmp_path: Path) -> None:
    """It is in the report with its reason, and the error says what the command printed."""
    shown: list[Step] = []
    run = Run(Account("embedded", os.environ, {}, 1), tmp_path, shown.append)
    with pytest.raises(StepFailedError, match=r"ended with 3:\nno such thing"), run.step("look"):
        run.command(sys.executable, "-c", "import sys; print('no such thing'); sys.exit(3)")
    (step,) = shown
    assert attrs.evolve(step, seconds=0).name == "look"
    assert step.outcome.startswith("StepFailedError: ")
