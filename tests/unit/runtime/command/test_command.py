"""The table of commands: its help, its exit codes, its completion, and the page of the reference about it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from laminar_runtime.command import completion, table
from laminar_runtime.command.exits import Exit, code_of, of_status
from laminar_runtime.command.following import Follower
from laminar_runtime.command.main import main, make_parser
from laminar_runtime.command.parameters import read_json
from laminar_runtime.command.printing import spell_duration
from laminar_runtime.exceptions import (
    AccessDeniedError,
    DatastoreError,
    DeploymentError,
    ExecutionError,
    FlowError,
    LaminarError,
    NotFoundError,
    ThrottledError,
    WaitTimeoutError,
)
from laminar_runtime.failures.record import Failure, Failures
from laminar_runtime.progress import Progress

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/reference/laminar.md").read_text(encoding="utf-8")


def test_the_reference_has_each_command_and_option() -> None:
    """The page of the reference is complete: it is written by hand, for readers."""
    everywhere = {"--help", "--deployed", "--json"}
    rows = dict(re.findall(r"^\| `laminar (\w+)([^`]*)` \|", PAGE, re.MULTILINE))
    assert list(rows) == list(table.COMMANDS)
    for name, words in completion.words_of().items():
        options = {word for word in words if word.startswith("--")} - everywhere
        assert set(re.findall(r"--[\w-]+", rows[name])) == options, name


def test_the_reference_has_each_exit_code() -> None:
    """The list in the code and the page are the same."""
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [(str(code.value), code.meaning) for code in Exit]


@pytest.mark.parametrize("name", table.COMMANDS)
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The help of each command has an example, and the exit codes."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"  laminar {name} " in shown
    assert "exit codes: 0 success" in shown


def test_help_of_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Without words the help is shown: each command, in a line."""
    with pytest.raises(SystemExit):
        main([])
    shown = capsys.readouterr().out
    assert all(re.search(rf"^    {name}\b", shown, re.MULTILINE) for name in table.COMMANDS)
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("laminar 0")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFoundError("e1"), Exit.NOT_FOUND),
        (AccessDeniedError("no", action="states:StartExecution"), Exit.DENIED),
        (ThrottledError("later"), Exit.UNAVAILABLE),
        (WaitTimeoutError("still"), Exit.RUNNING),
        (FlowError("typed"), Exit.USAGE),
        (ExecutionError("failed"), Exit.FAILED),
        (DeploymentError("AWS"), Exit.UNAVAILABLE),
        (DatastoreError("disk"), Exit.UNAVAILABLE),
        (LaminarError("other"), Exit.UNAVAILABLE),
    ],
)
def test_exit_codes(error: LaminarError, code: Exit) -> None:
    """A script learns the kind of an error from the exit code."""
    assert code_of(error) is code


def test_statuses() -> None:
    """A script learns the status of an execution, too."""
    statuses = ("SUCCEEDED", "RUNNING", "FAILED", "TIMED_OUT", "ABORTED")
    assert [of_status(status).value for status in statuses] == [0, 4, 1, 1, 1]


def test_an_internal_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault of ours is no fault of the flow: it has a traceback, and a code of its own."""

    def fail(_name: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(table, "load", fail)
    assert main(["list", "flow.py"]) == Exit.INTERNAL
    assert "please report it" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands and options are completed."""
    assert main(["completion", shell]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in table.COMMANDS)
    assert ("-l started-by" if shell == "fish" else "--started-by") in shown


@pytest.mark.integration
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("laminar sta", "start status"),
        ("laminar list --sta", "--status --started-by"),
        ("laminar completion z", ""),
        ("laminar run flow.p", "flow.py"),
    ],
)
def test_completion_in_bash(words: str, found: str, tmp_path: Path) -> None:
    """Bash completes commands, options, and else files."""
    (tmp_path / "flow.py").touch()
    script = subprocess.run(
        [sys.executable, "-m", "laminar_runtime.command.main", "completion", "bash"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    ).stdout  # fmt: skip
    listed = words.split()
    setting = f'COMP_WORDS=({words}); COMP_CWORD={len(listed) - 1}; _laminar; echo "${{COMPREPLY[*]}}"'
    ended = subprocess.run(
        ["bash", "-c", f"{script}{setting}"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert ended.stdout.strip() == found


def test_entry_points() -> None:
    """The package declares the script, and the target that the rehearsal has."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, name = declared["scripts"]["laminar"].split(":")
    assert getattr(import_module(module), name).__name__ == "laminar"
    assert declared["entry-points"]["laminar.targets"] == {"rehearsal": "laminar_codegen.rehearsal.target:find"}


def test_parameters_without_the_flow() -> None:
    """What is not JSON is text, and numbers that JSON does not have are, too."""
    given = [("a", "1"), ("b", "x y"), ("c", "NaN"), ("d", '"1"')]
    assert read_json(given) == {"a": 1, "b": "x y", "c": "NaN", "d": "1"}


def test_durations() -> None:
    """Two units are enough."""
    assert [spell_duration(one) for one in (0, 59.96, 3600, 86399)] == ["0.0 s", "60.0 s", "1 h 0 min", "23 h 59 min"]


def test_the_progress_of_a_deployed_execution() -> None:
    """Layers begin and end with the states of their names; what is known is not shown again, nor are our states."""
    said: list[str] = []
    follower = Follower(Progress(say=said.append, clock=lambda: 0.0))

    def entry(number: int, name: str) -> dict[str, object]:
        return {"id": number, "type": "TaskStateEntered", "stateEnteredEventDetails": {"name": name}}

    def leave(number: int, name: str) -> dict[str, object]:
        return {"id": number, "type": "TaskStateExited", "stateExitedEventDetails": {"name": name}}

    first = [entry(1, "Parameters"), leave(2, "Parameters"), entry(3, "Train plan"), leave(4, "Train plan")]
    jobs = [entry(5, "Train"), entry(6, "Train"), leave(7, "Train")]
    assert not follower.take(first + jobs)
    assert not follower.take([*jobs, leave(8, "Train"), entry(9, "Best"), leave(10, "Unknown")])
    assert follower.take([{"id": 11, "type": "ExecutionFailed"}])
    assert said == [
        "layer Train: began",
        "layer Train: finished after 0.0 s",
        "layer Best: began",
        "layer Best: failed after 0.0 s",
    ]


class _Refused:
    """A deployed execution that failed as a whole, and its target."""

    id, flow_name = "e1", "nightly"
    name = chosen = flow = None
    words, here, layers = "rehearsal:nightly", False, ()
    execution = property(lambda self: lambda _: self)

    def failures(self, **_: object) -> Failures:
        one = Failure(flow="Report", execution="e1", layer="", reason="FlowError: parameter 'dai' is unknown")
        return Failures((one,), 1)


def test_logs_of_an_execution_that_failed_as_a_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No task failed, so the reason of the execution is shown."""
    monkeypatch.setattr("laminar_runtime.command.logs.find_target", lambda _: _Refused())
    assert main(["logs", "nightly", "e1"]) == Exit.NOT_FOUND
    shown = capsys.readouterr().err
    assert "has no task that failed" in shown
    assert "FlowError: parameter 'dai' is unknown" in shown


def test_a_page_names_the_target_as_the_user_did(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The command that resumes the execution of a rehearsal asks the rehearsal."""
    given: dict[str, object] = {}
    monkeypatch.setattr("laminar_runtime.command.report.find_target", lambda _: _Refused())
    monkeypatch.setattr("laminar_runtime.report.write_page", lambda _, **more: given.update(more) or "")
    assert main(["report", "rehearsal:nightly", "e1", "--output", str(tmp_path / "page.html")]) == 0
    assert given["resume"] == "laminar resume rehearsal:nightly e1"


def test_the_parser_of_one_command_loads_no_other() -> None:
    """Only the chosen command has arguments: the others are a line of the help."""
    options = make_parser("status").parse_args(["status", "nightly", "e1"])
    assert (options.target, options.id, options.json) == ("nightly", "e1", False)
    assert make_parser("status").parse_args(["list"]).command == "list"


def test_values_of_a_schema() -> None:
    """What a deployment's schema says is text stays text, and null is null where it may be."""
    schema = {"properties": {"day": {"type": "string"}, "key": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}
    given = [("day", "7"), ("key", "null"), ("other", "7")]
    assert read_json(given, json.dumps(schema)) == {"day": "7", "key": None, "other": 7}
    assert read_json([("day", "null")], json.dumps(schema)) == {"day": "null"}
