"""The AWS.Batch executor on the embedded AWS: this process schedules, jobs run the tasks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.frontend.loader import load
from laminar_codegen.rehearsal.aws import EmbeddedAws, Faults, StartFailure, Workspace
from laminar_runtime import Flow
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.exceptions import FlowError, TaskError
from tests.support.batch import job_queue

FLOW = '''\
import os
from laminar_runtime import Flow, Layer, Parameters, Variable
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import EFS, Container, ForEach, Parameter, Retry

DATA = EFS("fs-0123abcd", "/mnt/data", root=Variable("data_root", default="/shared"))
container = Container(image="team/flow:1", memory=512, volumes=[DATA], tags={"team": "data"})


class Batched(Flow):
    """Runs on Batch."""


@Batched.register(container=container)
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(number=range(parameters.count))


@Batched.register(
    container=container,
    retry=Retry(attempts=2, delay=0.01),
    foreach=ForEach(parameters=[Parameter(layer=Load, attribute="number")]),
)
class Square(Layer):
    def __call__(self, load: Load, parameters: Parameters) -> None:
        if load.number in parameters.failing and self.attempt == 1:
            raise ValueError(f"no luck with {load.number}")
        if load.number in parameters.hopeless:
            raise ValueError(f"never any luck with {load.number}")
        self.square = load.number**2
        (DATA.path / str(load.number)).write_text("")
        self.job = os.environ["AWS_BATCH_JOB_ID"]

    @hooks.submission
    def larger(self, load: Load) -> None:
        if load.number[self.index] >= 5:
            self.configuration.container.memory = 1024


@Batched.register(container=container)
class Sum(Layer):
    def __call__(self, square: Square) -> None:
        self.sum = sum(square.square)
        self.files = sorted(file.name for file in DATA.path.iterdir())


if flow := Batched():
    flow()
'''


@attrs.frozen
class Bench:
    """An embedded AWS, and a flow whose layers run on its Batch."""

    aws: EmbeddedAws
    flow: Flow
    starts: dict[str, list[StartFailure]] = attrs.field(factory=dict)

    def jobs(self) -> list[Any]:
        """Return all jobs but the children of array jobs, by name."""
        batch = self.aws.client("batch")
        statuses = ("SUCCEEDED", "FAILED", "RUNNING")
        found = [
            job for status in statuses for job in batch.list_jobs(jobQueue="spare", jobStatus=status)["jobSummaryList"]
        ]
        return batch.describe_jobs(jobs=[job["jobId"] for job in found])["jobs"] if found else []


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    (tmp_path / "main.py").write_text(FLOW)
    starts: dict[str, list[StartFailure]] = {}

    def start(job: str, _: int | None, __: int) -> StartFailure | None:
        left = starts.get(job)
        return left.pop() if left else None

    with EmbeddedAws(workspace=Workspace(directory=tmp_path), faults=Faults(start=start)) as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        aws.client("s3").create_bucket(Bucket="artifacts")
        queue, role = job_queue(aws)
        flow = load(str(tmp_path / "main.py")).flow
        flow.configuration.datastore = datastores.AWS.S3(root="s3://artifacts/flows")
        flow.configuration.executor = executors.AWS.Batch(job_queue_arn=queue, job_role_arn=role, poll=0.1)
        yield Bench(aws, flow, starts)
    sys.modules.pop("main", None)


def run(bench: Bench, **parameters: Any) -> Any:
    """Run the flow."""
    given = {"count": 3, "failing": [], "hopeless": [], **parameters}
    return bench.flow(**given)


def test_a_flow_on_batch(bench: Bench) -> None:
    """A flow gives its results, with one job for a layer and one array job for a fan-out."""
    execution = run(bench)
    assert execution.layer("Sum").sum == 5
    # Jobs that this process submits mount what they share.
    assert execution.layer("Sum").files == ["0", "1", "2"]
    jobs = execution.layer("Square").job
    assert sorted(job.partition(":")[2] for job in jobs) == ["0", "1", "2"]
    assert len({job.partition(":")[0] for job in jobs}) == 1
    assert sorted(job["jobName"] for job in bench.jobs()) == ["Batched-Load", "Batched-Square", "Batched-Sum"]


def test_definitions_are_used_again(bench: Bench) -> None:
    """Equal containers share a job definition, and later runs use it again."""
    run(bench)
    run(bench)
    definitions = bench.aws.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    assert len(definitions) == 1
    assert definitions[0]["revision"] == 1
    (volume,) = definitions[0]["containerProperties"]["volumes"]
    assert volume["efsVolumeConfiguration"]["rootDirectory"] == "/shared"
    # The children of an array job have no other tags.
    assert definitions[0]["tags"] == {"laminar:flow": "Batched", "team": "data"}


def test_splits_that_failed_are_tried_again(bench: Bench) -> None:
    """Only the splits that failed are submitted again, in one job or two, as they were found to have failed."""
    execution = run(bench, count=5, failing=[1, 3])
    assert execution.layer("Sum").sum == 30
    squares = [job for job in bench.jobs() if job["jobName"] == "Batched-Square"]
    assert sum(job.get("arrayProperties", {"size": 1})["size"] for job in squares) == 5 + 2


def test_an_array_job_for_some_of_the_splits(bench: Bench) -> None:
    """A resumed run submits the splits that are left as one array job, whose children get their indexes."""
    with pytest.raises(TaskError):
        run(bench, count=5, hopeless=[1, 3, 4])
    (execution,) = bench.flow.datastore.list_executions(flow=bench.flow)
    execution.parameters(count=5, failing=[], hopeless=[])
    assert execution.resume().layer("Sum").sum == 30
    jobs = [job for job in bench.jobs() if job["jobName"] == "Batched-Square" and job["status"] == "SUCCEEDED"]
    (environment,) = (job["container"]["environment"] for job in jobs)
    left = next(item["value"] for item in environment if item["name"] == "LAMINAR_LAYER_INDEXES")
    assert {1, 3, 4} <= {int(index) for index in left.split(",")}


def test_splits_that_want_other_containers(bench: Bench) -> None:
    """Splits whose submission hooks ask for other containers get jobs of their own."""
    execution = run(bench, count=7)
    assert execution.layer("Square").square[6] == 36
    sizes = [job["arrayProperties"]["size"] for job in bench.jobs() if job["jobName"] == "Batched-Square"]
    assert sorted(sizes) == [2, 5]


def test_a_split_that_fails_for_good(bench: Bench) -> None:
    """The error names the split, and is the one that its job left in the datastore."""
    where = r"layer 'Square' \(split 1 of 0 to 2\) .* failed on attempt 2 .*ValueError: never any luck with 1"
    with pytest.raises(TaskError, match=where) as caught:
        run(bench, hopeless=[1])
    assert (caught.value.index, caught.value.exit_code, caught.value.error_class) == (1, 1, "ValueError")


def test_jobs_of_a_share(bench: Bench) -> None:
    """Jobs that this process submits have the share of their executor, too."""
    batch = bench.aws.client("batch")
    policy = batch.create_scheduling_policy(name="fair")["arn"]
    batch.update_job_queue(jobQueue="spare", schedulingPolicyArn=policy)
    with pytest.raises(TaskError, match="a share identifier is required"):
        run(bench)
    old = bench.flow.configuration.executor
    assert isinstance(old, executors.AWS.Batch)
    bench.flow.configuration.executor = executors.AWS.Batch(
        old.job_queue_arn, old.job_role_arn, poll=0.1, share_identifier="team", priority=3
    )
    run(bench)
    assert {(job["shareIdentifier"], job["schedulingPriority"]) for job in bench.jobs()} == {("team", 3)}


def test_containers_of_jobs(bench: Bench) -> None:
    """A job on EC2 has the GPUs that its container asks for; secrets it cannot have."""
    containers = {name: item.configuration.container for name, item in bench.flow.registry.items()}
    containers["Load"].gpu = 1
    run(bench)
    (job,) = (job for job in bench.jobs() if job["jobName"] == "Batched-Load")
    assert {"type": "GPU", "value": "1"} in job["container"]["resourceRequirements"]
    containers["Load"].secrets = {"TOKEN": "arn:aws:ssm:eu-west-1:123456789012:parameter/token"}
    with pytest.raises(FlowError, match="layer 'Load' of flow 'Batched' has secrets"):
        run(bench)


def test_what_it_needs(bench: Bench, tmp_path: Path) -> None:
    """A datastore elsewhere than in S3 is refused, with what to do."""
    bench.flow.configuration.datastore = datastores.Local(root=tmp_path)
    with pytest.raises(FlowError, match=r"AWS Batch jobs need a datastore in S3"):
        run(bench)


def test_a_container_that_does_not_start(bench: Bench) -> None:
    """A task whose container did not start is started again, and that is no attempt of its layer."""
    bench.starts["Batched-Load"] = [StartFailure(reason="ResourceInitializationError: no network interface")] * 3
    assert run(bench).layer("Sum").sum == 5
    assert bench.starts["Batched-Load"] == []
    bench.starts["Batched-Load"] = [StartFailure(reason="DockerTimeoutError: not created")] * 4
    with pytest.raises(TaskError, match="Task failed to start, reason DockerTimeoutError"):
        run(bench)
