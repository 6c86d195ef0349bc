"""Children of an array job that claim splits: they survive a kill, and a resume runs what failed, and nothing else."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pathlib import Path

import boto3
import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.storage import failures

FLOW = """
import os, signal, time
from pathlib import Path
from laminar_runtime import Flow, Layer, each
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry
from laminar_runtime.settings import current

HERE = Path(__file__).resolve().parent
if current.layer.name == "One":
    os.environ["LAMINAR_FORKS"] = "0"
with (HERE / "imports.txt").open("a") as imports:
    imports.write(f"{current.layer.name}\\n")
assert current.layer.name not in {"Work", "One"} or current.layer.index is None or "LAMINAR_LAYER_INDEX" in os.environ

def note(text):
    with (HERE / "log.txt").open("a") as log:
        log.write(f"{text}\\n")

class Report(Flow): ...

@Report.register
class Load(Layer):
    part: int

    def __call__(self) -> None:
        self.shard(part=range(6))

OVER = [Parameter(Load, "part")]

@Report.register(foreach=ForEach(OVER, max_concurrency=2), retry=Retry(attempts=2, delay=0, jitter=0))
class Work(Layer):
    done: int

    def __call__(self, load: Load) -> None:
        note(f"Work {self.index} {self.attempt}")
        if self.index == 1 and not (HERE / "killed").exists():
            (HERE / "killed").touch()
            os.kill(os.getppid(), signal.SIGKILL)  # the container of this child ends
            time.sleep(60)
        if self.index == 5 and self.attempt == 1:
            os._exit(7)
        if self.index == 4 and (HERE / "broken").exists():
            raise ValueError("broken")
        self.done = load.part * 2
        self.child = os.environ["AWS_BATCH_JOB_ARRAY_INDEX"] if "AWS_BATCH_JOB_ARRAY_INDEX" in os.environ else "none"

@Report.register(foreach=ForEach(OVER, max_concurrency=1, tolerated_failures=1))
class One(Layer):
    plain: bool

    def __call__(self, load: Load, work: Work) -> None:
        note(f"One {self.index} {self.attempt}")
        if self.index == 2 or self.index == 3 and (HERE / "worse").exists():
            raise ValueError("bad item")
        self.plain = "AWS_BATCH_JOB_ARRAY_INDEX" not in os.environ

@Report.register(foreach=ForEach(OVER, splits_per_job=3, splits_at_once=2))
class Many(Layer):
    times: tuple

    def __call__(self, load: Load, one: One) -> None:
        began = time.time()
        time.sleep(1)
        self.times = (os.environ["AWS_BATCH_JOB_ARRAY_INDEX"], began, time.time())

@Report.register
class Sum(Layer):
    def __call__(self, work: Work, one: One, many: Many) -> None:
        self.times = list(many.times)
        self.total = sum(each(work, lambda work: work.done))
        self.children, plain = set(work.child), each(one, lambda one: one.plain)
        self.plain, self.missing, self.failed = all(plain), plain.missing, one.state.failed

if flow := Report():
    flow()
"""


def test_a_killed_child_and_a_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each split runs once, but for the attempt whose container ended, which does not count, and those that failed.

    A layer that tolerates one failure fails with two. Then a resume runs both again, and goes on with one.
    """
    (tmp_path / "flow.py").write_text(FLOW)
    (tmp_path / "broken").touch()
    (tmp_path / "worse").touch()
    (tmp_path / "image").mkdir()
    workspace = Workspace(directory=lay_out(tmp_path / "flow.py", tmp_path / "image"))
    with EmbeddedAws(workspace=workspace) as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        compilation = compile_flow(str(tmp_path / "flow.py"))
        deployment, flow = deploy(compilation, aws), compilation.source.flow
        flow.configuration.scheduler = AWS.StepFunctions()
        flow._datastore = None
        execution = flow()
        why = r"ended FAILED: layer 'Work' \(split 4 of 0 to 5\) .* failed on attempt 2: ValueError: broken"
        with pytest.raises(ExecutionError, match=why):
            execution.wait(timeout=120)
        log = tmp_path / "log.txt"
        twice = [*(f"Work {index} {attempt}" for index in (4, 5) for attempt in (1, 2)), "Work 1 1", "Work 1 1"]
        assert sorted(log.read_text().splitlines()) == sorted([*twice, *(f"Work {index} 1" for index in (0, 2, 3))])
        failed = failures.read(flow.datastore.transport, execution.key("Work"), every=True)
        assert [(one.index, one.attempt, one.kind, one.exit_code) for one in failed] == [
            (4, 1, "error", None),
            (4, 2, "error", None),
            (5, 1, "exited", 7),
        ]
        (tmp_path / "broken").unlink()
        log.write_text("")
        why = r"layer 'One' .*: 2 of its splits did not finish \(splits 2-3 of 0 to 5\), and tolerated"
        with pytest.raises(ExecutionError, match=why):
            flow.execution(str(execution.id)).resume().wait(timeout=120)
        assert sorted(log.read_text().splitlines()) == [*(f"One {index} 1" for index in range(6)), "Work 4 1"]
        (tmp_path / "worse").unlink()
        log.write_text("")
        resumed = flow.execution(str(execution.id)).resume().wait(timeout=120)
        assert sorted(log.read_text().splitlines()) == ["One 2 1", "One 3 1"]
        found = resumed.layer("Sum")
        assert (found.total, found.plain, found.missing, found.failed) == (30, True, (2,), (2,))
        assert found.children <= {"0", "1"}
        # The planner and two jobs import the flow once each; a job runs two splits at once.
        imports = Counter((tmp_path / "imports.txt").read_text().splitlines())
        assert imports["Many"] == 3
        assert imports["One"] > 8  # for each of its eight splits
        for child in ("0", "1"):
            times = sorted((began, ended) for job, began, ended in found.times if job == child)
            assert len(times) >= 2
            assert times[1][0] < times[0][1]
            assert all(third[0] > min(first[1], second[1]) for first, second, third in itertools.combinations(times, 3))
        arn = deployment.execution_arn(str(execution.id))
        history = boto3.client("stepfunctions").get_execution_history(executionArn=arn, maxResults=1000)["events"]
        entered = Counter(event["type"] for event in history)
        # Load, and three of each fan-out; after the redrive, the job again.
        assert entered["TaskStateEntered"] <= 9
        bucket, prefix = re.fullmatch(r"s3://([^/]+)/?(.*)", flow.datastore.root).groups()  # type: ignore[union-attr]
        listed = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
        claimed = [item["Key"] for item in listed if "/.claims/" in item["Key"]]
        assert len({key.rpartition("/")[0] for key in claimed if "/Work/.claims/-/" in key}) == 1  # of one job
        assert len([key for key in claimed if "/Work/.claims/-/1-0.2/" in key]) == 7  # one for each split, one failed
