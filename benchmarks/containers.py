"""`container`: the command of a job, with artifacts in S3, beside what boto3 takes to make a client.

The layer reads an artifact of the layer before it, and writes one. A counting run, which is not timed, goes through a
proxy and looks at the processes.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from benchmarks import embedded, metaflow, peers, processes, programs, proxy
from benchmarks.embedded import BUCKET, Account
from benchmarks.rows import Row, at_most, faster, slower_by_at_most
from benchmarks.timing import Command, compare_all, output, python
from laminar_runtime import task_environment
from laminar_runtime.task_environment import TaskContext

__all__ = ["measure"]

_FLOOR = 'import boto3; boto3.client("s3")'


def measure(runs: int) -> Iterator[Row]:
    """Measure running the command of a job, the whole process."""
    with tempfile.TemporaryDirectory() as name, embedded.serving(Path(name), jobs=True) as account:
        folder = Path(name)
        ours, theirs = _ours(folder, account), _metaflow(folder, account)
        floor = python(_FLOOR, "-c", _FLOOR, environment=account.environment)
        baselines = [(floor, slower_by_at_most(0.06)), (theirs, faster(10))]
        yield from compare_all("task in a container", ours, baselines, runs)
        counts = [_count(command, account) for command in (ours, theirs)]
        for subject, most, figures in zip(
            ("HTTP requests", "processes"), (6, 1), zip(*counts, strict=True), strict=True
        ):
            own, other = figures
            yield Row(f"{subject} of a task", own, other, metaflow.NAME, unit=subject, target=at_most(most, subject))


def _ours(folder: Path, account: Account) -> Command:
    file = folder / "main.py"
    file.write_text(programs.laminar_chain(10), encoding="utf-8")
    root = {task_environment.DATASTORE_ROOT: f"s3://{BUCKET}/flows", **account.environment}
    first, second = (
        python("task", "main.py", environment={**_task(layer).environment(), **root}, folder=folder)
        for layer in ("L0", "L1")
    )
    output(first)
    return second


def _task(layer: str) -> TaskContext:
    return TaskContext(execution="benchmark", flow="Bench", layer=layer)


def _metaflow(folder: Path, account: Account) -> Command:
    """Return the command of the job of the second step; that of the first is run here."""
    file = folder / "metaflow_chain.py"
    file.write_text(programs.metaflow_chain(10), encoding="utf-8")
    environment = metaflow.on_aws(account, folder)
    states = json.loads(output(metaflow.create(file, environment)))["States"]
    image = folder / "image"
    image.mkdir()
    path = os.pathsep.join([str(Path(peers.python("metaflow")).parent), os.environ["PATH"]])
    started = {
        **account.environment,
        "PATH": path,
        "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1",
        "METAFLOW_RUN_ID": "benchmark",
        "METAFLOW_HOME": environment["METAFLOW_HOME"],
        # https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
        "AWS_BATCH_CE_NAME": "benchmarks",
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        "AWS_BATCH_JQ_NAME": "benchmarks",
        "AWS_BATCH_JOB_ATTEMPT": "1",
    }
    first = _job(states["start"], {**started, "AWS_BATCH_JOB_ID": "job-1"}, image)
    output(first)
    (image / "again").mkdir()
    return _job(
        states["l1"], {**started, "AWS_BATCH_JOB_ID": "job-2", "METAFLOW_PARENT_TASK_ID": "job-1"}, image / "again"
    )


def _job(state: dict[str, Any], started: dict[str, str], folder: Path) -> Command:
    overrides = state["Parameters"]["ContainerOverrides"]
    given = {item["Name"]: item["Value"] for item in overrides["Environment"] if "Value" in item}
    return Command(metaflow.NAME, overrides["Command"], {**given, **started}, folder, fresh=folder)


def _count(command: Command, account: Account) -> tuple[int, int]:
    """Return the requests and the processes of a command."""
    with proxy.counting(account.endpoint) as before:
        endpoint = {"AWS_ENDPOINT_URL": before.url, "METAFLOW_S3_ENDPOINT_URL": before.url}
        started = processes.count(attrs.evolve(command, environment={**command.environment, **endpoint}))
        return len(before.requests()), started
