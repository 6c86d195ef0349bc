"""Flows of many shapes, run here and through the embedded AWS, come to the same: states, jobs, planners and all."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from laminar_codegen.allocate import allocate
from laminar_codegen.checks.graph import check
from laminar_codegen.frontend.build_graph import build_graph
from laminar_codegen.frontend.loader import load
from laminar_codegen.ir import labels
from laminar_codegen.lower_states.split_machines import split_plan
from laminar_codegen.lower_states.states import emit_states, measure_steps
from laminar_codegen.lower_terraform.document import emit_document
from laminar_codegen.pipeline import Compilation, Unit
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime.configurations import datastores
from tests.support.random_flows.compiling import feasible
from tests.support.random_flows.drawing import flows
from tests.support.random_flows.local import Local
from tests.support.random_flows.outcomes import EXECUTION, Results, results_of
from tests.support.random_flows.source import HEADER, guard_of, source_of
from tests.support.random_flows.spec import FlowSpec

#: How many flows are run, and how many tasks each may have: a task is a process here.
FLOWS, TASKS = 32, 12
ROOT = Path(__file__).parents[3]


def _specs() -> list[FlowSpec]:
    """Flows of the whole feature set, the same each time, each with a name of its own."""
    found: list[FlowSpec] = []

    @settings(
        max_examples=400, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(flows())
    def draw(spec: FlowSpec) -> None:
        tasks = sum(spec.splits().values()) + sum(layer.attempts - 1 for layer in spec.layers)
        if not spec.troubles and len(spec.layers) >= 2 and tasks <= TASKS:
            found.append(spec)

    draw()
    # Those of the most layers, for the shapes of their graphs.
    largest = sorted(found, key=lambda spec: -len(spec.layers))[:FLOWS]
    return [attrs.evolve(feasible(spec), name=f"Flow{number}") for number, spec in enumerate(largest)]


SPECS = _specs()


@attrs.frozen
class Deployed:
    """All flows, deployed, each in its state machine, and executed."""

    status: dict[str, str]
    cause: dict[str, str]
    store: datastores.Memory


def _write(folder: Path) -> Path:
    """One file of all flows, which tasks run as their script."""
    module = "tests.support.random_flows.behaviour"
    behaviour = f"from {module} import *\nfrom {module} import Files\n"
    start = (
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{behaviour}world = Files(__import__('pathlib').Path('.'))\n"
    )
    texts = [f"{source_of(spec)}{guard_of(spec)}" for spec in SPECS]
    executor = "from laminar_runtime.configurations import executors\nLAMBDA = executors.AWS.Lambda()\n"
    file = folder / "flows.py"
    file.write_text(f"{start}{HEADER}{executor}{''.join(texts)}", encoding="utf-8")
    return file


def _compile(file: Path) -> Compilation:
    units = []
    for place, spec in enumerate(SPECS):
        source = load(f"{file}:{spec.name}")
        graph = attrs.evolve(build_graph(source), prefix=labels.prefix(spec.name))
        check([graph])
        plan = split_plan(make_plan(graph, joins="exact" if place % 2 else "barriers"), measure_steps(graph))
        units.append(Unit(graph, plan, emit_states(graph, plan)))
    graphs = [unit.graph for unit in units]
    # A deployment has a machine that applications start. Here each is started by itself, and this is another of one.
    machines = (
        attrs.evolve(units[0].machines[0], name="flow"),
        *(machine for unit in units for machine in unit.machines),
    )
    deployment = allocate(graphs, machines)
    return Compilation(source, tuple(units), deployment, emit_document(deployment))


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("flows")
    file = _write(folder)
    image = folder / "image"
    image.mkdir()
    compilation = _compile(file)
    with EmbeddedAws(workspace=Workspace(directory=lay_out(file, image))) as aws:
        deploy(compilation, aws)
        client = aws.client("stepfunctions")
        arns = {
            machine["name"]: machine["stateMachineArn"] for machine in client.list_state_machines()["stateMachines"]
        }
        of_flows = {
            spec.name: next(arn for name, arn in arns.items() if name.endswith(_suffix(spec))) for spec in SPECS
        }
        started = {
            spec.name: client.start_execution(
                stateMachineArn=of_flows[spec.name], name=EXECUTION, input=json.dumps({"parameters": spec.parameters})
            )["executionArn"]
            for spec in SPECS
        }
        ended: dict[str, dict[str, Any]] = {}
        end = time.monotonic() + 900
        while len(ended) < len(SPECS) and time.monotonic() < end:
            for name in started.keys() - ended.keys():
                described = client.describe_execution(executionArn=started[name])
                if described["status"] != "RUNNING":
                    ended[name] = described
            time.sleep(0.5)
        store = datastores.Memory()
        pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket="rehearsal", Prefix="laminar/")
        for item in (item for page in pages for item in page.get("Contents", [])):
            content = aws.client("s3").get_object(Bucket="rehearsal", Key=item["Key"])["Body"].read()
            store.transport.put(item["Key"].removeprefix("laminar/"), content)
        status = {name: described["status"] for name, described in ended.items()}
        yield Deployed(status, {name: described.get("cause", "") for name, described in ended.items()}, store)


def _suffix(spec: FlowSpec) -> str:
    return f"-{labels.prefix(spec.name)}flow".replace("_", "-")


def _of_flow(deployed: Deployed, spec: FlowSpec) -> Results:
    store = datastores.Memory()
    for path, content in deployed.store.workspace.items():
        if path.startswith(f"{spec.name}/"):
            store.transport.put(path, content)
    return results_of(spec.name, store)


def test_there_are_flows_of_all_kinds() -> None:
    """Fork-join and not, with fan-outs, hooks, retries, on AWS Batch and on AWS Lambda."""
    assert len(SPECS) == FLOWS >= 30
    layers = [layer for spec in SPECS for layer in spec.layers]
    assert sum(bool(layer.over) for layer in layers) > 10
    assert sum(bool(layer.hooks) for layer in layers) > 10
    assert sum(layer.attempts > 1 for layer in layers) > 5
    assert math.prod(len(spec.layers) for spec in SPECS) > 2**FLOWS


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_the_deployed_flow_does_what_the_local_one_does(spec: FlowSpec, deployed: Deployed) -> None:
    """The same layers finish, with the same artifacts, or both runs fail."""
    local = Local(spec, 4).run()
    assert deployed.status[spec.name] == ("SUCCEEDED" if local.failed is None else "FAILED"), (
        local.text,
        deployed.cause[spec.name][:2000],
        source_of(spec),
    )
    results = _of_flow(deployed, spec)
    both = set(local.results.finished) & set(results.finished)
    if local.failed is None:
        assert {*local.results.finished, "Parameters"} == {*results.finished, "Parameters"}, source_of(spec)
    assert local.results.of(both) == results.of(both), source_of(spec)
