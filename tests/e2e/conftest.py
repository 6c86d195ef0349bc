"""What an end-to-end test needs: an embedded AWS with what a platform team provides, and Terraform."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.image import lay_out
from tests.support.terraform_harness import RELEASE, Terraform, serving_provider, terraform_executable
from tools.terraform_standin.installing import install


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    terraform_executable()
    return install(tmp_path_factory.mktemp("mirror"), RELEASE)


@attrs.frozen
class Platform:
    """An embedded AWS that has a bucket and a queue, and a flow's document beside Terraform."""

    aws: EmbeddedAws
    terraform: Terraform
    variables: dict[str, Any]


def compile_document(file: Path) -> str:
    """Return what the command prints for a flow."""
    command = [sys.executable, "-m", "laminar_codegen", str(file)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def platform(tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Platform]]:
    """Give a function that compiles a flow's file and sets up Terraform for it."""

    def build(file: Path) -> Platform:
        image = tmp_path / "image"
        image.mkdir()
        aws = opened.enter_context(EmbeddedAws(workspace=Workspace(directory=lay_out(file, image))))
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        folder = tmp_path / "terraform"
        folder.mkdir()
        (folder / "main.tf.json").write_text(compile_document(file), encoding="utf-8")
        environment = opened.enter_context(serving_provider(aws.environment))
        return Platform(aws, Terraform(folder, mirror, environment), provide(aws))

    with ExitStack() as opened:
        yield build


def provide(aws: EmbeddedAws) -> dict[str, Any]:
    """Make what the document takes as variables."""
    aws.client("s3").create_bucket(Bucket="team-artifacts")
    role = aws.client("iam").create_role(RoleName="batch", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    batch = aws.client("batch")
    batch.create_compute_environment(computeEnvironmentName="spare", type="UNMANAGED", serviceRole=role)
    order = [{"order": 1, "computeEnvironment": "spare"}]
    queue = batch.create_job_queue(jobQueueName="spare", state="ENABLED", priority=1, computeEnvironmentOrder=order)
    return {
        "datastore_root": "s3://team-artifacts/flows",
        "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/flow:1",
        "job_queue_arn": queue["jobQueueArn"],
    }
