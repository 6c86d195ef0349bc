"""Layers on all kinds of capacity that AWS Batch has, with secrets, disks, log drivers and both kinds of processors."""

from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry

EC2 = executors.AWS.Batch(platform="EC2")
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret"
PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter"


class Capacity(Flow):
    """Runs wherever AWS Batch can."""


@Capacity.register
class Load(Layer):
    """On Fargate, as every layer that says nothing."""

    def __call__(self) -> None:
        self.shard(item=[1, 2, 3])


@Capacity.register(
    container=Container(image="example.com/unpack:arm64", spot=True, architecture="arm64", ephemeral_storage=100)
)
class Unpack(Layer):
    """On Fargate Spot, with more disk, in an image for Graviton."""

    def __call__(self, load: Load) -> None: ...


@Capacity.register(
    container=Container(secrets={"TOKEN": f"{PARAMETER}/team/token", "PASSWORD": f"{ARN}:db-AbCdEf:password::"})
)
class Fetch(Layer):
    """On Fargate, with secrets in its environment."""

    def __call__(self, load: Load) -> None: ...


@Capacity.register(
    executor=EC2,
    container=Container(cpu=8, memory=60_000, gpu=1, spot=True),
    foreach=ForEach([Parameter(Load, "item")]),
    retry=Retry(attempts=3),
)
class Train(Layer):
    """On EC2 Spot with GPUs: its splits are run again for either reason."""

    def __call__(self, load: Load) -> None: ...


@Capacity.register(executor=EC2, container=Container(cpu=8, memory=60_000, gpu=1), retry=Retry(attempts=3))
class Tune(Layer):
    """On EC2 with a GPU, on demand."""

    def __call__(self, train: Train) -> None: ...


@Capacity.register(
    executor=executors.AWS.Batch(platform="EC2", timeout=3600),
    container=Container(
        cpu=2,
        memory=4000,
        log_driver="splunk",
        log_options={"splunk-url": "https://logs.example.com", "splunk-token": f"{ARN}:splunk-AbCdEf"},
    ),
)
class Report(Layer):
    """On EC2 for an hour at most, its output elsewhere."""

    def __call__(self, tune: Tune) -> None: ...


@Capacity.register(
    executor=EC2,
    container=Container(cpu=2, memory=4000, spot=True, log_options={"mode": "non-blocking"}),
    foreach=ForEach([Parameter(Load, "item")]),
)
class Check(Layer):
    """On EC2 Spot, its splits run again only if they were interrupted."""

    def __call__(self, load: Load) -> None: ...


@Capacity.register(
    executor=EC2,
    container=Container(
        image="registry.example.com/own:1",
        registry_credentials=f"{ARN}:registry-AbCdEf",
        environment={"STAGE": "prod"},
        shared_memory=64,
        tmpfs={"/scratch": 16},
        swap=0,
        ulimits={"nofile": 4096},
        devices=["/dev/fuse"],
        init=True,
        user="1000:1000",
        read_only_root=True,
        privileged=True,
        accelerator="neuron:2",
        efa=1,
        tags={"team": "data", "cost centre": Variable("cost_centre", default="none")},
        properties={"linuxParameters": {"swappiness": 10}},
    ),
)
class Special(Layer):
    """On EC2, with all that only instances have."""

    def __call__(self, report: Report) -> None: ...


@Capacity.register(container=Container(init=True, user="1000", read_only_root=True, tags={"team": "data"}))
class Publish(Layer):
    """On Fargate, with what it has of these."""

    def __call__(self, special: Special) -> None: ...


if flow := Capacity():
    flow()
