"""The account of an acceptance run: a real one that the environment names, or the embedded AWS."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from tools.terraform_standin.attaching import serve_provider
from tools.terraform_standin.installing import CONFIGURATION, install

__all__ = ["Account", "embed", "real"]


@attrs.frozen
class Account:
    """An account of AWS, and how it is used.

    Args:
        kind: ``embedded`` or ``real``.
        environment: The variables of commands that use it.
        network: The variables of the platform: its VPC and subnets.
        most_seconds: The time that an execution may take.
    """

    kind: str
    environment: Mapping[str, str]
    network: Mapping[str, Any]
    most_seconds: int

    def publish(self, folder: Path, repository: str, tag: str) -> str:
        """Build and push the image of a folder, and return its name. The embedded AWS needs none.

        Args:
            folder: The folder with the ``Dockerfile``.
            repository: The URL of the repository.
            tag: The tag.
        """
        image = f"{repository}:{tag}"
        if self.kind == "embedded":
            return image
        registry = repository.partition("/")[0]
        password = _output("aws", "ecr", "get-login-password")
        words = ["docker", "login", "--username", "AWS", "--password-stdin", registry]
        subprocess.run(words, input=password, text=True, check=True, stdout=subprocess.DEVNULL)
        build = [
            "docker",
            "buildx",
            "build",
            "--push",
            "--platform",
            "linux/amd64",
            "--provenance=false",
            "--tag",
            image,
        ]
        subprocess.run([*build, str(folder)], check=True)
        return image


def _output(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def embed(folder: Path, image: Path) -> Iterator[Account]:
    """Start an embedded AWS, with the stand-in for the AWS provider, and stop both behind the ``with`` block.

    Args:
        folder: A folder for what they keep.
        image: The folder that stands in for the image.
    """
    configuration = install(folder / "mirror")
    with EmbeddedAws(workspace=Workspace(directory=image)) as aws, serve_provider(aws.environment) as served:
        ec2 = aws.client("ec2")
        subnets = ec2.describe_subnets()["Subnets"]
        network = {"vpc_id": subnets[0]["VpcId"], "subnet_ids": [subnet["SubnetId"] for subnet in subnets[:2]]}
        given = {**os.environ, **served, CONFIGURATION: str(configuration)}
        yield Account("embedded", given, network, most_seconds=120)


def real() -> Account:
    """Return the account that the environment names, in its default VPC unless the environment names another network.

    Raises:
        SystemExit: If a command is missing, or no network is found.
    """
    missing = [name for name in ("aws", "docker", "terraform") if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"not on the PATH: {', '.join(missing)}")
    vpc, subnets = os.environ.get("LAMINAR_VPC_ID"), os.environ.get("LAMINAR_SUBNET_IDS")
    if vpc and subnets:
        return Account("real", os.environ, {"vpc_id": vpc, "subnet_ids": subnets.split(",")}, most_seconds=1800)
    import boto3

    found = boto3.client("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    if not found:
        raise SystemExit("there is no default VPC: name a network by LAMINAR_VPC_ID and LAMINAR_SUBNET_IDS=a,b")
    network = {
        "vpc_id": found[0]["VpcId"],
        "subnet_ids": [subnet["SubnetId"] for subnet in found],
        "assign_public_ip": True,
    }
    return Account("real", os.environ, network, most_seconds=1800)
