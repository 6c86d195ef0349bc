"""Metaflow's command lines and its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks import peers
from benchmarks.embedded import BUCKET, Account
from benchmarks.timing import Command

__all__ = ["NAME", "create", "local_environment", "on_aws", "step"]

#: Its name in rows.
NAME = "Metaflow 2.19"

_QUICK = ("--no-pylint", "--metadata", "local")


def local_environment(folder: Path) -> Mapping[str, str]:
    """Return the configuration of runs on this machine.

    Args:
        folder: The folder for its files.
    """
    return {
        "USERNAME": "benchmarks",
        "METAFLOW_USER": "benchmarks",
        "METAFLOW_HOME": str(folder / "metaflow-home"),
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder / "metaflow"),
        "METAFLOW_DEFAULT_METADATA": "local",
    }


def on_aws(account: Account, folder: Path) -> Mapping[str, str]:
    """Return the configuration of programs that use AWS.

    Args:
        account: The embedded AWS.
        folder: The folder for its local files.
    """
    return {
        **account.environment,
        **local_environment(folder),
        "METAFLOW_DEFAULT_DATASTORE": "s3",
        "METAFLOW_DATASTORE_SYSROOT_S3": f"s3://{BUCKET}/metaflow",
        "METAFLOW_S3_ENDPOINT_URL": account.endpoint,
        "METAFLOW_BATCH_JOB_QUEUE": account.queue,
        "METAFLOW_SFN_IAM_ROLE": account.role,
        "METAFLOW_ECS_S3_ACCESS_IAM_ROLE": account.role,
        "METAFLOW_ECS_FARGATE_EXECUTION_ROLE": account.role,
        "METAFLOW_EVENTS_SFN_ACCESS_IAM_ROLE": account.role,
        "METAFLOW_SFN_DYNAMO_DB_TABLE": "benchmarks",
    }


def create(file: Path, environment: Mapping[str, str]) -> Command:
    """Return the command that compiles a flow to the definition of a state machine, and prints it.

    Args:
        file: The flow.
        environment: The configuration, `on_aws`.
    """
    words = [peers.python("metaflow"), str(file), *_QUICK, "--datastore", "s3"]
    return Command(NAME, [*words, "step-functions", "create", "--only-json"], environment, file.parent)


def step(file: Path, name: str, environment: Mapping[str, str], *arguments: str) -> Command:
    """Return the command that runs one step on this machine, as its scheduler does.

    Args:
        file: The flow.
        name: The step.
        environment: The configuration, `local_environment`.
        *arguments: Those of Metaflow's ``step``.
    """
    words = [peers.python("metaflow"), str(file), "--quiet", *_QUICK, "--datastore", "local"]
    return Command(f"{NAME} step", [*words, "step", name, *arguments], environment, file.parent)
