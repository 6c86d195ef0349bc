from __future__ import annotations

from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations.layers import Container
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
        self.rows = 3


@Environments.register
class Store(Layer):
    def __call__(self, load: Load) -> None:
        self.stored = load.rows


scheduler = AWS.StepFunctions(
    schedule=Variable("starts_at", default="cron(0 6 * * ? *)"),
    logs=Logs(
        Variable("log_level", description="What is logged.", default="ALL"),
        execution_data=Variable("log_execution_data", default="false"),
    ),
    tracing=Variable("tracing", description="Whether X-Ray is used.", default="true"),
    role_path=Variable("role_path", default="/teams/data/"),
    alarms=Alarms(
        aborted=True,
        no_success_in=90000,
        ok_actions=[Variable("all_clear", default="arn:aws:sns:eu-west-1:123456789012:all-clear")],
    ),
)

if flow := Environments(scheduler=scheduler):
    flow()
