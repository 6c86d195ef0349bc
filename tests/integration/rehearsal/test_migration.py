"""The lines of the page about Metaflow run: in memory and in processes here, and as jobs of the embedded AWS.

tests/unit/codegen/test_migration.py holds what they compile to.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_codegen.rehearsal.sample_event import start_by_event
from laminar_codegen.rehearsal.testing import Rehearsals
from laminar_runtime import Execution, each
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.testing import run_flow
from tests.support.migration import PAGE, lines_of, rest_of

HEAD = """
import os
import time

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import EFS, Catch, Container, ForEach, Host, Parameter, Retry
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.configurations.triggers import After, Event

class Report(Flow): ...
"""
LAYER = """
@Report.register({here})
class {name}(Layer):
    def __call__(self) -> None:
        {body}
"""
TAIL = """
flow = Report({scheduler})
if __name__ == "__main__" and flow:
    flow()
"""


class Line(NamedTuple):
    """What a line means.

    job     the members that its job has, of DescribeJobs
    body    what its layer does; by default it is done
    """

    job: Mapping[str, Any]
    body: str = "self.seen = True"


def container(**members: Any) -> Mapping[str, Any]:
    """Return the members of a job whose container has some."""
    return {"container": members}


def linux(**members: Any) -> Mapping[str, Any]:
    """Return the members of a job whose container has some parameters of Linux."""
    return container(linuxParameters=members)


def size(**members: int) -> Mapping[str, Any]:
    """Return the members of a job whose container has some resources."""
    return container(resourceRequirements=[{"type": name, "value": str(value)} for name, value in members.items()])


def volume(**members: Any) -> Mapping[str, Any]:
    """Return the members of a job whose container has a volume."""
    return container(volumes=[members])


#: Each line of the table of steps, by its first column.
STEPS: Mapping[str, Line] = {
    "@batch(cpu=4, memory=8192)": Line(size(VCPU=4, MEMORY=8192)),
    '@batch(image="registry.example/a:1")': Line(container(image="registry.example/a:1")),
    "@batch(gpu=1)": Line(size(GPU=1)),
    "@batch(ephemeral_storage=100)": Line(container(ephemeralStorage={"sizeInGiB": 100})),
    '@batch(queue="big")': Line({"jobQueue": "arn:aws:batch:us-east-1:123456789012:job-queue/big_job_queue"}),
    '@batch(iam_role="loader")': Line(container(jobRoleArn="arn:aws:iam::123456789012:role/Report-loader")),
    '@batch(aws_batch_tags={"team": "data"})': Line({"tags": {"team": "data"}}),
    "@batch(shared_memory=1024)": Line(linux(sharedMemorySize=1024)),
    '@batch(use_tmpfs=True, tmpfs_path="/scratch", tmpfs_size=512)': Line(
        linux(tmpfs=[{"containerPath": "/scratch", "size": 512}])
    ),
    "@batch(max_swap=2048)": Line(linux(maxSwap=2048)),
    "@batch(max_swap=2048, swappiness=10)": Line(linux(maxSwap=2048, swappiness=10)),
    "@batch(inferentia=1)": Line(linux(devices=[{"hostPath": "/dev/neuron0"}])),
    "@batch(efa=1)": Line(linux(devices=[{"hostPath": "/dev/infiniband/uverbs0"}])),
    '@batch(efs_volumes=["fs-0123456789abcdef0"])': Line(
        volume(efsVolumeConfiguration={"fileSystemId": "fs-0123456789abcdef0"}),
        'self.seen = EFS("fs-0123456789abcdef0", mount="/mnt/fs-0123456789abcdef0").path.is_dir()',
    ),
    '@batch(host_volumes=["/home"])': Line(
        volume(host={"sourcePath": "/home"}), 'self.seen = Host("/home", mount="/home").path.is_dir()'
    ),
    "@resources(cpu=2, memory=4096)": Line(size(VCPU=2, MEMORY=4096)),
    '@environment(vars={"MODE": "fast"})': Line(
        container(environment=[{"name": "MODE", "value": "fast"}]), 'self.seen = os.environ.get("MODE") == "fast"'
    ),
    '@secrets(sources=["report/token"])': Line(
        container(secrets=[{"name": "TOKEN"}]), 'self.seen = os.environ.get("TOKEN") == "secret"'
    ),
    # A minute more than the line has would take a minute: it is shortened where the layer must be ended by it.
    "@timeout(minutes=5)": Line(
        {"timeout": {"attemptDurationSeconds": 300}},
        'time.sleep(float(os.environ.get("LATE", "0"))); self.seen = True',
    ),
    "@retry(times=3, minutes_between_retries=2)": Line({}, "assert self.attempt == 4; self.seen = True"),
    '@catch(var="error")': Line({}, "self.seen = True; raise ValueError"),
}
#: A line that has nothing in the document.
PLAIN = '@catch(var="error")'
#: What only another process has.
IN_PROCESSES = ('@environment(vars={"MODE": "fast"})', '@secrets(sources=["report/token"])')


def _steps() -> list[tuple[str, str]]:
    """Return the lines of the table of steps: in Metaflow, and here."""
    return [(before, here) for before, here, _ in lines_of(PAGE) if not here.startswith("AWS.")]


def _name(before: str) -> str:
    """Return the name of the layer of a line."""
    return "L" + re.sub(r"\W", "", before.title())


def _write(file: Path, lines: list[tuple[str, str]], scheduler: str = "") -> Path:
    layers = [LAYER.format(here=here, name=_name(before), body=STEPS[before].body) for before, here in lines]
    file.write_text(HEAD + "".join(layers) + TAIL.format(scheduler=scheduler))
    return file


STEP = pytest.mark.parametrize("before", [before for before, _ in _steps()])


def test_each_line_has_a_meaning_here() -> None:
    """None is left out."""
    assert [before for before, _ in _steps()] == [*STEPS]


@pytest.fixture(scope="module")
def in_memory(tmp_path_factory: pytest.TempPathFactory) -> Execution:
    """Run the flow of all lines in this process."""
    folder = tmp_path_factory.mktemp("memory")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # volumes are folders of it
        return run_flow(_flow_of(_write(folder / "report.py", _steps())))


@STEP
def test_a_step_runs_in_memory(before: str, in_memory: Execution) -> None:
    """Its layer does what the line says, but for variables, which a process of its own has."""
    assert in_memory.layer(_name(before)).seen is (before not in IN_PROCESSES)


def _run(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TOKEN": "secret", **variables}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


@pytest.fixture(scope="module")
def in_processes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bool]:
    """Run the lines about processes as a program. Gives what its layers have seen, by their names."""
    folder = tmp_path_factory.mktemp("processes")
    file = _write(folder / "report.py", [line for line in _steps() if line[0] in IN_PROCESSES])
    names = [_name(before) for before in IN_PROCESSES]
    shown = f"import json; print(json.dumps({{name: flow().layer(name).seen for name in {names}}}))"
    file.write_text(file.read_text().replace("    flow()", f"    {shown}"))
    ended = _run(folder, "report.py")
    assert ended.returncode == 0, ended.stderr
    seen: dict[str, bool] = json.loads(ended.stdout.splitlines()[-1])
    return seen


@pytest.mark.parametrize("before", IN_PROCESSES)
def test_a_step_runs_in_a_process(before: str, in_processes: Mapping[str, bool]) -> None:
    """It has the variables of its container, and its secrets from the shell."""
    assert in_processes[_name(before)] is True


def test_a_step_is_ended_by_its_timeout(tmp_path: Path) -> None:
    """The line with a second in place of its minutes ends a layer that takes longer."""
    before = "@timeout(minutes=5)"
    (here,) = [here for other, here in _steps() if other == before]
    assert "timeout=300" in here
    _write(tmp_path / "report.py", [(before, here.replace("timeout=300", "timeout=1"))])
    ended = _run(tmp_path, "report.py", LATE="60")
    assert ended.returncode == 1
    assert "did not end within 1 second" in ended.stderr, ended.stderr


Jobs = Mapping[str, list[Mapping[str, Any]]]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    """Rehearse the flow of all lines, whose layers do what they should. Gives their jobs, by name."""
    file = _write(tmp_path_factory.mktemp("steps") / "report.py", _steps())
    with pytest.MonkeyPatch.context() as patch, contextlib.closing(Rehearsals(file.parent)) as rehearsals:
        patch.setenv("TOKEN", "secret")
        execution = rehearsals(file)
        assert [before for before, _ in _steps() if execution.layer(_name(before)).seen is not True] == []
        return _jobs_of(rehearsals.client(file, "batch"))


def _jobs_of(batch: Any) -> Jobs:
    """Return the jobs that have ended, by their names."""
    queues = [queue["jobQueueArn"] for queue in batch.describe_job_queues()["jobQueues"]]
    listed = [
        job["jobId"]
        for queue in queues
        for status in ("SUCCEEDED", "FAILED")
        for job in batch.list_jobs(jobQueue=queue, jobStatus=status)["jobSummaryList"]
    ]
    found: dict[str, list[Mapping[str, Any]]] = {}
    for job in batch.describe_jobs(jobs=listed)["jobs"]:
        found.setdefault(job["jobName"], []).append(job)
    return found


@STEP
def test_a_step_runs_as_a_job(before: str, jobs: Jobs) -> None:
    """Its job has what the line says, and no job of a layer without the line has it."""
    own = jobs[f"Report-{_name(before)}"]
    assert len(own) == (4 if before.startswith("@retry") else 1)
    assert all(_has(job, STEPS[before].job) for job in own), own
    if STEPS[before].job:
        plain = jobs[f"Report-{_name(PLAIN)}"]
        assert not any(_has(job, STEPS[before].job) for job in plain)


def _has(value: Any, expected: Any) -> bool:
    """Return whether a value has the expected members; of lists each expected item is one of the items."""
    if isinstance(expected, Mapping):
        return isinstance(value, Mapping) and all(_has(value.get(name), item) for name, item in expected.items())
    if isinstance(expected, list):
        return isinstance(value, list) and all(any(_has(item, one) for item in value) for one in expected)
    return bool(value == expected)


ORDER = {"source": "shop", "detail-type": "order", "id": "7", "detail": {}}
ENDED = {
    "source": "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    "detail": {
        "executionArn": "arn:aws:states:us-east-1:123456789012:execution:Import:e1",
        "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:Import",
        "name": "e1",
        "status": "SUCCEEDED",
        "stopDate": 1767247200000,
    },
}
#: Each line of the table of flows: the event that starts the flow, or the expression and the time zone of its schedule.
FLOWS: Mapping[str, Mapping[str, Any] | tuple[str, str]] = {
    "@schedule(daily=True)": ("cron(0 0 * * ? *)", "UTC"),
    '@schedule(cron="0 6 * * ? *", timezone="Europe/Berlin")': ("cron(0 6 * * ? *)", "Europe/Berlin"),
    '@trigger(event="order")': ORDER,
    '@trigger_on_finish(flow="Import")': ENDED,
}
FLOW_LINES = [(before, here) for before, here, _ in lines_of(PAGE) if here.startswith("AWS.")]


def test_each_line_of_a_flow_is_started() -> None:
    """None is left out."""
    assert [before for before, _ in FLOW_LINES] == [*FLOWS]


@pytest.mark.parametrize(("before", "here"), [pytest.param(*line, id=line[0]) for line in FLOW_LINES])
def test_a_flow_is_started(before: str, here: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the line says starts the deployed flow, which runs to its end; here a call does."""
    file = tmp_path / "report.py"
    layer = LAYER.format(here="", name="A", body="self.seen = True")
    file.write_text(HEAD + layer + TAIL.format(scheduler=f"scheduler={here}"))
    (tmp_path / "image").mkdir()
    assert run_flow(_flow_of(file)).layer("A").seen is True
    with EmbeddedAws(workspace=Workspace(lay_out(file, tmp_path / "image")), enforces=True) as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        deployment = deploy(compile_flow(str(file)), aws)
        execution = deployment.execution(_start(aws, deployment, FLOWS[before])).wait(timeout=60)
        assert execution.layer("A").seen is True


def _start(aws: EmbeddedAws, deployment: Deployment, start: Mapping[str, Any] | tuple[str, str]) -> str:
    """Start a flow as EventBridge does. Gives the name of its execution."""
    if isinstance(start, Mapping):
        (name,) = start_by_event(start, aws, deployment)
        return name
    (listed,) = aws.client("scheduler").list_schedules()["Schedules"]
    schedule = aws.client("scheduler").get_schedule(Name=listed["Name"])
    assert (schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]) == start
    target = schedule["Target"]
    given = target.get("Input", "{}").replace("<aws.scheduler.execution-id>", "1")
    started = aws.client("stepfunctions").start_execution(stateMachineArn=target["Arn"], input=given)
    return str(started["executionArn"].rpartition(":")[2])


REST = """
import time
from pathlib import Path

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import ForEach, Parameter

#: A layer fails while it is there.
BROKEN = Path(__file__).resolve().parent / "broken"


class Rest(Flow): ...


@Rest.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(parts=range(parameters.count))


@Rest.register(foreach=ForEach(parameters=[Parameter(Load, "parts")], max_concurrency=1))
class Work(Layer):
    def __call__(self, load: Load) -> None:
        begun = time.time()
        print("split", self.index)
        self.part = load.parts
        self.times = (begun, time.time())


@Rest.register(foreach=ForEach(parameters=[Parameter(Load, "parts")], tolerated_failures=3))
class Tolerant(Layer):
    def __call__(self, load: Load) -> None:
        if load.parts == 2:
            raise ValueError("a bad item")
        self.part = load.parts


@Rest.register
class Join(Layer):
    def __call__(self, work: Work, tolerant: Tolerant, parameters: Parameters) -> None:
        if BROKEN.exists():
            raise RuntimeError("broken")
        self.parts = sorted(work.part)
        self.day = parameters.day


flow = Rest()
if __name__ == "__main__" and flow:
    flow(day="2026-01-31", count=5)
"""


class Rest(NamedTuple):
    """The flow of the last table, as it has run.

    folder   the folder of its file
    program  how `python rest.py` ended: its last layer failed
    resumed  how `laminar resume` ended then
    id       the execution
    results  what its layers have stored on this machine, and in an execution of the deployed flow
    """

    folder: Path
    program: subprocess.CompletedProcess[str]
    resumed: subprocess.CompletedProcess[str]
    id: str
    results: tuple[Mapping[str, Any], Mapping[str, Any]]

    def laminar(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of laminar in the folder."""
        return _run(self.folder, "-m", "laminar_runtime.command.main", *words)


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Rest:
    """Run the flow of the last table: as a program, which is resumed, and deployed."""
    folder = tmp_path_factory.mktemp("rest")
    file = folder / "rest.py"
    file.write_text(REST)
    (folder / "broken").touch()
    program = _run(folder, "rest.py")
    (found,) = re.findall(r"laminar resume rest.py (\S+)", program.stderr)
    (folder / "broken").unlink()
    resumed = _run(folder, "-m", "laminar_runtime.command.main", "resume", "rest.py", found)
    with pytest.MonkeyPatch.context() as patch, contextlib.closing(Rehearsals(folder)) as rehearsals:
        patch.chdir(folder)
        here = _stored(_flow_of(file).execution(found))
        deployed = _stored(rehearsals(file, day="2026-01-31", count=5))
    return Rest(folder, program, resumed, found, (here, deployed))


def _flow_of(file: Path) -> Any:
    """Return the flow of a file."""
    names: dict[str, Any] = {"__name__": file.stem, "__file__": str(file)}
    exec(file.read_text(), names)  # noqa: S102 - the test's own text
    return names["flow"]


def _stored(execution: Execution) -> Mapping[str, Any]:
    """Return what the layers of an execution have stored."""
    work, join = execution.layer("Work"), execution.layer("Join")
    return {
        "part": [*work.part],
        "times": [*work.times],
        "tolerated": [*each(execution.layer("Tolerant"), lambda split: split.part)],
        "joined": join.parts,
        "day": join.day,
    }


def _fans_out(rest: Rest) -> None:
    assert [results["part"] for results in rest.results] == [[*range(5)]] * 2


def _is_limited(rest: Rest) -> None:
    """One split begins after the other has ended."""
    for results in rest.results:
        spans = sorted(results["times"])
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans)), spans


def _tolerates(rest: Rest) -> None:
    assert [results["tolerated"] for results in rest.results] == [[0, 1, 3, 4]] * 2


def _has_many_splits(rest: Rest) -> None:
    """More than the 100 that Metaflow takes unless `--max-num-splits` says otherwise."""
    flow = _flow_of(rest.folder / "rest.py")
    assert [*run_flow(flow, day="", count=101).layer("Work").part] == [*range(101)]


def _joins(rest: Rest) -> None:
    assert [results["joined"] for results in rest.results] == [[*range(5)]] * 2


def _has_parameters(rest: Rest) -> None:
    assert [results["day"] for results in rest.results] == ["2026-01-31"] * 2


def _runs(rest: Rest) -> None:
    """Both commands of the line run the layers."""
    assert "layer Work: began" in rest.program.stderr
    ended = rest.laminar("run", "--param", "day=1", "--param", "count=3", "rest.py")
    assert (ended.returncode, "layer Work: began" in ended.stderr) == (0, True), ended.stderr


def _resumes(rest: Rest) -> None:
    """Only what has not finished runs again."""
    assert (rest.program.returncode, rest.resumed.returncode) == (1, 0), rest.resumed.stderr
    assert "layer Join: began" in rest.resumed.stderr
    assert "layer Work: began" not in rest.resumed.stderr


def _prints_logs(rest: Rest) -> None:
    ended = rest.laminar("logs", "rest.py", rest.id, "Work[3]")
    assert (ended.returncode, ended.stdout) == (0, "split 3\n"), ended.stderr


def _is_compiled(rest: Rest) -> None:
    ended = _run(rest.folder, "-m", "laminar_codegen", "rest.py")
    assert "aws_sfn_state_machine" in json.loads(ended.stdout)["resource"], ended.stderr


def _needs_no_service(rest: Rest) -> None:
    """Another process reads in the datastore what happened."""
    ended = rest.laminar("results", "rest.py", rest.id)
    assert (ended.returncode, "2026-01-31" in ended.stdout) == (0, True), ended.stderr


#: Each line of the last table, by the beginning of its first column.
RESTS: Mapping[str, Callable[[Rest], None]] = {
    "`self.next(self.work, foreach=": _fans_out,
    "`--max-workers 8`": _is_limited,
    "`@catch` of a step with `foreach`": _tolerates,
    "`--max-num-splits`": _has_many_splits,
    "a join step with `inputs`": _joins,
    "`Parameter(": _has_parameters,
    "`python flow.py run`": _runs,
    "`python flow.py resume`": _resumes,
    "`python flow.py logs": _prints_logs,
    "`python flow.py step-functions create`": _is_compiled,
    "the metadata service": _needs_no_service,
}


@pytest.mark.parametrize("line", rest_of(PAGE))
def test_a_line_of_the_rest_runs(line: str, rest: Rest) -> None:
    """What is no decorator does what the line says, here and deployed."""
    (check,) = [check for beginning, check in RESTS.items() if line.startswith(beginning)]
    check(rest)


def test_no_line_of_the_rest_is_gone() -> None:
    """Each check has its line."""
    assert len(rest_of(PAGE)) == len(RESTS)
