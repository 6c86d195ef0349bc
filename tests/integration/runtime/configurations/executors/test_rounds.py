"""Layers that run several times in an execution, under other keys: their tasks find what they depend on by these."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from tests.support.batch import job_queue
from tests.support.harness import Folder

#: A scheduler that runs a flow in two rounds. A round begins with what the round before it ended with.
FLOW = """\
    import json, os
    from laminar_runtime import Flow, Layer
    from laminar_runtime.configurations import datastores, executors
    from laminar_runtime.configurations.layers import Container, ForEach, Parameter
    from laminar_runtime.configurations.schedulers import Scheduler

    class Improve(Flow): ...

    container = Container(image="team/flow:1", memory=512)

    @Improve.register(container=container)
    class Begin(Layer):
        def __call__(self) -> None:
            self.amount = 1

    @Improve.register(container=container)
    class Split(Layer):
        part: int

        def __call__(self, begin: Begin) -> None:
            self.shard(part=[begin.amount, begin.amount + 1])

    @Improve.register(container=container, foreach=ForEach(parameters=[Parameter(Split, "part")]))
    class Double(Layer):
        twice: int

        def __call__(self, split: Split) -> None:
            self.twice = split.part * 2

    OVER = ForEach(parameters=[Parameter(Double, "twice", index=None)], pipelined=True)

    @Improve.register(container=container, foreach=OVER)
    class Shown(Layer):
        text: str

        def __call__(self, double: Double) -> None:
            self.text = str(double.twice)

    @Improve.register(container=container)
    class Total(Layer):
        def __call__(self, shown: Shown) -> None:
            self.amount = sum(map(int, shown.text))
            self.process = os.getpid()

    ROUND = ("Split", "Double", "Shown", "Total")

    def view(execution, number):
        names = {name: f"{name}.{number}" for name in ROUND}
        return execution.with_storage_names(names if number == 1 else {**names, "Begin": f"Total.{number - 1}"})

    class Rounds(Scheduler):
        async def _run_layers(self, execution):
            await self.schedule(layer=execution.layer("Begin"))
            for number in (1, 2):
                for name in ROUND:
                    await self.schedule(layer=view(execution, number).layer(name))

    EXECUTORS = {
        "Thread": executors.Thread,
        "Process": executors.Process,
        "Docker": executors.Docker,
        "Lambda": executors.AWS.Lambda,
        "Batch": lambda: executors.AWS.Batch(os.environ["QUEUE"], os.environ["ROLE"], poll=0.1),
    }
    root = os.environ.get("ROOT")
    store = datastores.AWS.S3(root=root) if root else datastores.Local()
    if flow := Improve(datastore=store, executor=EXECUTORS[os.environ.get("EXECUTOR", "Thread")](), scheduler=Rounds()):
        execution = flow("e1")
        totals = [view(execution, number).layer(Total) for number in (1, 2)]
        print(json.dumps({
            "amounts": [total.amount for total in totals],
            "finished": [total.state.finished for total in (*totals, execution.layer(Total))],
            "shown": list(view(execution, 2).layer(Shown).text),
            "stored": sorted(execution.stored - {"Parameters"}),
            "here": os.getpid() in {total.process for total in totals},
        }))
"""

FOUND = {
    "amounts": [6, 26],
    "finished": [True, True, False],
    "shown": ["12", "14"],
    "stored": ["Begin", *(f"{name}.{number}" for name in ("Double", "Shown", "Split", "Total") for number in (1, 2))],
}


@pytest.mark.parametrize("executor", ["Thread", "Process", "Lambda"])
def test_two_rounds(executor: str, folder: Folder) -> None:
    """Each round has results of its own, and goes by those of the round before it."""
    found = json.loads(folder.run(FLOW, EXECUTOR=executor))
    assert found == {**FOUND, "here": executor == "Thread"}


def test_two_rounds_in_containers(docker: Folder) -> None:
    assert json.loads(docker.run(FLOW, EXECUTOR="Docker")) == {**FOUND, "here": False}


@pytest.fixture
def aws(folder: Folder) -> Iterator[EmbeddedAws]:
    """An embedded AWS whose jobs run in the folder."""
    with EmbeddedAws(workspace=Workspace(directory=folder.path)) as aws:
        aws.client("s3").create_bucket(Bucket="artifacts")
        yield aws


def test_two_rounds_of_jobs(aws: EmbeddedAws, folder: Folder) -> None:
    """Splits of one round are one array job, as ever; those of two rounds are two."""
    queue, role = job_queue(aws)
    environment = {**aws.environment, "QUEUE": queue, "ROLE": role, "ROOT": "s3://artifacts/flows"}
    found = json.loads(folder.run(FLOW, EXECUTOR="Batch", **environment))
    assert found == {**FOUND, "here": False}
    ended = aws.client("batch").list_jobs(jobQueue="spare", jobStatus="SUCCEEDED")["jobSummaryList"]
    assert [job["arrayProperties"]["size"] for job in ended if job["jobName"] == "Improve-Double"] == [2, 2]
