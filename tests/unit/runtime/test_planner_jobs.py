"""A planner that is a job of AWS Batch leaves its answer in the datastore, and its error in its exit code."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from laminar_runtime import plan_layer, task_environment
from laminar_runtime.exceptions import ExecutionError, SubmissionError, UnfinishedError

ANSWERS = "Report/.cache/e1/.answers"


@pytest.fixture(autouse=True)
def job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment of a job that is asked about a layer of a resumed execution."""
    given = {
        task_environment.DATASTORE_ROOT: str(tmp_path),
        task_environment.FLOW_NAME: "Report",
        task_environment.LAYER_NAME: "Train",
        task_environment.EXECUTION_ID: "e1@resume-2",
        task_environment.BATCH_JOB: "job-2",
        task_environment.TAKEN: "",
    }
    for name, text in given.items():
        monkeypatch.setenv(name, text)


def ask(monkeypatch: pytest.MonkeyPatch, question: dict[str, Any], answer: Any) -> tuple[int, dict[str, Any]]:
    """Return the exit code, and the request that the planner got."""
    requests: list[dict[str, Any]] = []

    def handler(request: dict[str, Any]) -> Any:
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setenv(task_environment.PLAN_QUESTION, json.dumps(question))
    monkeypatch.setattr(plan_layer, "handler", handler)
    return plan_layer.main(), requests[0]


def test_the_answer_is_named_after_the_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, request = ask(monkeypatch, {"redrives": 0}, {"splits": 3})
    assert (code, request) == (0, {"execution": "e1@resume-2", "layer": "Train", "redrives": 0})
    assert json.loads((tmp_path / ANSWERS / "job-2.json").read_text("utf-8")) == {"splits": 3}
    # This process has no task of its own, and does not miss one at its end.
    assert os.environ[task_environment.TAKEN] == str(os.getpid())


def test_a_question_names_the_job_that_made_a_plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The plan itself may be longer than the environment of a job."""
    (tmp_path / ANSWERS).mkdir(parents=True)
    (tmp_path / ANSWERS / "job-1.json").write_text(json.dumps({"attempt": 1}), "utf-8")
    _, request = ask(monkeypatch, {"plan": "job-1"}, {})
    assert request["plan"] == {"attempt": 1}


@pytest.mark.parametrize(
    ("error", "code"), [(SubmissionError("s"), 75), (UnfinishedError("u"), 66), (ExecutionError("e"), 1)]
)
def test_errors(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    assert ask(monkeypatch, {}, error)[0] == code
    assert capsys.readouterr().err == f"{type(error).__name__}: {error}\n"
    assert not (tmp_path / ANSWERS).exists()


def test_an_answer_that_no_state_can_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In the result of a state it is text in JSON, in which each quote takes two characters."""
    assert ask(monkeypatch, {}, {"groups": ["x"] * 50_000})[0] == 1
    assert "its hooks must choose fewer sizes" in capsys.readouterr().err
