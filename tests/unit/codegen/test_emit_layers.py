"""What a plan says of layers: all that their flow says of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from laminar_codegen.ir.graph import Dimension, LayerNode, Retry
from laminar_codegen.ir.placement import Container
from laminar_codegen.lower_terraform.layer_descriptions import layers
from laminar_codegen.pipeline import Compilation
from laminar_codegen.targets.aws_lambda.target import LambdaTarget
from laminar_codegen.targets.batch.target import BatchTarget
from laminar_runtime import _records
from laminar_runtime.configurations.layers import ForEach, Parameter

FLOW = """
from laminar_runtime import Flow, Layer

class Report(Flow): ...

@Report.register
class Load(Layer):
    def __call__(self) -> None: ...

@Report.register
class Clean(Layer):
    \"\"\"Drops what is empty.\"\"\"

    def __call__(self, load: Load) -> None: ...

if flow := Report():
    flow()
"""
#: Another value of each field of a layer, and of its container.
OTHERS: dict[str, Any] = {
    "summary": "Drops rows.",
    "depends": (),
    "hooks": (("entry", "filled"),),
    "foreach": (Dimension("Load", "rows", None),),
    "retry": Retry(3, 1, 2, 0),
    "optional": True,
    "executor": LambdaTarget(concurrency=10),
    "split_seconds": 2.0,
    "pipelined": True,
    "fan_out": ForEach([Parameter("Load", "rows", None)], pipelined=True),
}
OF_CONTAINER: dict[str, Any] = {
    "command": ("python", "-O", "main.py"),
    "cpu": 4,
    "memory": 8192,
    "image": "team/other:1",
    "workdir": "/work",
    "gpu": 1,
    "spot": True,
    "architecture": "arm64",
    "secrets": (("TOKEN", "arn:aws:ssm:eu-west-1:123456789012:parameter/token"),),
    "environment": (("STAGE", "test"),),
    "ephemeral_storage": 100,
    "log_driver": "splunk",
    "log_options": (("splunk-url", "https://team"),),
    "more": (("user", "1000"),),
}
#: What says nothing of how a layer runs: where it stands in its file, what the compiler checks, what it is packed with.
UNSAID = {
    "name",
    "location",
    "hints",
    "container",
    "calls",
    "initialised",
    "local_concurrency",
    "inherited",
    "pack",
    "alternative",
    "packed",
}


@pytest.fixture
def clean(compiled: Callable[[str], Compilation]) -> tuple[Compilation, LayerNode]:
    """A flow, and its layer ``Clean``."""
    compilation = compiled(FLOW)
    return compilation, compilation.graphs[0].layers[1]


def entry(compilation: Compilation, layer: LayerNode) -> Any:
    """Return what is said of the layer ``Clean`` if it is another one."""
    (graph,) = compilation.graphs
    return layers([attrs.evolve(graph, layers=(graph.layers[0], layer))])["Clean"]


def test_a_usual_layer(clean: tuple[Compilation, LayerNode]) -> None:
    """What all layers have is not said of each."""
    assert entry(*clean) == {
        "runs_on": "AWS Batch, FARGATE",
        "cpu": 1,
        "memory": 2048,
        "comment": "Drops what is empty.",
        "after": "Load",
    }


def test_each_field_of_a_layer_is_shown(clean: tuple[Compilation, LayerNode]) -> None:
    """A change of any field of a layer is a change of what is said of it."""
    compilation, layer = clean
    before = entry(compilation, layer)
    assert {field.name for field in attrs.fields(LayerNode)} == OTHERS.keys() | UNSAID
    same = [
        name for name, value in OTHERS.items() if entry(compilation, attrs.evolve(layer, **{name: value})) == before
    ]
    assert same == []


def test_each_field_of_a_container_is_shown(clean: tuple[Compilation, LayerNode]) -> None:
    """A change of any field of its container is, too."""
    compilation, layer = clean
    before = entry(compilation, layer)
    assert {field.name for field in attrs.fields(Container)} == OF_CONTAINER.keys()
    containers = {name: attrs.evolve(layer.container, **{name: value}) for name, value in OF_CONTAINER.items()}
    changed = {name: attrs.evolve(layer, container=container) for name, container in containers.items()}
    assert [name for name, other in changed.items() if entry(compilation, other) == before] == []


def test_a_new_argument_of_a_fan_out(compiled: Callable[[str], Compilation]) -> None:
    """It is in the graph and in plans of Terraform, without a line of the frontend."""
    wider = """
from laminar_runtime import Flow, Layer, _records
from laminar_runtime.configurations.layers import ForEach, Parameter

class Report(Flow): ...

@Report.register
class Load(Layer):
    def __call__(self) -> None:
        self.shard(row=[1, 2])

@_records.frozen
class Paced(ForEach):
    pace: "int | None"

    def __init__(self, parameters=(), *, pace=None):
        _records.assign(self, **vars(ForEach(parameters)), pace=pace)

@Report.register(foreach=Paced([Parameter(Load, "row")], pace=2))
class Work(Layer):
    def __call__(self, load: Load) -> None: ...

flow = Report()
"""
    compilation = compiled(f"from __future__ import annotations\n{wider}")
    work = compilation.graphs[0].layers[1]
    assert _records.plain(work.fan_out)["pace"] == 2
    described: Any = layers(compilation.graphs)
    assert described["Work"]["pace"] == 2
    assert "pace" not in described["Load"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BatchTarget(), BatchTarget("EC2")),
        (BatchTarget(), BatchTarget(timeout=60)),
        (LambdaTarget(10), LambdaTarget(20)),
        (LambdaTarget(10), LambdaTarget(10, timeout=60)),
    ],
)
def test_each_field_of_what_runs_it_is_shown(clean: tuple[Compilation, LayerNode], before: Any, after: Any) -> None:
    """A change of what runs it is, too."""
    compilation, layer = clean
    first, second = (attrs.evolve(layer, executor=target) for target in (before, after))
    assert entry(compilation, first) != entry(compilation, second)


def test_layers_of_several_flows(clean: tuple[Compilation, LayerNode]) -> None:
    """Layers of one name, of several flows, are distinct."""
    (graph,) = clean[0].graphs
    both = layers([graph, attrs.evolve(graph, flow="Weekly")])
    assert list(both) == ["Report.Load", "Report.Clean", "Weekly.Load", "Weekly.Clean"]
