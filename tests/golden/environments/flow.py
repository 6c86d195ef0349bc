from __future__ import annotations

from laminar_runtime import Flow, Layer, ListVariable, Variable
from laminar_runtime.configurations import executors, planners
from laminar_runtime.configurations.layers import Container, ForEach, Parameter
from laminar_runtime.configurations.networks import Network
from laminar_runtime.configurations.operations import Alarms, Logs
from laminar_runtime.configurations.schedulers import AWS

ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter/team/key"


class Environments(Flow):
    """One document for several environments."""

    timeout = 86400


@Environments.register(
    container=Container(
        image=Variable("loader_image", description="The image ${of} the loader.", default="registry.example/loader:1"),
        secrets={
            "BY_ARN": ARN,
            "PARAMETER": "ssm:/team/token",
            "SECRET": "secretsmanager:team/db:password::",
            "GIVEN_PARAMETER": Variable("token", default="ssm:/dev/token"),
            "GIVEN_SECRET": Variable("database-url", default="secretsmanager:dev/db:url::"),
        },
        log_options={"mode": Variable("log_mode", description="How logs are delivered.", default="non-blocking")},
    )
)
class Load(Layer):
    def __call__(self) -> None:
        self.shard(row=range(3))


@Environments.register(foreach=ForEach([Parameter(Load, "row")]), executor=executors.AWS.Lambda(timeout=60))
class Clean(Layer):
    def __call__(self, load: Load) -> None:
        self.row = load.row


@Environments.register
class Store(Layer):
    def __call__(self, clean: Clean) -> None:
        self.stored = list(clean.row)


scheduler = AWS.StepFunctions(
    schedule=Variable("starts_at", default="cron(0 6 * * ? *)"),
    logs=Logs(
        Variable("log_level", description="What is logged.", default="ALL"),
        execution_data=Variable("log_execution_data", default="false"),
    ),
    tracing=Variable("tracing", description="Whether X-Ray is used.", default="true"),
    role_path=Variable("role_path", default="/teams/data/"),
    network=Network(
        subnets=ListVariable("subnet_ids", description="Private subnets.", default=["subnet-0a1b", "subnet-0c2d"]),
        security_groups=[Variable("security_group_id", default="sg-0e3f")],
    ),
    planner=planners.AWS.Lambda(memory=2048, image=Variable("planner_image")),
    alarms=Alarms(
        aborted=True,
        no_success_in=90000,
        ok_actions=[Variable("all_clear", default="arn:aws:sns:eu-west-1:123456789012:all-clear")],
    ),
)

if flow := Environments(scheduler=scheduler):
    flow()
