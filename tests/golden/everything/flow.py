"""A flow with arguments that the other flows leave out: each field of a layer and a trigger is in one of them."""

from __future__ import annotations

import os
import time

from laminar_runtime import Flow, Layer, ListVariable, Parameters, Variable
from laminar_runtime.configurations import executors, planners
from laminar_runtime.configurations.layers import EFS, Catch, Container, ForEach, Host, Parameter, Retry
from laminar_runtime.configurations.networks import Network
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.configurations.triggers import After, Event, ObjectCreated
from laminar_runtime.configurations.volumes import Volume

#: An image that Amazon ECR fetches from Docker Hub at its first pull.
CACHED = "123456789012.dkr.ecr.us-east-1.amazonaws.com/docker-hub/team/flow:1"
PRIVATE = Network(ListVariable("subnet_ids", default=["subnet-0a1b"]), ["sg-0e3f"])
ROOT = Variable("library_root", description="The folder of the library.", default="/library")
LIBRARY = EFS("fs-0123456789abcdef0", mount="/mnt/library", root=ROOT, name="books", transit_encryption=False)
SHARED = EFS("fs-0123456789abcdef1", mount="/mnt/shared", iam=True, read_only=True)
DISK = Host(Variable("disk", default="/mnt/disk"), mount="/mnt/disk", name="disk", read_only=True)


def check_environment() -> None:
    """Raise if a layer does not have the environment of its flow."""
    if os.environ.get("STAGE") != "prod":
        raise ValueError(os.environ.get("STAGE"))


def check_empty(volume: Volume) -> None:
    """Raise if the folder of a volume is another one: nothing writes to those that are only read."""
    if found := [*volume.path.iterdir()]:
        raise ValueError(found)


class Everything(Flow):
    """Has what is rarely used."""


@Everything.register(
    container=Container(image=CACHED, command="python -u main.py", workdir="/srv/flow", volumes=[LIBRARY, SHARED]),
    retry=Retry(attempts=2, on=(ConnectionError, 75, "out of memory"), delay=1, backoff=1, jitter=0),
)
class Load(Layer):
    """On Fargate, in an image of a pull-through cache, with two file systems."""

    def __call__(self, parameters: Parameters) -> None:
        check_environment()
        self.written = time.time()
        check_empty(SHARED)
        (LIBRARY.path / "rows").write_text(str(self.written))
        self.key = parameters.key
        self.shard(row=range(4))


@Everything.register(
    executor=executors.AWS.Batch(platform="EC2", concurrency=2, queue="big", role="reader"),
    container=Container(
        volumes=[LIBRARY, DISK],
        user=Variable("task_user", default="1000:1000"),
        properties={"linuxParameters": {"devices": [{"hostPath": Variable("device", default="/dev/fuse")}]}},
    ),
    foreach=ForEach([Parameter(Load, "row")], splits_per_job=2, splits_at_once=2, tolerated_failures=1),
)
class Clean(Layer):
    """On EC2: two splits beside each other in a job."""

    def __call__(self, load: Load) -> None:
        check_environment()
        check_empty(DISK)
        written = (LIBRARY.path / "rows").read_text()
        if float(written) != load.written:
            raise ValueError(written)
        self.row = (load.row, load.key)


@Everything.register(
    executor=executors.AWS.Auto(batch=executors.AWS.Batch(), function=executors.AWS.Lambda(timeout=60)),
    catch=Catch(KeyError),
)
class Choose(Layer):
    """Wherever a profile has it run: without one, on AWS Batch."""

    def __call__(self, load: Load) -> None:
        check_environment()


@Everything.register(executor=executors.AWS.Lambda(timeout=60, network=PRIVATE))
class Store(Layer):
    """A function in a network of its own."""

    def __call__(self, clean: Clean, choose: Choose) -> None:
        check_environment()
        self.stored = list(clean.row)


scheduler = AWS.StepFunctions(
    planner=planners.AWS.Lambda(timeout=120, network=PRIVATE),
    overlap="skip",
    triggers=[
        ObjectCreated("uploads", name="upload"),
        Event({"source": ["shop"]}, parameters={"key": Variable("order_key", default="order")}, name="order"),
        After("Import", parameters={"key": "import"}, name="import"),
    ],
)

usual = executors.AWS.Batch(timeout=600)
if flow := Everything(
    executor=usual, scheduler=scheduler, timeout=3600, container=Container(environment={"STAGE": "prod"})
):
    flow()
