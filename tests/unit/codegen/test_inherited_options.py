"""What a layer on AWS Lambda has of the container of its flow: what functions lack is left out, with a warning."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from laminar_codegen.checks.graph import warnings_of
from laminar_codegen.pipeline import Compilation
from laminar_codegen.problems import CompileError
from laminar_codegen.render.terraform_json import render_document
from laminar_codegen.targets.aws_lambda.tags import local_values
from laminar_codegen.targets.forms import TAG

FLOW = """
from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container

class Report(Flow):
    container = Container(cpu=4, init=True, secrets={{"TOKEN": "ssm:/report/token"}}, tags={{"team": Variable("team")}})

@Report.register
class Load(Layer):
    def __call__(self) -> None: ...

@Report.register(executor=executors.AWS.Lambda(timeout=60), container=Container({own}))
class Notify(Layer):
    def __call__(self, load: Load) -> None: ...
"""


def test_a_function_has_the_tags_of_its_flow_and_no_more(compiled: Callable[[str], Compilation]) -> None:
    compilation = compiled(FLOW.format(own='memory=512, tags={"stage": "end"}'))
    (warning,) = warnings_of(compilation.deployment.graphs)
    assert str(warning).partition("\n")[0].partition(" ")[2] == (
        "LAM098 warning: layer 'Notify' runs on AWS Lambda, without what its flow's container has: cpu, init, secrets"
    )
    document = json.loads(render_document(compilation.document))
    function = document["resource"]["aws_lambda_function"]["run_notify"]
    assert function["tags"] == "${merge(var.tags, local.function_tags.run_notify)}"
    assert local_values(compilation.deployment).keys() == {"function_tags"}
    assert document["locals"]["function_tags"]["run_notify"] == {
        "laminar:flow": "${local.flow}",
        "laminar:layer": "Notify",
        "stage": "end",
        "team": "${var.team}",
    }
    conditions = [rule["condition"] for rule in document["variable"]["tags"]["validation"]]
    assert conditions == ["${length(var.tags) <= 46}", "${length(var.tags) <= 46}"]
    (rule,) = document["variable"]["team"]["validation"]
    assert rule["condition"] == f"${{{TAG.condition('var.team')}}}"


@pytest.mark.parametrize("own", ["cpu=4", 'secrets={"OTHER": "ssm:/report/other"}'])
def test_what_the_layer_itself_asks_for_is_refused(own: str, compiled: Callable[[str], Compilation]) -> None:
    with pytest.raises(CompileError, match="LAM038 layer 'Notify' runs on AWS Lambda, and its container asks for"):
        compiled(FLOW.format(own=own))


MOUNTING = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import EFS, Container
from laminar_runtime.configurations.networks import Network

NETWORK = Network(subnets=["subnet-0a1b2c3d"], security_groups=["sg-0a1b2c3d"])
MODELS = EFS("fs-0123456789abcdef0", mount="/mnt/models", access_point={point})

class Report(Flow):
    container = Container(volumes=[MODELS])

@Report.register(executor=executors.AWS.Lambda(timeout=60, network={network}))
class Notify(Layer):
    def __call__(self) -> None: ...
"""


@pytest.mark.parametrize(
    ("network", "point", "mounts"),
    [
        ("NETWORK", '"fsap-0123456789abcdef0"', True),
        ("None", '"fsap-0123456789abcdef0"', False),
        ("NETWORK", "None", False),
    ],
)
def test_a_function_has_the_volume_of_its_flow_if_it_can_mount_it(
    network: str,
    point: str,
    mounts: bool,  # noqa: FBT001
    compiled: Callable[[str], Compilation],
) -> None:
    """Otherwise it goes without, and a warning says so."""
    compilation = compiled(MOUNTING.format(network=network, point=point))
    found = [str(warning) for warning in warnings_of(compilation.deployment.graphs)]
    assert [one for one in found if "LAM098" in one and "volumes" in one] == [] if mounts else found != []
    document = json.loads(render_document(compilation.document))
    function = document["resource"]["aws_lambda_function"]["run_notify"]
    assert ("file_system_config" in function) is mounts
    assert ("LAMINAR_VOLUME_models" in function["environment"]["variables"]) is mounts
    assert ("ClientMount" in json.dumps(document)) is mounts
