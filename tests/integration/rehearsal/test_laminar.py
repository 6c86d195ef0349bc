"""Each command of ``laminar`` on a flow that its document deployed on the embedded AWS."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal import target as rehearsal_target
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_codegen.rehearsal.kept import leave_access
from laminar_codegen.rehearsal.scratch import scratch_folder
from laminar_runtime.command.main import main
from laminar_runtime.deployed import Deployment

FLOW = """
import time
from fractions import Fraction

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import ForEach, Parameter


class Report(Flow): ...


@Report.register
class Inputs(Parameters):
    day: str
    bad: int = -1
    sleep: float = 0.0


@Report.register
class Load(Layer):
    def __call__(self, inputs: Inputs) -> None:
        print("loading", inputs.day)
        time.sleep(inputs.sleep)
        self.shard(rows=[0, 1, 2])


@Report.register(foreach=ForEach(parameters=[Parameter(Load, "rows")]))
class Work(Layer):
    def __call__(self, load: Load, inputs: Inputs) -> None:
        print("working on", load.rows)
        if load.rows == inputs.bad:
            raise ValueError(f"row {load.rows} of {inputs.day}")
        self.square = load.rows**2
        self.half = Fraction(load.rows, 2)


if flow := Report():
    flow(day="2026-01-01")
"""
NAME = "Report"


@attrs.frozen
class Bench:
    """The deployed flow, and its file."""

    deployment: Deployment
    file: Path
    environment: dict[str, str]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Deploy the flow by its document."""
    folder = tmp_path_factory.mktemp("laminar")
    (folder / "flow.py").write_text(FLOW)
    (folder / "image").mkdir()
    workspace = Workspace(directory=lay_out(folder / "flow.py", folder / "image"))
    with EmbeddedAws(workspace=workspace, enforces=True) as aws, pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        deployment = deploy(compile_flow(str(folder / "flow.py")), aws)
        yield Bench(deployment, folder / "flow.py", dict(aws.environment))


@attrs.frozen
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


Laminar = Callable[..., Ended]


@pytest.fixture
def laminar(bench: Bench, capsys: pytest.CaptureFixture[str]) -> Laminar:
    """The command."""

    def run(*words: str) -> Ended:
        capsys.readouterr()
        code = main(words)
        return Ended(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def failed(bench: Bench) -> str:
    """An execution of which split 1 failed."""
    assert main(["start", NAME, "--param", "day=2026-01-31", "--param", "bad=1", "--id", "failed"]) == 0
    assert main(["wait", NAME, "failed"]) == 1
    return "failed"


def test_start_and_wait(laminar: Laminar) -> None:
    """An id starts one execution; its parameters are JSON or text, and its input says that a command started it."""
    for _ in range(2):
        started = laminar("start", NAME, "--param", "day=2026-01-31", "--id", "e1")
        assert (started.code, started.out) == (0, "e1\n")
    waited = laminar("wait", NAME, "e1", "--json")
    assert (waited.code, waited.json["status"], waited.json["started_by"]) == (0, "SUCCEEDED", "command")
    other = laminar("start", NAME, "--param", "day=2026-02-01", "--id", "e1")
    assert other.code == 2
    assert "was started before with other parameters" in other.err


def test_run(laminar: Laminar, caplog: pytest.LogCaptureFixture) -> None:
    """It shows the layers as they begin and end, the id first, and ends with the status."""
    caplog.set_level("INFO", "laminar")
    ended = laminar("run", NAME, "--param", "day=2026-01-31", "--id", "run-1")
    assert (ended.code, ended.out.partition(" in ")[0]) == (0, "execution run-1 of Report: SUCCEEDED")
    assert caplog.messages[0] == "deployment Report: execution run-1"
    shown = [" ".join(message.split()[:3]) for message in caplog.messages[1:]]
    assert shown == ["layer Load: began", "layer Load: finished", "layer Work: began", "layer Work: finished"]


def test_wait_for_a_failure(laminar: Laminar, failed: str) -> None:
    """The last line is the command that resumes it."""
    ended = laminar("wait", NAME, failed)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[-1] == f"Resume it with: laminar resume {NAME} {failed}"


def test_status_of_a_failure(laminar: Laminar, failed: str) -> None:
    """The layer, the split and the reason, with the exit code of a failure."""
    ended = laminar("status", NAME, failed)
    assert ended.code == 1
    assert ended.out.startswith("execution failed of Report: FAILED after ")
    assert "layer 'Work' (split 1 of 0 to 2) of flow 'Report' failed on attempt 1: ValueError: row 1" in ended.out
    record = laminar("status", "--json", NAME, failed).json["failures"]
    layers = laminar("status", "--json", "--layers", NAME, failed).json["layers"]
    assert layers == {"Load": {"succeeded": 1}, "Work": {"succeeded": 2, "failed": 1}}
    assert "  Work: 2 succeeded, 1 failed\n" in laminar("status", "--layers", NAME, failed).out
    assert (record["count"], record["failures"][0]["layer"], record["failures"][0]["index"]) == (1, "Work", 1)


def test_status_by_arn(laminar: Laminar, bench: Bench, failed: str) -> None:
    """The ARN of an execution names the deployment and the execution."""
    arn = bench.deployment.execution_arn(failed)
    assert laminar("status", arn, "--json").json["id"] == failed
    assert laminar("logs", arn, "Work[1]").out.startswith("working on 1\nTraceback")
    assert laminar("status", bench.deployment.state_machine_arn, failed).code == 1


def test_logs(laminar: Laminar, failed: str) -> None:
    """The array child's stream is found; without a layer, that of the task that failed."""
    assert laminar("logs", NAME, failed, "Work[2]").out == "working on 2\n"
    assert laminar("logs", NAME, failed, "Load").out == "loading 2026-01-31\n"
    assert laminar("logs", NAME, failed).out.splitlines()[-1] == "ValueError: row 1 of 2026-01-31"


@pytest.mark.parametrize(
    ("task", "said"),
    [("Load[9]", "layer 'Load' has one task, Load[0]"), ("Work[3]", "its splits are Work[0] to Work[2]")],
)
def test_logs_of_a_split_that_is_not_there(task: str, said: str, laminar: Laminar, failed: str) -> None:
    """The splits that there are are named, and nothing of another task is printed."""
    ended = laminar("logs", NAME, failed, task)
    assert (ended.code, ended.out) == (5, "")
    assert said in ended.err


def test_a_start_with_wrong_parameters(laminar: Laminar) -> None:
    """It is refused before anything starts, without the flow's code."""
    ended = laminar("start", NAME, "--param", "dai=2026-01-31", "--param", "sleep=long", "--id", "refused")
    assert (ended.code, ended.out) == (2, "")
    for part in ("'dai' is unknown. Did you mean 'day'?", "'day' is missing", "'sleep' must be a number, not 'long'"):
        assert part in ended.err
    assert laminar("status", NAME, "refused").code == 5


def test_list(laminar: Laminar, failed: str) -> None:
    """The newest first, with what started it."""
    rows = [json.loads(line) for line in laminar("list", NAME, "--json").out.splitlines()]
    created = [row["created"] for row in rows]
    assert created == sorted(created, reverse=True)
    found = next(row for row in rows if row["id"] == failed)
    assert (found["status"], found["started_by"]) == ("FAILED", "command")
    assert [row["id"] for row in rows] == [
        line.split()[0] for line in laminar("list", NAME, "--all").out.splitlines()[1:]
    ]
    only = laminar("list", NAME, "--status", "FAILED", "--last", "1").out.splitlines()
    assert only[1].split()[:2] == [failed, "FAILED"]


def test_prune(bench: Bench, laminar: Laminar, failed: str) -> None:
    """It finds the flow by the deployment's executions, and those that run. A bucket needs versions."""
    refused = laminar("prune", "--older-than", "90d", NAME)
    assert (refused.code, "has no versions" in refused.err) == (7, True)
    bucket, _, prefix = bench.deployment.datastore_root.removeprefix("s3://").partition("/")
    client = bench.deployment.clients("s3")
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    try:
        done = laminar("prune", "--older-than", "90d", "--json", NAME)
        assert (done.code, done.json["flow"], done.json["executions"]) == (0, NAME, 0)
        assert not bench.deployment.prune(dt.timedelta(days=90), dry_run=True)[0].records
        # Another flow in the bucket does not mean that this one is unknown.
        client.put_object(Bucket=bucket, Key=f"{prefix}/Other/x".lstrip("/"), Body=b"")
        assert laminar("prune", "--older-than", "90d", "--json", NAME).json["flow"] == NAME
        client.delete_object(Bucket=bucket, Key=f"{prefix}/Other/x".lstrip("/"))
    finally:
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def test_stop(laminar: Laminar) -> None:
    """It ends ABORTED, with the reason; a wait for it ends with the code of a failure."""
    laminar("start", NAME, "--param", "day=2026-01-31", "--param", "sleep=30", "--id", "stopped")
    running = laminar("status", NAME, "stopped")
    assert (running.code, "RUNNING" in running.out) == (4, True)
    assert laminar("wait", NAME, "stopped", "--timeout", "0").code == 4
    assert laminar("stop", NAME, "stopped", "--reason", "enough", "--json").json["status"] == "ABORTED"
    assert laminar("wait", NAME, "stopped").code == 1


def test_resume(laminar: Laminar, failed: str) -> None:
    """It runs again without what has finished; what is not named is not resumed."""
    unnamed = laminar("resume", NAME)
    assert (unnamed.code, "name the execution" in unnamed.err) == (2, True)
    resumed = laminar("resume", "--wait", NAME, failed)
    assert resumed.code == 1
    assert laminar("status", "--json", NAME, failed).json["started_by"] == "resume"


def test_results(laminar: Laminar, bench: Bench, failed: str) -> None:
    """Plain values are read by name; what takes the flow's code is read with its file."""
    laminar("run", NAME, "--param", "day=2026-01-31", "--id", "r1")
    by_name = laminar("results", NAME, "r1", "--json").json
    assert by_name["results"] == {
        "Load.rows": [0, 1, 2],
        "Parameters.bad": -1,
        "Parameters.day": "2026-01-31",
        "Parameters.sleep": 0.0,
        "Work.square": [0, 1, 4],
    }
    assert "takes the flow's code" in by_name["unreadable"]["Work.half"]
    with_code = laminar("results", "--deployed", str(bench.file), "r1", "--only", "Work").out
    assert with_code.splitlines() == ["Work.half = 3 values", "Work.square = 3 values"]
    assert laminar("results", NAME, failed, "--only", "Load.rows").out == "Load.rows = [0, 1, 2]\n"
    assert laminar("results", NAME, failed, "--only", "Work").code == 5
    assert bench.deployment.execution("r1").layer("Work").square == [0, 1, 4]


def test_report(laminar: Laminar, failed: str, tmp_path: Path) -> None:
    """The page is one file, which names the failure."""
    file = tmp_path / "page.html"
    assert laminar("report", NAME, failed, "--output", str(file)).out == f"{file}\n"
    assert "row 1 of 2026-01-31" in file.read_text(encoding="utf-8")


def test_resume_from_a_layer(laminar: Laminar) -> None:
    """That layer and those after it run again; the output is followed to the end of the task."""
    laminar("run", NAME, "--param", "day=2026-01-31", "--id", "again")
    assert laminar("resume", "--from", "Work", NAME, "again").code == 0
    assert "working on 2\n" in laminar("logs", "--follow", NAME, "again", "Work[2]").out
    assert laminar("wait", NAME, "again").code == 0


def test_the_deployment_of_a_file(laminar: Laminar, bench: Bench) -> None:
    """With the flow's code, parameters are typed and checked before the start."""
    file = str(bench.file)
    wrong = laminar("start", "--deployed", file, "--param", "dai=1")
    assert (wrong.code, "Did you mean 'day'?" in wrong.err) == (2, True)
    assert laminar("start", "--deployed", file, "--param", "day=2026-03-01", "--id", "typed").out == "typed\n"
    assert laminar("wait", "--deployed", file, "typed").code == 0


def test_a_kept_rehearsal(laminar: Laminar, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found without its environment, by the folder of the rehearsal, as long as that runs."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in bench.environment:
        monkeypatch.setenv(name, "elsewhere")
    with scratch_folder() as folder:
        leave_access(folder, bench.deployment, bench.environment)
        assert next(rehearsal_target.find(NAME).rows(starters=False)).flow == NAME
    with pytest.raises(rehearsal_target.NotFoundError, match="no rehearsal of 'Report' runs: none is kept"):
        rehearsal_target.find(NAME)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("status", "nope"), 5, "no flow is deployed as 'nope'"),
        (("status", NAME, "nope"), 5, "execution nope of 'Report'"),
        (("list", "arn:aws:states:us-east-1:123456789012:stateMachine:nope"), 5, "no flow is deployed as 'nope'"),
        (("list", "arn:aws:states:us-east-1:123456789012:other:nope"), 2, "is not the ARN of a state machine"),
    ],
)
def test_what_does_not_exist(laminar: Laminar, words: tuple[str, ...], code: int, message: str) -> None:
    """A script learns it from the exit code."""
    ended = laminar(*words)
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
