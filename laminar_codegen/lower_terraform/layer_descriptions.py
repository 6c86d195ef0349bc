"""Declares a description of each layer, for readers of a plan, and for policies that check one.

Terraform learns the revision of a job definition with a new image when it makes it. Until then every value that names
the revision is unknown, such as the whole definition of the state machine. So each layer has a ``terraform_data``
resource, which exists in the state only (https://developer.hashicorp.com/terraform/language/resources/terraform-data),
and a plan shows what changes of the layer::

    # terraform_data.layer["Clean"] will be updated in-place
    ~ resource "terraform_data" "layer" {
        ~ input = {
            ~ memory  = 4096 -> 8192
              # (3 unchanged attributes hidden)

See ADR 19.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from laminar_codegen.ir.expressions import Ref, Value
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import Container
from laminar_codegen.ir.terraform import Block
from laminar_runtime import _records
from laminar_runtime.configurations.layers import ForEach, Retry

__all__ = ["emit_layers", "layers"]


def emit_layers() -> Block:
    """Emit the resources that describe the layers, from the local value `layers`."""
    return Block("terraform_data", "layer", {"for_each": Ref("local.layers"), "input": Ref("each.value")})


def layers(graphs: Sequence[Graph]) -> dict[str, Value]:
    """Return the descriptions of the layers by name, or by flow and name if there are several flows.

    Defaults are left out: the deployment's image, the usual command.

    Args:
        graphs: The graphs of the flows.
    """
    several = len(graphs) > 1
    return {
        f"{graph.flow}.{layer.name}" if several else layer.name: _layer(layer)
        for graph in graphs
        for layer in graph.layers
    }


def _layer(layer: LayerNode) -> dict[str, Value]:
    container = layer.container
    sized = layer.executor.facts(container)
    facts: Mapping[str, Value] = {
        "comment": layer.summary,
        "after": ", ".join(layer.depends),
        "foreach": ", ".join(_dimension(item.layer, item.attribute, item.index) for item in layer.foreach),
        **_set(layer.fan_out),
        "split_seconds": layer.split_seconds,
        "pipelined": layer.pipelined,
        "may_be_skipped": layer.optional,
        "hooks": ", ".join(f"{kind} {name}" for kind, name in layer.hooks),
        "retry": _retry(layer.retry) if layer.retry.attempts > 1 else None,
        "timeout": layer.executor.timeout,
        **_request(container),
    }
    return {**sized, **{name: value for name, value in facts.items() if value}}


def _retry(value: Retry) -> dict[str, Value]:
    fields = _records.plain(value)
    on = [item.__name__ if isinstance(item, type) else item for item in fields.pop("on")]
    return {**fields, **({"on": on} if on else {})}


def _set(value: ForEach) -> dict[str, Value]:
    """Return the arguments of a fan-out that differ from their defaults."""
    known = _records.plain(type(value)())
    return {name: _plain(name, item) for name, item in _records.plain(value).items() if item != known[name]}


def _request(container: Container) -> dict[str, Value]:
    """Return the fields that a container sets, except its size, which is a fact of its target."""
    fields = {"image": container.image, **container.requested}
    return {name: _plain(name, value) for name, value in fields.items() if name not in {"cpu", "memory"}}


def _plain(name: str, value: Any) -> Value:
    match value:
        case tuple() if name == "command":
            return shlex.join(value)
        case tuple() if name == "volumes":
            fields = [dict(pairs) for pairs in value]
            return {item.pop("name"): {key: _plain("", one) for key, one in item.items()} for item in fields}
        case tuple() if all(isinstance(item, tuple) for item in value):
            return {key: _plain("", item) for key, item in value}
        case tuple():
            return [_plain("", item) for item in value]
        case bool() | int() | float() | str() | Ref() | None:
            return value
        case _:
            return str(value)


def _dimension(layer: str, attribute: str, index: int | None) -> str:
    return f"{layer}.{attribute}" if index is None else f"{layer}.{attribute}[{index}]"
