"""Compiles a random flow."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from laminar_codegen.allocate import allocate
from laminar_codegen.checks.graph import check, check_definitions
from laminar_codegen.frontend.build_graph import build_graph
from laminar_codegen.frontend.loader import Source
from laminar_codegen.ir import labels
from laminar_codegen.ir.plan import Packing, Step
from laminar_codegen.lower_states.states import emit_states
from laminar_codegen.lower_terraform.document import emit_document
from laminar_codegen.planning.choose_packs import choose_packs
from laminar_codegen.planning.fuse_fan_outs import obstacles
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.render.terraform_json import render_document, render_machine
from laminar_runtime.configurations import datastores
from tests.support.random_flows.behaviour import Memory
from tests.support.random_flows.loading import deployable
from tests.support.random_flows.outcomes import Job
from tests.support.random_flows.plans import nest_steps
from tests.support.random_flows.spec import FlowSpec

__all__ = ["PREFIX", "Compiled", "compile_spec", "feasible"]

#: Where the datastore is in its bucket.
PREFIX = "pre/fix/"


class _References(dict[str, str]):
    """Values of the references that matter here; the others stand for themselves."""

    def __missing__(self, expression: str) -> str:
        return expression


_REFERENCES = _References(
    {
        "local.partition": "aws",
        "local.datastore_bucket": "bucket",
        "local.datastore_prefix": PREFIX,
    }
)


@attrs.frozen
class Compiled:
    """A flow, compiled.

    Args:
        plan: Its plan.
        main: Its state machine.
        nested: The machines of nested steps, by the references to them.
        containers: The containers of its job definitions, by the references to them.
    """

    plan: Step
    main: Mapping[str, Any]
    nested: Mapping[str, Mapping[str, Any]]
    containers: Mapping[str, Job]


def feasible(spec: FlowSpec) -> FlowSpec:
    """Return a flow in which each pipelined layer can run item by item."""
    flow = deployable(spec, Memory())
    vain = {layer.name for layer, _, _ in obstacles(build_graph(Source(flow, Path("random.py"), "random.py")))}
    if not vain:
        return spec
    layers = [attrs.evolve(layer, pipelined=layer.pipelined and layer.name not in vain) for layer in spec.layers]
    return feasible(attrs.evolve(spec, layers=tuple(layers)))


def compile_spec(
    spec: FlowSpec, *, joins: Literal["barriers", "exact"], packing: Packing, nest: random.Random | None
) -> Compiled:
    """Compile a flow, some of its steps by chance nested, if so. For packs, layers take different times."""
    flow = deployable(spec, Memory())
    # Containers do not share a memory.
    flow.configuration.datastore = datastores.Local()
    graph = build_graph(Source(flow, Path("random.py"), "random.py"))
    check([graph])
    durations = {layer.name: float(1 + 40 * (place % 3)) for place, layer in enumerate(graph.layers)}
    plan = make_plan(graph, joins=joins, packs=choose_packs(graph, packing, durations))
    if nest is not None:
        plan = nest_steps(plan, nest)
    machines = emit_states(graph, plan)
    check_definitions(graph, machines)
    main, *others = (json.loads(render_machine(machine, _REFERENCES)) for machine in machines)
    references = (f"aws_sfn_state_machine.{machine.name}.arn" for machine in machines[1:])
    document = json.loads(render_document(emit_document(allocate([graph], machines))))
    assert machines[0].name == labels.MAIN
    return Compiled(plan, main, dict(zip(references, others, strict=True)), _containers(document))


def _containers(document: Mapping[str, Any]) -> dict[str, Job]:
    containers = document["locals"].get("containers", {})
    return {
        f"aws_batch_job_definition.{label}.arn": job_of(
            container["command"], [(item["type"], item["value"]) for item in container["resourceRequirements"]]
        )
        for label, container in containers.items()
    }


def job_of(command: list[str], resources: list[tuple[str, str]]) -> Job:
    """Return a container."""
    return Job(tuple(command), dict(sorted(resources)))
