"""The tags of functions that run layers: the flow, the layer, and those of the container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Input, Ref, Value
from laminar_codegen.ir.graph import LayerNode
from laminar_codegen.ir.terraform import Validation
from laminar_codegen.limits import MOST_TAGS
from laminar_codegen.targets.aws_lambda.labels import task_functions
from laminar_codegen.targets.aws_lambda.volumes import places_of
from laminar_codegen.targets.forms import TAG
from laminar_runtime.configurations.containers import JOB_TAGS

__all__ = ["OWN_TAGS", "local_values", "validations"]

#: The tags that each function has. It runs many executions, so it has none of these.
OWN_TAGS = _FLOW, _LAYER = JOB_TAGS[:2]


def _functions(deployment: Deployment) -> Iterator[tuple[str, Ref, LayerNode]]:
    for graph in deployment.graphs:
        layers = {layer.name: layer for layer in graph.layers}
        for name, label in task_functions(graph).items():
            yield label, labels.flow(graph), layers[name]


def local_values(deployment: Deployment) -> Mapping[str, Value]:
    """Return the local value with the tags of functions besides those of the deployment, by label.

    Args:
        deployment: The deployment.
    """
    found: dict[str, Value] = {
        label: {_FLOW: flow, _LAYER: layer.name, **dict(layer.container.requested.get("tags", ()))}
        for label, flow, layer in sorted(_functions(deployment), key=lambda item: item[0])
    }
    return {"function_tags": found} if found else {}


def validations(deployment: Deployment) -> Mapping[Ref, tuple[Validation, ...]]:
    """Return the validations of variables in tags and of volumes, and of the variable with the deployment's tags.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html

    Args:
        deployment: The deployment.
    """
    found = [layer.container.requested.get("tags", ()) for _, _, layer in _functions(deployment)]
    if not found:
        return {}
    own = len(OWN_TAGS) + max(map(len, found))
    room = MOST_TAGS - own
    text = (
        f"A function has at most {MOST_TAGS} tags. The flow gives some {own}, so the variable may have at most {room}, "
        "less the default_tags of the provider, which this validation does not see."
    )
    rules: dict[Ref, tuple[Validation, ...]] = {
        Ref("var.tags"): (Validation(f"length(var.tags) <= {room}", text),),
    }
    forms = [(value, TAG) for tags in found for _, value in tags]
    forms += [place for _, _, layer in _functions(deployment) for place in places_of(layer.placement)]
    for value, form in forms:
        if isinstance(value, Input):
            rules[value] = tuple(dict.fromkeys((*rules.get(value, ()), form.validation(value.expression))))
    return rules
