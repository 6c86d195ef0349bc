"""Layers on Fargate, on EC2 and on AWS Lambda give what they give here, in one deployment."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.frontend.loader import load
from laminar_runtime import Execution
from laminar_runtime.configurations.schedulers import AWS
from tests.e2e.conftest import Platform

FLOW = """
import os

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry
from laminar_runtime.configurations.networks import Network

EC2 = executors.AWS.Batch(platform="EC2")
LAMBDA = executors.AWS.Lambda(timeout=120, network=Network(["subnet-0a1b", "subnet-0c2d"], ["sg-0e3f"]))


class Mixed(Flow): ...


@Mixed.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(number=range(parameters.count))
        self.where = "function" if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else "job"


@Mixed.register(
    executor=EC2,
    container=Container(cpu=2, memory=3000, gpu=1, spot=True),
    retry=Retry(attempts=2),
    foreach=ForEach([Parameter(Load, "number")]),
)
class Square(Layer):
    def __call__(self, load: Load) -> None:
        self.square = load.number**2


@Mixed.register(
    executor=LAMBDA, retry=Retry(attempts=2, delay=0.1, jitter=0), foreach=ForEach([Parameter(Load, "number")])
)
class Cube(Layer):
    def __call__(self, load: Load, parameters: Parameters) -> None:
        if load.number == parameters.failing or (load.number == 2 and self.attempt == 1):
            raise ValueError(f"no luck with {load.number}")
        self.cube = load.number**3
        self.tried = (self.attempt, self.index, self.splits)


@Mixed.register(executor=EC2)
class Both(Layer):
    def __call__(self, square: Square, cube: Cube) -> None:
        # Of a fan-out with one split its reader gets the plain value.
        squares, cubes = ([value] if isinstance(value, int) else value for value in (square.square, cube.cube))
        self.sums = [one + other for one, other in zip(squares, cubes, strict=True)]


@Mixed.register(executor=LAMBDA, container=Container(memory=512))
class Total(Layer):
    def __call__(self, both: Both, cube: Cube) -> None:
        self.total = sum(both.sums)
        self.tried = [cube.tried] if isinstance(cube.tried, tuple) else list(cube.tried)


if flow := Mixed():
    flow(count=4, failing=-1)
"""
QUEUES = ("job_queue_arn", "ec2_job_queue_arn", "gpu_spot_job_queue_arn")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "flow" / "flow.py"
    path.parent.mkdir()
    path.write_text(FLOW, encoding="utf-8")
    return path


def results(execution: Execution) -> dict[str, Any]:
    """Return the results that all ways to run it must agree on."""
    total, both = execution.layer("Total"), execution.layer("Both")
    return {"sums": both.sums, "total": total.total, "tried": total.tried, "cubes": list(execution.layer("Cube").cube)}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the flow as its users do, without AWS, and read what it stored."""
    folder = tmp_path_factory.mktemp("local")
    file = folder / "flow.py"
    file.write_text(FLOW, encoding="utf-8")
    subprocess.run([sys.executable, str(file)], cwd=folder, check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        flow = load(str(file)).flow
        (execution,) = flow.datastore.list_executions(flow=flow)
        return results(execution)


def test_one_deployment(local: dict[str, Any], file: Path, platform: Callable[[Path], Platform]) -> None:
    """Terraform applies the document; its machine gives the results of a local run, each layer on its own service."""
    made = platform(file)
    variables = {**made.variables, **dict.fromkeys(QUEUES, made.variables["job_queue_arn"])}
    made.terraform.init()
    made.terraform.apply(**variables)
    assert made.terraform.plan(**variables).empty
    flow = load(str(file)).flow
    flow.configuration.scheduler = AWS.StepFunctions()
    execution = flow(count=4, failing=-1).wait(timeout=300)
    assert results(execution) == local
    assert local["tried"] == [(1, 0, 4), (1, 1, 4), (2, 2, 4), (1, 3, 4)]
    assert execution.layer("Load").where == "job"

    jobs = made.aws.client("batch").list_jobs(jobQueue="spare", jobStatus="SUCCEEDED")["jobSummaryList"]
    assert sorted(job["jobName"] for job in jobs) == ["Mixed-Both", "Mixed-Load", "Mixed-Square"]
    (definition,) = made.aws.client("batch").describe_job_definitions(jobDefinitionName="Mixed-ec2_gpu_1_spot")[
        "jobDefinitions"
    ]
    assert definition["platformCapabilities"] == ["EC2"]
    assert definition["retryStrategy"]["attempts"] == 10
    made.terraform.destroy(**variables)


def test_all_kinds_of_jobs(platform: Callable[[Path], Platform]) -> None:
    """Terraform applies job definitions with all that containers can ask for, then plans nothing more."""
    made = platform(Path(__file__).parents[1] / "golden" / "ec2" / "flow.py")
    kinds = (f"{kind}_job_queue_arn" for kind in ("fargate_spot", "ec2", "ec2_spot", "gpu", "gpu_spot"))
    variables = {**made.variables, **dict.fromkeys(kinds, made.variables["job_queue_arn"])}
    made.terraform.init()
    made.terraform.apply(**variables)
    assert made.terraform.plan(**variables).empty
    definitions = made.aws.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    secrets = [item for found in definitions for item in found["containerProperties"].get("secrets", [])]
    assert sorted(secret["name"] for secret in secrets) == ["PASSWORD", "TOKEN"]


def test_policies_of_many_containers(platform: Callable[[Path], Platform], tmp_path: Path) -> None:
    """Sixty layers of images of their own are applied under a long name, with policies that IAM takes."""
    layers = "".join(
        f"""
@Report.register(container=Container(image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/tools/tool-{number}:1"))
class Step{number}(Layer):
    def __call__(self) -> None: ...
"""
        for number in range(60)
    )
    begin = "from laminar_runtime import Flow, Layer\nfrom laminar_runtime.configurations.layers import Container\n"
    file = tmp_path / "many" / "main.py"
    file.parent.mkdir()
    file.write_text(f"{begin}\nclass Report(Flow): ...\n{layers}", encoding="utf-8")
    made = platform(file)
    made.terraform.init()
    given = {name: value for name, value in made.variables.items() if name != "image"} | {"name": "Report" + "N" * 40}
    made.terraform.apply(**given)
    iam = made.aws.client("iam")
    roles = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith("ReportN")]
    policies = [
        iam.get_role_policy(RoleName=role, PolicyName=role.split("-", 1)[1])["PolicyDocument"] for role in roles
    ]
    assert len(roles) == 3
    assert max(len(json.dumps(policy, separators=(",", ":"))) for policy in policies) <= 10_240
    made.terraform.destroy(**given)


def rehearse(file: Path, *parameters: str) -> subprocess.CompletedProcess[str]:
    words = [word for parameter in parameters for word in ("--param", parameter)]
    command = [sys.executable, "-m", "laminar_codegen", "rehearse", str(file), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_rehearsal_agrees(local: dict[str, Any], file: Path) -> None:
    """A rehearsal gives the results of a local run, too."""
    ended = rehearse(file, "count=4", "failing=-1")
    assert ended.returncode == 0, ended.stderr
    assert f"Total.tried = {local['tried']!r}" in ended.stdout
    assert f"Both.sums = {local['sums']!r}" in ended.stdout


@pytest.mark.parametrize("count", [0, 1])
def test_few_splits(file: Path, count: int) -> None:
    """A fan-out on AWS Lambda may be as narrow as any: one split, or none."""
    ended = rehearse(file, f"count={count}", "failing=-1")
    assert ended.returncode == 0, ended.stderr
    assert f"Total.tried = {[(1, 0, 1)][:count]!r}" in ended.stdout


def test_a_split_that_fails_for_good(file: Path) -> None:
    """The failure is named after the flow's own error, with the split, and the attempts that were made."""
    ended = rehearse(file, "count=4", "failing=3")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "layer 'Cube' (split 3 of 0 to 3) of flow 'Mixed' failed on attempt 2: ValueError:" in ended.stderr
    assert "ValueError: no luck with 3" in ended.stderr
