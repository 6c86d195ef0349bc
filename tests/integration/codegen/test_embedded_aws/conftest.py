"""An embedded AWS with a job queue and a bucket."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from embedded_aws_bench import BUCKET, Bench, Troubles, make_queue

from laminar_codegen.rehearsal.aws import EmbeddedAws, InvocationEvent, JobEvent, Workspace


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One embedded AWS for the tests of a module: each makes things of its own in it."""
    directory = tmp_path_factory.mktemp("workspace")
    events: list[JobEvent] = []
    invocations: list[InvocationEvent] = []
    troubles = Troubles()
    workspace = Workspace(directory, environment={"FROM_WORKSPACE": "yes"}, python=sys.executable)
    with EmbeddedAws(
        workspace=workspace,
        observer=events.append,
        invocations=invocations.append,
        faults=troubles.faults(),
    ) as aws:
        make_queue(aws)
        aws.client("s3").create_bucket(Bucket=BUCKET)
        yield Bench(aws, directory, events, invocations, troubles)
