"""The processes of a job that runs several layers: forked from one that read the flow's file, or started anew."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from laminar_runtime import task_environment
from laminar_runtime.configurations.failures import FINAL
from tests.support.sizes import size

FLOW = """
import os, time
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.layers import Catch, Retry

print("file", flush=True)
RUNS = os.path.join(os.environ["STORE"], "runs")
SLOW = float(os.environ.get("SLOW", 0))


def say(layer):
    with open(RUNS, "a") as runs:
        runs.write(f"{layer.name}{layer.attempt} ")
    time.sleep(SLOW)


class F(Flow): ...


@F.register
class A(Layer):
    def __call__(self):
        say(self)
        self.x = 1


@F.register(retry=Retry(attempts=3, delay=0.1, jitter=0))
class B(Layer):
    def __call__(self, a: A):
        say(self)
        if self.attempt < int(os.environ.get("FAILS", 1)):
            raise ValueError("no luck")
        self.x = a.x + 10


@F.register(catch=Catch(KeyError))
class C(Layer):
    def __call__(self, a: A):
        say(self)
        self.x = a.x + 100
        raise KeyError("caught")


@F.register
class D(Layer):
    def __call__(self, b: B, c: C):
        say(self)
        self.x = b.x + c.x
        print("D", self.x)


if flow := F(datastore=datastores.Local(os.environ["STORE"])):
    flow()
"""


class Job:
    """The job of a pack on this machine, with a datastore in a folder."""

    def __init__(self, folder: Path) -> None:
        self.file, self.store = folder / "main.py", folder / "store"
        self.store.mkdir()
        self.file.write_text(FLOW, encoding="utf-8")

    def environment(self, start: int, **variables: str) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("LAMINAR_")}
        return {
            **others,
            "STORE": str(self.store),
            task_environment.DATASTORE_ROOT: str(self.store),
            task_environment.FLOW_NAME: "F",
            task_environment.EXECUTION_ID: "e1",
            task_environment.LAYER_NAME: "A",
            task_environment.PACK: "2 4096 A B C D",
            task_environment.BATCH_JOB: "job-1",
            task_environment.BATCH_ATTEMPT: str(start),
            **variables,
        }

    def begin(self, start: int = 1, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.file)],
            env=self.environment(start, **variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, start: int = 1, **variables: str) -> tuple[int, str]:
        process = self.begin(start, **variables)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    @property
    def runs(self) -> list[str]:
        file = self.store / "runs"
        return sorted(file.read_text(encoding="utf-8").split()) if file.exists() else []

    @property
    def result(self) -> str:
        """What an application reads of the last layer."""
        script = "import main; print(main.flow.execution('e1').layer('D').x)"
        environment = {**os.environ, "STORE": str(self.store)}
        return subprocess.run(
            [sys.executable, "-c", script],
            cwd=self.file.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()[-1]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job in a folder."""
    return Job(tmp_path)


def test_layers_are_forked_from_a_process_that_read_the_file_once(job: Job) -> None:
    """Each has its attempts, its `Catch` and its commit, and reads what others stored."""
    code, output = job.run()
    assert (code, job.result) == (0, "112")
    assert job.runs == ["A1", "B1", "C1", "D1"]
    assert output.count("file\n") == 1
    assert re.findall(r"laminar: layer '(\w)' finished", output)[-1] == "D"


def test_where_a_fork_is_not_safe_each_layer_is_a_new_process(job: Job) -> None:
    """A thread that the file starts is one reason."""
    thread = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    job.file.write_text(thread + FLOW, encoding="utf-8")
    code, output = job.run(FAILS="2")
    assert (code, job.result) == (0, "112")
    assert output.count("file") == 6
    assert job.runs == ["A1", "B1", "B2", "C1", "D1"]


def test_a_layer_runs_again_and_fails_for_good(job: Job) -> None:
    """After its last attempt the job ends with the code after which AWS Batch does not start it again."""
    code, output = job.run(FAILS="9")
    assert code == FINAL
    assert "ValueError: no luck" in output
    assert job.runs == ["A1", "B1", "B2", "B3", "C1"]
    # A resume has the attempts of its own, and does not run again what finished.
    code, _ = job.run(LAMINAR_EXECUTION_ID="e1@resume-1", AWS_BATCH_JOB_ID="job-2")
    assert (code, job.result) == (0, "112")
    assert job.runs == ["A1", "B1", "B1", "B2", "B3", "C1", "D1"]


_IMPORT, _CALL = (
    "from laminar_runtime.configurations.layers",
    "    def __call__(self, a: A):\n        say(self)\n        if",
)
_HOOK = """    @hooks.entry
    def enter(self, a: A):
        print("asked", flush=True)
        return a.x == ENTERS

"""
#: Whether B runs, its entry hook decides, and D depends on it.
SKIPS = FLOW.replace(_IMPORT, f"from laminar_runtime.configurations import hooks\n{_IMPORT}").replace(
    _CALL, _HOOK + _CALL
)


@pytest.mark.parametrize("forks", ["", "0"])
def test_a_layer_that_may_be_skipped_is_asked_about_in_its_own_process(job: Job, forks: str) -> None:
    """If it does not run, neither does what depends on it, and the job succeeds; if it runs, its hook is asked once."""
    job.file.write_text(SKIPS.replace("ENTERS", "2"), encoding="utf-8")
    code, output = job.run(LAMINAR_FORKS=forks)
    assert code == 0, output
    assert job.runs == ["A1", "C1"]
    assert re.findall(r"layer '(\w)' is skipped", output) == ["B", "D"]
    job.file.write_text(SKIPS.replace("ENTERS", "1"), encoding="utf-8")
    code, output = job.run(LAMINAR_EXECUTION_ID="e2", FAILS="3", LAMINAR_FORKS=forks)
    assert (code, output.count("asked")) == (0, 1), output
    assert job.runs == ["A1", "A1", "B1", "B2", "B3", "C1", "C1", "D1"]


def test_a_process_that_ends_within_a_hook_decided_nothing(job: Job) -> None:
    """The next attempt asks: it ran a layer that no hook had let in."""
    ends = 'first = os.path.join(os.environ["STORE"], "first")\n'
    ends += (
        "        if not os.path.exists(first):\n            open(first, 'w').close()\n            os._exit(1)\n        "
    )
    job.file.write_text(SKIPS.replace("return a.x == ENTERS", f"{ends}return a.x == 2"), encoding="utf-8")
    code, output = job.run()
    assert (code, output.count("asked")) == (0, 2), output
    assert job.runs == ["A1", "C1"]


@pytest.mark.parametrize(("first", "runs"), [("1", ["A1", "B1", "B1", "C1", "D1"]), ("2", ["A1", "C1"])])
def test_what_was_decided_holds_for_another_start_of_the_job(job: Job, first: str, runs: list[str]) -> None:
    """A layer that a hook let in runs to its end, and one that was skipped stays so, whatever the hook says then."""
    job.file.write_text(SKIPS.replace("ENTERS", first), encoding="utf-8")
    process = job.begin(SLOW="1", LAMINAR_PACK="1 2048 A B C D")
    assert process.stdout is not None
    wanted = "layer 'B' is skipped" if first == "2" else "asked"
    for line in process.stdout:
        if wanted in line:
            break
    while first == "1" and "B1" not in job.runs:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)
    job.file.write_text(SKIPS.replace("ENTERS", "2" if first == "1" else "1"), encoding="utf-8")
    code, output = job.run(2, LAMINAR_PACK="1 2048 A B C D")
    assert (code, output.count("asked")) == (0, 0), output
    assert job.runs == runs or (first == "2" and job.runs == ["A1", "C1", "C1"])


def test_a_hook_that_fails_fails_its_layer_for_good(job: Job) -> None:
    """As with a planner: another attempt at the layer does not help."""
    job.file.write_text(SKIPS.replace("ENTERS", "1 / 0"), encoding="utf-8")
    code, output = job.run()
    assert code == FINAL
    assert output.count("asked") == 1
    assert "entry hook 'enter' of layer 'B' of flow 'F' failed in execution e1: ZeroDivisionError" in output


def test_a_layer_that_ends_the_process_does_not_end_the_job(job: Job) -> None:
    """What has no commit has not finished, whatever its exit code is."""
    job.file.write_text(FLOW.replace("self.x = 1\n", "os._exit(0)\n"), encoding="utf-8")
    code, output = job.run()
    assert code == FINAL
    assert "layer 'A' failed for good" in output


def test_a_job_passes_signals_on(job: Job) -> None:
    """AWS sends them before it reclaims capacity: the layers end, and the job is one that was stopped."""
    job.file.write_text(FLOW.replace("class F(Flow)", "import signal\nclass F(Flow)"), encoding="utf-8")
    process = job.begin(SLOW="30")
    while not job.runs and process.poll() is None:
        time.sleep(0.02)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM, output
    assert time.monotonic() - started < 10


def test_a_job_that_is_killed_goes_on_when_it_is_started_again(job: Job) -> None:
    """As after a lack of memory or a reclaim, at any moment: what finished does not run again."""
    chance = random.Random(7)  # noqa: S311 - the same moments each time
    for start in range(1, size(4, 25)):
        process = job.begin(start, SLOW="0.1")
        time.sleep(chance.uniform(0.1, 0.9))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    code, output = job.run(30)
    assert (code, job.result) == (0, "112"), output
    finished = re.findall(r"laminar: layer '(\w)' begins", output)
    assert len(finished) == len(set(finished))


@settings(max_examples=size(4, 60), deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    kills=st.lists(st.tuples(st.booleans(), st.floats(0.05, 1.3)), min_size=1, max_size=4),
    enters=st.sampled_from([None, 1, 2]),
    forks=st.sampled_from(["", "", "0"]),
)
def test_a_job_that_is_killed_is_resumed(kills: list[tuple[bool, float]], enters: int | None, forks: str) -> None:
    """Whenever it was killed, resumes and starts go on: the artifacts are those of an undisturbed run."""
    with tempfile.TemporaryDirectory(prefix="packed-") as folder:
        job = Job(Path(folder))
        if enters is not None:
            job.file.write_text(SKIPS.replace("ENTERS", str(enters)), encoding="utf-8")
        resumes, start = 0, 1
        for resumed, moment in kills:
            process = job.begin(start, SLOW="0.1", LAMINAR_FORKS=forks, **resume(resumes))
            time.sleep(moment)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            # A resume has attempts of its own. AWS Batch starts a job again that was killed from outside.
            resumes, start = (resumes + 1, 1) if resumed else (resumes, start + 1)
        code, output = job.run(LAMINAR_FORKS=forks, **resume(resumes + 1))
        assert code == 0, output
        if enters == 2:
            assert {run[0] for run in job.runs} == {"A", "C"}
        else:
            assert job.result == "112"
        begun = re.findall(r"laminar: layer '(\w)' begins", output)
        assert len(begun) == len(set(begun))


def resume(number: int) -> dict[str, str]:
    """Return the variables of the job of a resume; those of the first execution for 0."""
    if not number:
        return {}
    return {"LAMINAR_EXECUTION_ID": f"e1@resume-{number}", "AWS_BATCH_JOB_ID": f"job-{number}-resumed"}


@pytest.mark.parametrize(
    ("code", "safe"),
    [
        ("", True),
        ("import socket; kept = socket.socket()", False),
        ("import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()", False),
        ("import numpy; numpy.ones((300, 300)) @ numpy.ones((300, 300))", True),
    ],
)
def test_whether_a_fork_is_safe(code: str, *, safe: bool) -> None:
    """Connections and threads are lost in a child; the threads of OpenBLAS end at a fork and start again."""
    script = f"{code}\nfrom laminar_runtime.process import forking; print(forking.is_safe())"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout == f"{safe}\n"
