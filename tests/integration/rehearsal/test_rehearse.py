"""The command ``rehearse``: how it ends, and what it says."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.harness import is_gone

HEAD = """
from laminar_runtime import Flow, Layer

class F(Flow): ...

"""
BRANCHES = """
import time

@F.register
class Bad(Layer):
    def __call__(self) -> None:
        raise ValueError("the culprit")

@F.register
class Beside(Layer):
    def __call__(self) -> None:
        print("innocent", flush=True)
        time.sleep(60)

if flow := F():
    flow()
"""
UNCALLED = """
@F.register
class A(Layer):
    def __call__(self) -> None:
        self.x = 1
"""
FUNCTIONS = """
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import ForEach, Parameter

@F.register
class Load(Layer):
    def __call__(self) -> None:
        self.shard(part=[1, 2])

@F.register(executor=executors.AWS.Lambda(), foreach=ForEach([Parameter(Load, "part")]))
class Each(Layer):
    def __call__(self, load: Load) -> None:
        self.half = 4 // load.part

@F.register(executor=executors.AWS.Lambda())
class Total(Layer):
    def __call__(self, each: Each) -> None:
        self.total = sum(each.half)

if flow := F():
    flow()
"""
OUTPUT = """
from laminar_runtime.configurations.layers import Container

TOKEN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:splunk-AbCdEf"
OPTIONS = {"splunk-url": "https://splunk.example.org", "splunk-token": TOKEN}

@F.register(container=Container(log_driver="splunk", log_options=OPTIONS))
class A(Layer):
    def __call__(self) -> None:
        self.x = 1

if flow := F():
    flow()
"""
CHAIN = """
from laminar_runtime import Parameters

class G(Flow): ...

@F.register
class A(Layer):
    def __call__(self) -> None:
        self.x = 1

@G.register
class B(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.y = parameters.x + 1

if flow := F():
    flow().next(flow=G(), linker=lambda execution: Parameters(x=execution.layer(A).x))
"""
SOME = """
from laminar_runtime import each
from laminar_runtime.configurations.layers import Catch, ForEach, Parameter

@F.register
class A(Layer):
    def __call__(self) -> None:
        self.shard(n=[1, 0, 2])

@F.register(foreach=ForEach(parameters=[Parameter(layer=A, attribute="n")]), catch=Catch(ZeroDivisionError))
class B(Layer):
    def __call__(self, a: A) -> None:
        self.value = 1 / a.n

@F.register
class C(Layer):
    def __call__(self, b: B) -> None:
        values = each(b, lambda b: b.value)
        self.done = list(values), values.missing

if flow := F():
    flow()
"""
UNSTARTED = """
from laminar_runtime.configurations.layers import Container

@F.register(container=Container(command="no-such-program main.py"))
class A(Layer):
    def __call__(self) -> None: ...

if flow := F():
    flow()
"""

SLOW = """
import time

class Slow(Flow):
    timeout = 2

@Slow.register
class A(Layer):
    def __call__(self) -> None:
        time.sleep(60)

if flow := Slow():
    flow()
"""


def rehearse(folder: Path, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "flow.py").write_text(HEAD + script, encoding="utf-8")
    return command(folder, "rehearse", "flow.py", *words)


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    whole = [sys.executable, "-m", "laminar_codegen", *words]
    return subprocess.run(whole, cwd=folder, capture_output=True, text=True, check=False)


def page_of(file: Path) -> dict[str, Any]:
    """Return the record in the page of an execution."""
    found: dict[str, Any] = json.loads(
        file.read_text(encoding="utf-8").split('id="data">')[1].partition("</script>")[0]
    )
    return found


def test_the_culprit_is_named(tmp_path: Path) -> None:
    """Of layers beside each other the one that failed is named and shown, not one that was stopped for it."""
    ended = rehearse(tmp_path, BRANCHES, "--report", "page.html")
    assert (ended.returncode, ended.stdout) == (1, "")
    data = page_of(tmp_path / "page.html")
    assert {layer["name"]: layer["state"] for layer in data["layers"]} == {"Bad": "failed", "Beside": "stopped"}
    first = next(one for one in data["failures"]["shown"] if one["layer"] == "Bad")
    assert first["reason"] == "ValueError: the culprit"
    assert f'File "{tmp_path / "flow.py"}"' in first["traceback"]
    assert "ended FAILED: layer 'Bad' of flow 'F' failed on attempt 1: ValueError: the culprit" in ended.stderr
    assert "ValueError: the culprit" in ended.stderr
    assert "innocent" not in ended.stderr.partition("the last lines of ")[2]
    assert ended.stderr.count("Traceback") == 1
    assert "laminar_runtime" not in ended.stderr
    assert len(ended.stderr.splitlines()) <= 25


def test_a_flow_that_takes_too_long(tmp_path: Path) -> None:
    """It is ended at its time limit, with its jobs, and the message names the limit and the resume."""
    ended = rehearse(tmp_path, SLOW)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "did not end within 2 seconds, the timeout of the flow" in ended.stderr
    assert ", which has the whole time again" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_task_that_runs_nothing_fails(tmp_path: Path) -> None:
    """A file that never calls its flow cannot run its tasks, and the error says so."""
    ended = rehearse(tmp_path, UNCALLED)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "layer 'A' did not run: the file must call its flow" in ended.stderr


def test_results_that_cannot_be_saved(tmp_path: Path) -> None:
    """A folder that cannot be written to is reported without a traceback, and nothing is on standard output."""
    script = f"{UNCALLED}\nif flow := F():\n    flow()\n"
    (tmp_path / "results" / "A").mkdir(parents=True)
    (tmp_path / "results" / "A" / "x.json").mkdir()
    for folder, reason in (("/dev/null/results", "cannot be made: it is a file"), ("results", "Is a directory")):
        ended = rehearse(tmp_path, script, "--save", folder)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert reason in ended.stderr
        assert "Traceback" not in ended.stderr


def test_wrong_usage(tmp_path: Path) -> None:
    """What is not of the form NAME=VALUE, or has a reserved name, is refused before anything is run."""
    reserved = [["--param", f"{name}=1"] for name in ("execution", "self", "index")]
    deep = ["--param", f"x={'[' * 100_000}"]
    for words in (["--param", "x"], ["--param", "x=y"], ["--concurrency", "0"], deep, *reserved):
        ended = rehearse(tmp_path, UNCALLED, *words)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "usage: laminar-codegen rehearse" in ended.stderr


def test_a_guarded_chain(tmp_path: Path) -> None:
    """Jobs of the flow that follows, and its linker, come by the guard of the flow before it."""
    ended = rehearse(tmp_path, CHAIN)
    assert ended.returncode == 0, ended.stderr
    assert "B.y = 2" in ended.stdout


def test_a_chain_that_fails(tmp_path: Path) -> None:
    """The state that failed is named, and the one in the machine that it ran."""
    ended = rehearse(tmp_path, CHAIN.replace("parameters.x + 1", "parameters.x / 0"))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "ended FAILED: layer 'B' of flow 'G' failed on attempt 1: ZeroDivisionError: " in ended.stderr
    assert "ZeroDivisionError" in ended.stderr


def test_artifacts_that_some_splits_did_not_assign(tmp_path: Path) -> None:
    """What succeeded ends with 0: the artifacts that there are are shown, and a warning names the splits."""
    ended = rehearse(tmp_path, SOME)
    assert ended.returncode == 0, ended.stderr
    assert "B.value = 2 values, of 2 of 3 splits\n  C.done = ([1.0, 0.5], (1,))" in ended.stdout
    assert "warning: in execution" in ended.stderr
    assert "'value' of layer 'B' was not assigned by split 1 of 0 to 2" in ended.stderr


def test_a_file_that_handles_errors_of_its_flow(tmp_path: Path) -> None:
    """A layer that failed does not pass for done because the file goes on: neither here nor deployed."""
    handled = FUNCTIONS.replace("4 // load.part", "4 // (load.part - 1)").replace(
        "if flow := F():\n    flow()\n", "try:\n    F()()\nexcept Exception:\n    print('handled')\n"
    )
    ended = rehearse(tmp_path, handled)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "ZeroDivisionError: integer division or modulo by zero" in ended.stderr


def test_layers_on_lambda_are_shown(tmp_path: Path) -> None:
    """Tasks on AWS Lambda are shown as jobs are, also on the page; an invocation of the planner is not a task."""
    ended = rehearse(tmp_path, FUNCTIONS, "--report", "page.html")
    assert ended.returncode == 0, ended.stderr
    data = page_of(tmp_path / "page.html")
    assert [(layer["name"], layer["depends"], layer["state"]) for layer in data["layers"]] == [
        ("Load", [], "succeeded"),
        ("Each", ["Load"], "succeeded"),
        ("Total", ["Each"], "succeeded"),
    ]
    assert {shape["on"] for shape in data["attempts"]["shapes"]} >= {"AWS Lambda, X86_64"}
    changes = [line.split("s  ", 1)[1] for line in ended.stderr.splitlines() if "s  " in line]
    assert [change for change in changes if "Each" not in change] == [
        "Load: 1 running",
        "Load: 1 done",
        "Total: 1 running",
        "Total: 1 done",
    ]
    assert "Each: 2 done" in ended.stderr


def test_a_layer_on_lambda_that_fails_is_shown(tmp_path: Path) -> None:
    """Its error and its line are, as of a job, and its traceback is in its output."""
    ended = rehearse(tmp_path, FUNCTIONS.replace("sum(each.half)", "sum(each.half) // 0"))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Total: 1 failed" in ended.stderr
    assert "failed on attempt 1: ZeroDivisionError: integer division or modulo by zero\n  at " in ended.stderr
    assert "[Total] ZeroDivisionError: integer division or modulo by zero\n" in ended.stderr


def test_output_that_goes_elsewhere(tmp_path: Path) -> None:
    """Where jobs log by another driver, its secrets are not asked for here."""
    ended = rehearse(tmp_path, OUTPUT)
    assert ended.returncode == 0, ended.stderr
    assert "A.x = 1" in ended.stdout


def test_a_job_that_cannot_be_started(tmp_path: Path) -> None:
    """It is started four times, and prints nothing: the reason is reported, and it does not count as one that ran."""
    ended = rehearse(tmp_path, UNSTARTED)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "  A: 4 failed\n" in ended.stderr
    assert "F-A, attempt 4, printed nothing: CannotStartContainerError" in ended.stderr
    assert "running" not in ended.stderr


NESTED = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors

class Inner(Flow): ...

@Inner.register
class I(Layer):
    def __call__(self) -> None:
        self.v = 42

class Outer(Flow): ...

@Outer.register
class O(Layer):
    def __call__(self) -> None:
        inner = Inner(datastore={store})()
        self.other = inner.id != self.execution.id
        self.v = inner.layer(I).v

flow = Outer(executor=executors.{executor}())

if __name__ == "__main__" and flow:
    flow()
"""


@pytest.mark.parametrize(("executor", "role"), [("AWS.Batch", "task"), ("AWS.Lambda", "function")])
def test_a_flow_called_in_a_layer(executor: str, role: str, tmp_path: Path) -> None:
    """A layer's own flow runs in its job and in its function, where the role may write that flow's artifacts."""
    text = NESTED.format(executor=executor, store="self.execution.datastore")
    ended = rehearse(tmp_path, text)
    assert ended.returncode == 1
    assert f"denied: role Outer-{role} may not s3:" in ended.stderr
    assert "/Inner/" in ended.stderr

    compiled = [sys.executable, "-m", "laminar_codegen", "flow.py"]
    document = json.loads(subprocess.run(compiled, cwd=tmp_path, capture_output=True, check=True).stdout)
    for statement in document["locals"]["statements"][role]:
        if statement["Sid"] == "ReadAndWriteArtifacts":
            statement["Resource"].append(statement["Resource"][0].replace("${local.flow}", "Inner"))
    (tmp_path / "main.tf.json").write_text(json.dumps(document), encoding="utf-8")
    ended = rehearse(tmp_path, text, "--document", "main.tf.json")
    assert ended.returncode == 0, ended.stderr
    assert "O.other = True\n  O.v = 42\n" in ended.stdout


def test_a_flow_whose_results_end_with_the_job(tmp_path: Path) -> None:
    """A datastore in the job's own folder is refused, with the one that stays."""
    ended = rehearse(tmp_path, NESTED.format(executor="AWS.Batch", store="None"))
    assert ended.returncode == 1
    assert "FlowError: layer 'O' of flow 'Outer' calls flow 'Inner', whose artifacts in" in ended.stderr
    assert "Inner(datastore=self.execution.datastore)" in ended.stderr


PACKAGED = """
{imports}
from laminar_runtime import Flow, Layer

class Packaged(Flow): ...

@Packaged.register
class A(Layer):
    def __call__(self) -> None:
        from package.common import common as again
        self.x = common + again

if flow := Packaged():
    flow()
"""


@pytest.mark.parametrize(
    ("target", "imports", "marked"),
    [
        ("package/flow.py", "from .common import common", True),
        ("package/flow.py", "from package.common import common", False),
        ("package.flow", "from package.common import common", True),
    ],
)
def test_a_flow_of_a_package(target: str, imports: str, marked: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """It is rehearsed as `python -m` runs it: its image holds the package, and runs its module as the main program."""
    (tmp_path / "package").mkdir()
    if marked:
        (tmp_path / "package/__init__.py").write_text("")
    (tmp_path / "package/common.py").write_text("common = 21\n")
    (tmp_path / "package/flow.py").write_text(PACKAGED.format(imports=imports))
    ended = command(tmp_path, "rehearse", target)
    assert ended.returncode == 0, ended.stderr
    assert "A.x = 42" in ended.stdout


def test_a_file_beside_a_main(tmp_path: Path) -> None:
    """The file that is rehearsed is the one that is named, whatever else lies in its folder."""
    (tmp_path / "main.py").write_text("raise AssertionError('another flow')\n")
    (tmp_path / "flow.py").write_text(PACKAGED.format(imports="common = 42").replace("common + again", "common"))
    (tmp_path / "package").mkdir()
    (tmp_path / "package/common.py").write_text("common = 0\n")
    ended = command(tmp_path, "rehearse", "flow.py")
    assert ended.returncode == 0, ended.stderr
    assert "A.x = 42" in ended.stdout


def test_a_breakpoint(tmp_path: Path) -> None:
    """A job has no terminal, which its error says in a line."""
    layer = "@F.register\nclass A(Layer):\n    def __call__(self) -> None:\n        breakpoint()\n"
    ended = rehearse(tmp_path, f"{layer}\nif flow := F():\n    flow()\n")
    assert ended.returncode == 1
    assert "FlowError: layer 'A' calls breakpoint(), and its task has no terminal: run the flow with F(" in ended.stderr
    assert "BdbQuit" not in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL])
def test_a_rehearsal_that_is_stopped(number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a rehearsal ends, its jobs end with it, and after the next one there is no folder of it."""
    script = BRANCHES.replace('raise ValueError("the culprit")', "...").replace('"innocent"', "os.getpid()")
    (tmp_path / "flow.py").write_text(HEAD + script.replace("import time", "import os, time"), encoding="utf-8")
    (tmp_path / "one.py").write_text(HEAD + UNCALLED + "if flow := F():\n    flow()\n", encoding="utf-8")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    words = [sys.executable, "-m", "laminar_codegen", "rehearse", "flow.py"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        job = next(int(line.split()[1]) for line in process.stderr if line.startswith("[Beside]"))
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == (-number if number == signal.SIGKILL else 130)
    assert rest.endswith("laminar-codegen: stopped\n") or number == signal.SIGKILL
    assert is_gone(job)
    assert command(tmp_path, "rehearse", "--quiet", "one.py").returncode == 0
    assert list(scratch.iterdir()) == []
