"""The command on this machine: runs of a flow's file, and what their datastore has of them."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest

from laminar_runtime import _records, flow_files
from laminar_runtime.command.local_target import LocalTarget
from laminar_runtime.command.targets import choose
from laminar_runtime.exceptions import NotFoundError
from laminar_runtime.storage import outputs, runs
from tests.unit.runtime.command.conftest import DAY, FLOW, Laminar


def test_a_run_that_succeeds(laminar: Laminar) -> None:
    """The id stands first, the status last; an import starts nothing, and the parameters have their types."""
    ended = laminar("run", *DAY, "--id", "e1", "flow.py")
    assert ended.code == 0
    assert ended.progress[0] == "flow Report: execution e1"
    assert ended.out.startswith("execution e1 of Report: SUCCEEDED in ")
    assert ended.out.endswith(", started by command\n")
    shown = laminar("results", "flow.py").out.splitlines()
    assert "Parameters.day = datetime.date(2026, 1, 31)" in shown
    assert "Sum.total = 5" in shown


def test_a_run_that_fails_and_is_resumed(laminar: Laminar, tmp_path: Path) -> None:
    """The error is the user's, with their frames and the command that resumes; the resume does what is left."""
    ended = laminar("run", *DAY, "--param", "bad=1", "--id", "e1", "flow.py")
    assert (ended.code, ended.out) == (1, "")
    assert "ValueError: row 1 of 2026-01-31" in ended.err
    assert "laminar_runtime/" not in ended.err
    assert ended.err.splitlines()[-1] == "Resume it with: laminar resume flow.py e1"
    status = laminar("status", "flow.py", "e1")
    assert status.code == 1
    assert "layer 'Work' (split 1 of 0 to 2) of flow 'Report' failed on attempt 1: ValueError" in status.out
    (tmp_path / "flow.py").write_text(FLOW.replace("load.rows == inputs.bad", "False"))
    resumed = laminar("resume", "flow.py", "e1")
    assert resumed.code == 0
    assert "layer Load: finished before" in resumed.progress
    assert laminar("status", "flow.py", "e1").out.endswith("started by resume\n")


def test_a_resume_from_a_layer(laminar: Laminar, tmp_path: Path) -> None:
    """That layer and those after it run again, although they have finished; a layer that is not there is named."""
    laminar("run", *DAY, "--id", "e1", "flow.py")
    (tmp_path / "flow.py").write_text(FLOW.replace("load.rows**2", "load.rows**2 + 1"))
    resumed = laminar("resume", "--from", "Work", "flow.py", "e1")
    assert resumed.code == 0
    shown = {line.rpartition(" after ")[0] or line for line in resumed.progress}
    assert {"layer Load: finished before", "layer Work: finished", "layer Sum: finished"} <= shown
    assert "Sum.total = 8" in laminar("results", "flow.py", "e1").out
    absent = laminar("resume", "--from", "Parameters", "flow.py", "e1")
    assert (absent.code, "has no layer 'Parameters' to resume from. Its layers: Load, Sum, Work" in absent.err) == (
        5,
        True,
    )


def test_an_id_that_was_used_before(laminar: Laminar) -> None:
    """It is no failed execution: neither if it has ended, nor while it runs."""
    laminar("run", *DAY, "--id", "e1", "flow.py")
    again = laminar("run", "--param", "day=2026-02-28", "--id", "e1", "flow.py")
    assert (again.code, "resume it with" in again.err) == (2, True)
    execution = LocalTarget(flow_files.read("flow.py"), "flow.py").execution("e1").execution
    with execution.flow.configuration.scheduler.holding(execution=execution):
        again = laminar("run", *DAY, "--id", "e1", "flow.py")
        assert (again.code, "is already running" in again.err) == (4, True)


@pytest.mark.parametrize(("bad", "code", "status"), [("-1", 0, "SUCCEEDED"), ("1", 1, "FAILED")])
def test_a_run_in_memory(laminar: Laminar, tmp_path: Path, bad: str, code: int, status: str) -> None:
    """It ends as it has ended: only another process cannot find it."""
    given = FLOW.replace("executor=", "datastore=datastores.Memory(), executor=").replace(
        "import executors", "import datastores, executors"
    )
    (tmp_path / "flow.py").write_text(given)
    ended = laminar("run", "--json", *DAY, "--param", f"bad={bad}", "flow.py")
    assert (ended.code, ended.json["status"]) == (code, status)
    assert laminar("run", *DAY, "--param", f"bad={bad}", "flow.py").code == code
    assert "cannot be found by another process" in laminar("status", "flow.py", "e1").err


def test_json(laminar: Laminar) -> None:
    """The forms for programs: docs/reference/laminar.md has them."""
    laminar("run", *DAY, "--id", "e1", "flow.py")
    status = laminar("status", "--json", "flow.py").json
    assert {*status} == {"id", "flow", "status", "created", "stopped", "seconds", "started_by", "failures"}
    assert (status["id"], status["status"], status["failures"]) == ("e1", "SUCCEEDED", None)
    results = laminar("results", "--json", "flow.py", "--only", "Sum").json
    assert results["results"] == {"Sum.total": 5, "Sum.odd": {"type": "set", "text": "{1}"}} | results["results"]
    failed = laminar("run", "--json", *DAY, "--param", "bad=2", "--id", "e2", "flow.py")
    assert (failed.code, failed.json["status"], failed.json["failures"]["count"]) == (1, "FAILED", 1)
    (failure,) = failed.json["failures"]["failures"]
    assert (failure["layer"], failure["index"], failure["error_class"]) == ("Work", 2, "ValueError")
    # The form of docs/reference/failures.md: empty fields are left out.
    assert (failure["version"], "job" in failure, "exit_code" in failure) == (1, False, False)
    assert "link" in failed.json["failures"]
    rows = [json.loads(line) for line in laminar("list", "--json", "flow.py").out.splitlines()]
    assert [(row["id"], row["status"]) for row in rows] == [("e2", "FAILED"), ("e1", "SUCCEEDED")]
    assert laminar("wait", "--json", "flow.py", "e1").json["status"] == "SUCCEEDED"


def test_list(laminar: Laminar) -> None:
    """The newest come first, as many as are asked for, with one status if that is asked for."""
    for name in ("b", "a", "c"):
        laminar("run", *DAY, "--id", name, "flow.py")
    laminar("run", *DAY, "--param", "bad=0", "--id", "d", "flow.py")
    assert [line.split()[0] for line in laminar("list", "flow.py").out.splitlines()] == ["ID", "d", "c", "a", "b"]
    assert [line.split()[0] for line in laminar("list", "--last", "2", "flow.py").out.splitlines()] == ["ID", "d", "c"]
    assert [line.split()[:2] for line in laminar("list", "--status", "FAILED", "flow.py").out.splitlines()][1:] == [
        ["d", "FAILED"]
    ]


def test_prune(laminar: Laminar, tmp_path: Path) -> None:
    """What would go is counted, then it goes; what others name stays."""
    for name in ("old", "new"):
        laminar("run", *DAY, "--id", name, "flow.py")
    root = tmp_path / ".laminar" / "Report"
    for file in [*root.rglob("*")]:
        if file.is_file() and ("old" in file.parts or "artifacts" in file.parts):
            os.utime(file, (0, time.time() - 100 * 86_400))
    counted = laminar("prune", "--older-than", "90d", "--dry-run", "flow.py")
    assert re.fullmatch(r"Report: would remove 1 execution, \d+ records, 0 artifacts: [\d.]+ kB\n", counted.out)
    assert laminar("prune", "--older-than", "15w", "--json", "flow.py").json["executions"] == 0
    done = laminar("prune", "--older-than", "90d", "--json", "flow.py").json
    assert (done["flow"], done["executions"], done["artifacts"], done["dry_run"]) == ("Report", 1, 0, False)
    assert laminar("results", "flow.py", "new", "--only", "Sum.total").out == "Sum.total = 5\n"
    assert laminar("status", "flow.py", "old").code == 5


def test_prune_of_other_datastores(laminar: Laminar, tmp_path: Path) -> None:
    """What is in the memory of another process, or behind a transport of a user, is left alone."""
    file, text = tmp_path / "flow.py", (tmp_path / "flow.py").read_text()
    for store, message in (
        ("datastores.Memory()", "cannot be pruned by another process"),
        ("datastores.DataStore(type('Mine', (memory.MemoryTransport,), {})())", "a transport of its own, Mine"),
    ):
        imports = "from laminar_runtime.configurations import datastores\n"
        imports += "from laminar_runtime.configurations.datastores import memory\n"
        file.write_text(imports + text.replace("Report(executor", f"Report(datastore={store}, executor"))
        ended = laminar("prune", "--older-than", "90d", "flow.py")
        assert (ended.code, ended.out, message in ended.err) == (2, "", True)


def test_save(laminar: Laminar, tmp_path: Path) -> None:
    """Results are saved as files: JSON, or a pickle of what JSON cannot say."""
    laminar("run", *DAY, "--id", "e1", "flow.py")
    laminar("results", "flow.py", "e1", "--save", "out", "--only", "Sum", "--only", "Work.square")
    assert sorted(str(file.relative_to("out")) for file in Path("out").rglob("*.*")) == [
        "Sum/odd.pickle",
        "Sum/total.json",
        "Work/square.json",
    ]
    assert json.loads(Path("out/Work/square.json").read_text(encoding="utf-8")) == [0, 1, 4]


def test_options_stand_anywhere(laminar: Laminar) -> None:
    """Also between the target and the id, or behind all."""
    laminar("run", *DAY, "--id", "e1", "flow.py")
    assert laminar("resume", "flow.py", "--from", "Sum", "e1").code == 0
    assert laminar("status", "flow.py", "--json", "e1").json["id"] == "e1"
    absent = laminar("logs", "flow.py", "e1", "--follow", "Work[2]")
    assert (absent.code, "there is no output of Work[2]" in absent.err) == (5, True)


def test_logs(laminar: Laminar) -> None:
    """The output of one split, of all attempts; of a thread none is kept, which is said."""
    laminar("run", *DAY, "--param", "bad=2", "--id", "e1", "flow.py")
    absent = laminar("logs", "flow.py", "Work[1]")
    assert absent.code == 5
    assert "there is no output of Work[1] in execution e1" in absent.err
    execution = LocalTarget(flow_files.read("flow.py"), "flow.py").execution("e1").execution
    key, transport = execution.key("Work"), execution.datastore.transport
    outputs.keep(transport, key, 2, 1, "first\n")
    outputs.keep(transport, key, 2, 2, "second\nthird\n")
    for words in (["Work[2]"], ["e1", "Work/2"], ["e1"], []):  # the task that failed
        printed = laminar("logs", "flow.py", *words)
        assert printed.out == "first\nsecond\nthird\n"
        assert printed.err.startswith("laminar: layer 'Work' (split 2 of 0 to 2) of flow 'Report' failed on attempt ")
    lines = laminar("logs", "--json", "flow.py", "Work[2]").out.splitlines()
    assert json.loads(lines[0]) == {"layer": "Work", "index": 2, "line": "first"}
    assert json.loads(lines[-1])["failure"]["layer"] == "Work"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("status", "flow.py", "nope"), 5, "flow 'Report' has no execution nope in "),
        (("status", "flow.py"), 5, "'Report' has no executions yet"),
        (("stop", "flow.py"), 2, "name the execution, or 'last' for the newest one"),
        (("run", "--param", "day=x", "flow.py"), 2, "parameter 'day' must be date"),
        (("run", "--param", "dai=x", "flow.py"), 2, "Did you mean 'day'?"),
        (("run", "--param", "day", "flow.py"), 2, "'day' is not of the form NAME=VALUE"),
        (("run", "flow.py:Other"), 2, "the file has no flow 'Other'; it has Report"),
        (("run", "none.py"), 2, "none.py: there is no such file"),
        (("logs", "flow.py", "e1", "a b"), 2, "'a b' is no layer"),
        (("logs", "flow.py", "e1", "A", "B"), 2, "'e1 A B' is too much"),
        (("statsu", "flow.py"), 2, "unknown command 'statsu', did you mean 'status'?"),
        (("list", "other:flow"), 2, "'other:' is no kind of targets"),
        (("wait", "--timeout", "soon", "flow.py"), 2, "'soon' is not a number of seconds"),
        (("list", "--last", "0", "flow.py"), 2, "'0' is not a number above 0"),
        (("prune", "flow.py"), 2, "for example: laminar prune --older-than 90d --dry-run flow.py"),
        (("prune", "--older-than", "90", "flow.py"), 2, "'90' is not an age"),
        (("prune", "--older-than", "0d", "flow.py"), 2, "'0d' is not an age"),
    ],
)
def test_mistakes(laminar: Laminar, words: tuple[str, ...], code: int, message: str) -> None:
    """A mistake is said in one line, with the exit code of its kind, and without a traceback."""
    ended = laminar(*words)
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_a_run_that_was_killed(laminar: Laminar) -> None:
    """It could not say so: nobody holds its lock, so it is no longer running."""
    laminar("run", *DAY, "--id", "e1", "flow.py")
    execution = LocalTarget(flow_files.read("flow.py"), "flow.py").execution("e1").execution
    runs.begin(execution.datastore.transport, "Report", "e1", resumes=False)
    assert laminar("status", "--json", "flow.py", "e1").json["status"] == "ABORTED"
    waited = laminar("wait", "flow.py", "e1")
    assert (waited.code, "ended without saying so" in waited.err) == (1, True)
    assert "ended without saying so" in laminar("status", "flow.py", "e1").out
    assert laminar("stop", "flow.py", "e1").code == 0


def test_the_reason_of_a_stop(laminar: Laminar) -> None:
    """Who looks at the execution later reads why it was stopped."""
    laminar("run", *DAY, "--id", "e1", "flow.py")
    transport = LocalTarget(flow_files.read("flow.py"), "flow.py").execution("e1").execution.datastore.transport
    run = runs.begin(transport, "Report", "e1", resumes=False)
    runs.write(transport, "Report", "e1", _records.evolve(run, status="ABORTED", cause="not today"))
    for words in (("status", "flow.py", "e1"), ("wait", "flow.py", "e1")):
        ended = laminar(*words)
        assert (ended.code, "it was stopped: not today" in ended.out + ended.err) == (1, True)


def test_a_run_that_is_running(laminar: Laminar) -> None:
    """Its lock is held: a wait ends with the code of what still runs, after its timeout."""
    laminar("run", *DAY, "--id", "e1", "flow.py")
    execution = LocalTarget(flow_files.read("flow.py"), "flow.py").execution("e1").execution
    runs.begin(execution.datastore.transport, "Report", "e1", resumes=False)
    with execution.flow.configuration.scheduler.holding(execution=execution):
        assert laminar("status", "flow.py", "e1").code == 4
        waited = laminar("wait", "--timeout", "0", "flow.py", "e1")
        assert (waited.code, waited.err.count("it still runs")) == (4, 1)


def test_a_flow_that_is_deployed_elsewhere(laminar: Laminar, tmp_path: Path) -> None:
    """A file whose flow AWS schedules is run here, which is said with the command that starts the deployment."""
    (tmp_path / "flow.py").write_text(
        FLOW.replace("executor=", "scheduler=AWS.StepFunctions(), executor=").replace(
            "from laminar_runtime.configurations import executors",
            "from laminar_runtime.configurations import executors\n"
            "from laminar_runtime.configurations.schedulers import AWS",
        )
    )
    ended = laminar("run", *DAY, "--id", "e1", "flow.py")
    assert ended.code == 0
    assert "To start the deployment: laminar start --deployed flow.py" in ended.progress[0]


def test_a_chain(laminar: Laminar, tmp_path: Path) -> None:
    """The flows of a chain run one after the other, as when Python runs the file."""
    chain = FLOW.replace("    flow(day=dt.date(2026, 1, 1))\n", "") + (
        "    flow(day=dt.date(2026, 1, 1)).next(flow=Next(executor=executors.Thread()), linker=link)\n"
    )
    second = """
class Next(Flow): ...


@Next.register
class Double(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.twice = 2 * parameters.total


def link(done):
    return Parameters(total=done.layer(Sum).total)


if flow :="""
    (tmp_path / "flow.py").write_text(chain.replace("if flow :=", second))
    assert laminar("run", *DAY, "--id", "e1", "flow.py").out.startswith("execution e1 of Next: SUCCEEDED")
    assert "Double.twice = 10" in laminar("results", "flow.py:Next", "e1").out


def test_the_newest_of_none() -> None:
    """Without executions there is no newest one."""

    class Empty:
        name, chosen = "Report", None

        def rows(self, *, starters: bool) -> object:
            return iter(())

    with pytest.raises(NotFoundError, match="has no executions yet"):
        choose(Empty(), "last")  # type: ignore[arg-type]
