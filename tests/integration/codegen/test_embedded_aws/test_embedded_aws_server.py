"""Entering and leaving the embedded AWS."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace

SCRIPT = """
import copy, gc, json, os, sys, threading, time
from pathlib import Path
import laminar_codegen.rehearsal.aws as embedded
heavy = [name for name in ("moto", "flask", "boto3", "botocore") if name in sys.modules]
assert not heavy, heavy
sys.path.insert(0, sys.argv[2])
profile = os.environ.pop("AWS_PROFILE", None)  # moto alone cannot be imported with a missing one
import embedded_aws_bench
from moto.core.config import default_user_config
from moto.awslambda.models import LambdaFunction
from moto.s3.models import FakeBucket
from moto.stepfunctions.models import StepFunctionBackend
from moto.stepfunctions.responses import StepFunctionResponse
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
if profile:
    os.environ["AWS_PROFILE"] = profile

def functions():
    classes = [LambdaFunction, FakeBucket, StepFunctionResponse, StepFunctionBackend]
    return {(owner, name): value for owner in classes for name, value in vars(owner).items() if callable(value)}

def state():
    return {"configuration": copy.deepcopy(default_user_config), "environment": dict(os.environ),
            "variables": dict(BOTOCORE_DEFAUT_SESSION_VARIABLES), "functions": functions(),
            "collection": gc.get_threshold()}

before = state()
for times in range(2):
    try:
        aws = embedded.EmbeddedAws(workspace=embedded.Workspace(Path(sys.argv[1])))
        with aws:
            embedded_aws_bench.make_queue(aws)
            aws.client("s3").create_bucket(Bucket="any")
            aws.client("lambda").list_functions()
            bench = embedded_aws_bench.Bench(aws, Path(sys.argv[1]))
            job = bench.submit(bench.define(["sh", "-c", "echo $$ > pid; sleep 60"]))
            waits = {"Type": "Wait", "Seconds": 99, "End": True}
            execution = bench.start(bench.machine({"W": waits}))
            bench.until(job, "RUNNING")
            while not (Path(sys.argv[1]) / "pid").exists():
                time.sleep(0.01)
            assert gc.get_threshold() > before["collection"]  # objects of moto's stay
            assert functions() == before["functions"]  # nothing of moto is replaced
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert state() == before
    pid = int((Path(sys.argv[1]) / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()
    assert not aws.logs.exists()
    (Path(sys.argv[1]) / "pid").unlink()
print("done")
"""


def run_script(script: str, *arguments: str, environment: Mapping[str, str]) -> str:
    """Return what a Python text prints in a process of its own."""
    root = str(Path(__file__).parents[4])
    path = [root, *(os.environ.get("PYTHONPATH") or "").split(os.pathsep)]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {
            "AWS_PROFILE": "missing",
            "AWS_ENDPOINT_URL": "http://192.0.2.1",
            "HTTP_PROXY": "http://192.0.2.1",
            "AWS_USE_FIPS_ENDPOINT": "true",
        },
    ],
    ids=["nothing", "misleading"],
)
def test_everything_is_as_before(tmp_path: Path, environment: dict[str, str]) -> None:
    """Interrupted with jobs and executions running, it leaves nothing changed and nothing running.

    So it is whatever AWS settings are around it. Importing it imports nothing heavy.
    """
    here = str(Path(__file__).parent)
    printed = run_script(SCRIPT, str(tmp_path), here, environment=environment)
    assert printed == "done\n"


def test_one_at_a_time(bench: object, tmp_path: Path) -> None:
    """There is one set of moto's accounts per process, so a second embedded AWS is refused."""
    del bench
    with (
        pytest.raises(RuntimeError, match="already entered"),
        EmbeddedAws(workspace=Workspace(tmp_path)),
    ):
        pass


RESET = """
import sys
from pathlib import Path
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
sys.path.insert(0, sys.argv[2])
import embedded_aws_bench
with EmbeddedAws(workspace=Workspace(Path(sys.argv[1]))) as aws:
    for times in range(2):
        embedded_aws_bench.make_queue(aws)
        bench = embedded_aws_bench.Bench(aws, Path(sys.argv[1]))
        job = bench.submit(bench.define(["sleep", "60"]))
        bench.until(job, "RUNNING")
        aws.reset()
        assert aws.client("batch").describe_jobs(jobs=[job])["jobs"] == []
        assert aws.client("batch").describe_job_queues()["jobQueues"] == []
print("done")
"""


def test_reset(tmp_path: Path) -> None:
    """After a reset there is nothing left, and everything can be made again."""
    here = str(Path(__file__).parent)
    assert run_script(RESET, str(tmp_path), here, environment={}) == "done\n"


TOKENS = """
import sys, time
from pathlib import Path
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
sys.path.insert(0, sys.argv[2])
import embedded_aws_bench
arguments = {"Bucket": "bench", "Key": "token", "Body": "{% $states.context.Task.Token %}"}
resource = "arn:aws:states:::aws-sdk:s3:putObject.waitForTaskToken"
state = {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True}
with EmbeddedAws(workspace=Workspace(Path(sys.argv[1]))) as aws:
    bench = embedded_aws_bench.Bench(aws, Path(sys.argv[1]))
    aws.client("s3").create_bucket(Bucket="bench")
    for fields in ({"TimeoutSeconds": 1}, {"HeartbeatSeconds": 1}):
        begun = time.monotonic()
        print(bench.run({"T": {**state, **fields}})["error"], 0.9 < time.monotonic() - begun < 10)
"""


def test_time_of_tokens(tmp_path: Path) -> None:
    """Tasks wait for a token as long as they say, although nothing else runs: anybody may send it."""
    here = str(Path(__file__).parent)
    printed = run_script(TOKENS, str(tmp_path), here, environment={})
    assert printed == "States.Timeout True\nStates.Timeout True\n"
