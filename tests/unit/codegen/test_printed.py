"""What the tasks of a rehearsal print is shown while they run, behind the name of their layer."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from laminar_codegen.rehearsal.aws import InvocationEvent, JobEvent
from laminar_codegen.rehearsal.aws.workspace import JobStatus
from laminar_codegen.rehearsal.printed import Printed
from laminar_codegen.rehearsal.progress import Progress


def event(status: JobStatus, log: Path, index: int | None = None, **variables: str) -> JobEvent:
    """Return the report of a job of layer A of flow F."""
    return JobEvent(
        job_id="1", job_name="F-A", index=index, attempt=1, status=status, exit_code=0, log=log, variables=variables
    )


def test_lines_are_shown_while_a_task_runs(tmp_path: Path) -> None:
    """A line is shown soon after it was printed, and the rest at the end, whole."""
    log, shown, first = tmp_path / "log", io.StringIO(), threading.Event()

    def show(text: str) -> None:
        shown.write(text)
        first.set()

    printed = Printed(show)
    printed.start()
    printed.follow("A", log)
    with log.open("w") as file:
        file.write("begun\nhalf a ")
        file.flush()
        assert first.wait(10)
        assert shown.getvalue() == "[A] begun\n"
        file.write("line")
    printed.stop()
    assert shown.getvalue() == "[A] begun\n[A] half a line\n"


@pytest.mark.parametrize(
    ("index", "variables", "title"),
    [
        (None, {}, "A"),
        (2, {"LAMINAR_LAYER_INDEXES": "0,3-5"}, "A/4"),
        (2, {"LAMINAR_LAYER_INDEXES": "@1-0"}, "A"),
        (2, {"LAMINAR_LAYER_INDEXES": "0-9", "LAMINAR_LAYER_CLAIMS": "1-0.3"}, "A child 2"),
        (None, {"LAMINAR_LAYER_INDEXES": "0-9", "LAMINAR_LAYER_CLAIMS": "1-0.1"}, "A"),
    ],
)
def test_titles(index: int | None, variables: dict[str, str], title: str, tmp_path: Path) -> None:
    """A split is named by its own index, not by that of its job; where that is not known, by its layer."""
    log, output = tmp_path / "log", io.StringIO()
    log.write_text("said\n")
    with Progress("F", output) as progress:
        progress.observe(event("RUNNING", log, index, **variables))
        progress.observe(event("SUCCEEDED", log, index, **variables))
    assert f"[{title}] said\n" in output.getvalue()


def test_tasks_on_lambda(tmp_path: Path) -> None:
    """What functions print is shown as what jobs do; what the planner prints is not."""
    log, output = tmp_path / "log", io.StringIO()
    log.write_text("said\n")
    with Progress("F", output) as progress:
        progress.functions = {"f-a": "F-A"}
        for name in ("f-a", "planner"):
            for status in ("RUNNING", "SUCCEEDED"):
                event = '{"layer": "A", "execution": "e1", "indexes": "0-2", "child": 1}'
                progress.observe_invocation(
                    InvocationEvent(request_id="1", function_name=name, event=event, status=status, log=log)  # type: ignore[arg-type]
                )
    assert output.getvalue().count("[A/1] said\n") == output.getvalue().count("said") == 1
