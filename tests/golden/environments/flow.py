from __future__ import annotations

from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations.layers import Container

ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter/team/key"


class Environments(Flow):
    """One document for several environments."""


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


if flow := Environments():
    flow()
