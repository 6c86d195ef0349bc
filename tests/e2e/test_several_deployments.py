"""Deployments beside each other in one account: of one flow, as for tests and for production, and of a file's flows."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.frontend.loader import load
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime import Execution
from laminar_runtime.configurations.schedulers import AWS
from tests.e2e.conftest import compile_document, provide
from tests.support.aws_contents import account_contents
from tests.support.terraform_harness import Terraform, serving_provider

FLOWS = """
import time
from pathlib import Path

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import ForEach, Parameter

GATE = Path(__file__).resolve().parent / "gate"

class Daily(Flow): ...

class Weekly(Flow): ...

@Daily.register
@Weekly.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        end = time.monotonic() + 120
        while not GATE.exists() and time.monotonic() < end:
            time.sleep(0.1)
        self.shard(part=parameters.parts)

@Daily.register(foreach=ForEach(parameters=[Parameter(Load, "part")]))
class Work(Layer):
    def __call__(self, load: Load) -> None:
        self.done = load.part.upper()

@Daily.register
class Merge(Layer):
    def __call__(self, work: Work) -> None:
        self.all = list(work.done)

@Weekly.register
class Sum(Layer):
    def __call__(self, load: Load) -> None:
        self.all = [len(part) for part in load.part]

if daily := Daily():
    daily()
if weekly := Weekly():
    weekly()
"""


@attrs.frozen
class Deployed:
    """One deployment of one flow."""

    source: str
    name: str
    terraform: Terraform
    variables: dict[str, Any]

    @property
    def unchanged(self) -> bool:
        """Whether Terraform would change nothing."""
        return self.terraform.plan(**self.variables).empty

    def start(self, *parts: str) -> Execution:
        """Start an execution, as an application does."""
        flow = load(self.source).flow
        flow.configuration.scheduler = AWS.StepFunctions(deployment=self.name)
        return flow(parts=list(parts))


@attrs.frozen
class Account:
    """An account, for flows of one file."""

    aws: EmbeddedAws
    folder: Path
    mirror: Path
    environment: dict[str, str]
    given: dict[str, Any]

    def deploy(self, flow: str, name: str, root: str) -> Deployed:
        """Deploy a flow of the file, under a name, with a datastore."""
        folder, source = self.folder / name, f"{self.folder / 'flow.py'}:{flow}"
        folder.mkdir()
        text = compile_document(Path(source))
        (folder / "main.tf.json").write_text(text, encoding="utf-8")
        given = {**self.given, "name": name, "datastore_root": root}
        variables = {key: value for key, value in given.items() if key in json.loads(text)["variable"]}
        deployed = Deployed(source, name, Terraform(folder, self.mirror, self.environment), variables)
        deployed.terraform.init()
        deployed.terraform.apply(**variables)
        return deployed

    def run_beside_each_other(self, *starts: Callable[[], Execution]) -> list[list[Any]]:
        """Start executions, have none end before all run, and give what came of each."""
        gate = self.folder / "gate"
        gate.unlink(missing_ok=True)
        executions = [start() for start in starts]
        deadline = time.monotonic() + 60
        while len(self._jobs("RUNNING")) < len(starts):
            assert time.monotonic() < deadline, "the executions do not run beside each other"
            time.sleep(0.1)
        gate.touch()
        last = {"Daily": "Merge", "Weekly": "Sum"}
        return [execution.wait(timeout=120).layer(last[execution.flow.name]).all for execution in executions]

    def definitions(self) -> set[str]:
        """Return the job definitions of all jobs that were run."""
        jobs = self.aws.client("batch").describe_jobs(jobs=self._jobs("SUCCEEDED"))["jobs"]
        return {job["jobDefinition"].rpartition("/")[2] for job in jobs}

    def objects(self, prefix: str) -> int:
        """Return how many objects of a datastore there are."""
        return int(self.aws.client("s3").list_objects_v2(Bucket="team-artifacts", Prefix=prefix)["KeyCount"])

    def _jobs(self, status: str) -> list[str]:
        jobs = self.aws.client("batch").list_jobs(jobQueue="spare", jobStatus=status)["jobSummaryList"]
        return [job["jobId"] for job in jobs]


@pytest.fixture
def account(tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    file, image = tmp_path / "flow.py", tmp_path / "image"
    file.write_text(FLOWS, encoding="utf-8")
    image.mkdir()
    with (
        EmbeddedAws(workspace=Workspace(directory=lay_out(file, image)), concurrency=2) as aws,
        serving_provider(aws.environment) as environment,
    ):
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        yield Account(aws, tmp_path, mirror, environment, provide(aws))


def test_one_flow_twice(account: Account) -> None:
    """Two deployments of a flow run at the same time, each in a place of its own, and one is gone without the other."""
    before = account_contents(account.aws)
    dev = account.deploy("Daily", "daily-dev", "s3://team-artifacts/dev")
    prod = account.deploy("Daily", "daily-prod", "s3://team-artifacts/prod")
    assert dev.unchanged
    assert prod.unchanged
    results = account.run_beside_each_other(lambda: dev.start("a", "b"), lambda: prod.start("c", "d"))
    assert results == [["A", "B"], ["C", "D"]]
    assert account.definitions() == {"daily-dev-fargate:1", "daily-prod-fargate:1"}
    assert account.objects("dev/Daily/archives/") == account.objects("prod/Daily/archives/") > 0
    assert account.objects("") == account.objects("dev/") + account.objects("prod/")

    dev.terraform.destroy(**dev.variables)
    assert prod.unchanged
    assert account.run_beside_each_other(lambda: prod.start("e")) == [["E"]]
    prod.terraform.destroy(**prod.variables)
    assert account_contents(account.aws) == before


def test_two_flows_of_a_file(account: Account) -> None:
    """The flows of one file are deployed from it, each by its name, from one image, into one datastore."""
    root = "s3://team-artifacts"
    daily, weekly = account.deploy("Daily", "Daily", root), account.deploy("Weekly", "Weekly", root)
    assert daily.unchanged
    results = account.run_beside_each_other(lambda: daily.start("a", "b"), lambda: weekly.start("abc", "d"))
    assert results == [["A", "B"], [3, 1]]
    assert account.definitions() == {"Daily-fargate:1", "Weekly-fargate:1"}
    weekly.terraform.destroy(**weekly.variables)
    assert daily.unchanged
