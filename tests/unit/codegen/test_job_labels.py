"""Layers share a job definition only if it is the same for both: each field is in the label or in the job."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from laminar_codegen.ir.expressions import Ref
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.placement import USUAL, Placement, container_of
from laminar_codegen.targets.batch.job_definitions import JobDefinition, container_properties
from laminar_codegen.targets.batch.labels import job_definitions
from laminar_codegen.targets.batch.options import OPTIONS
from laminar_codegen.targets.batch.target import BatchTarget
from laminar_runtime import _records
from laminar_runtime.configurations.layers import EFS, Container
from tests.support.random_graphs import graph_of

#: Another value for each field of a container. A new field needs one here.
OTHERS: dict[str, Any] = {
    "command": "python other.py",
    "cpu": 2,
    "memory": 4096,
    "image": "team/other:1",
    "workdir": "/other",
    "gpu": 1,
    "spot": True,
    "architecture": "arm64",
    "secrets": {"TOKEN": "arn:aws:ssm:eu-west-1:123456789012:parameter/token"},
    "ephemeral_storage": 50,
    "log_driver": "splunk",
    "log_options": {"awslogs-stream-prefix": "other"},
    "environment": {"STAGE": "prod"},
    "shared_memory": 64,
    "tmpfs": {"/scratch": 16},
    "swap": 0,
    "ulimits": {"nofile": (1024, 4096)},
    "devices": ["/dev/fuse"],
    "init": True,
    "user": "1000",
    "read_only_root": True,
    "privileged": True,
    "capabilities": ["SYS_PTRACE"],
    "accelerator": "neuron",
    "efa": 1,
    "registry_credentials": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:registry-AbCdEf",
    "tags": {"team": "data"},
    "properties": {"enableExecuteCommand": True},
    "volumes": [EFS("fs-0123456789abcdef0", mount="/mnt/models")],
}


def test_each_field_has_another_value() -> None:
    assert OTHERS.keys() == _records.plain(Container()).keys()


def test_each_field_is_lowered() -> None:
    """A field has a row in the options of AWS Batch, or is what each job definition or each job has."""
    assert OTHERS.keys() == {"command", "cpu", "memory", "image", "workdir"} | OPTIONS.keys()


@pytest.mark.parametrize("platform", ["FARGATE", "EC2"])
@pytest.mark.parametrize("name", OTHERS)
def test_layers_of_one_label_have_one_job_definition(name: str, platform: Any) -> None:
    """Two layers that differ in one field have different labels, or job definitions that are equal."""
    target = BatchTarget(platform)
    containers = (USUAL, container_of(Container(**{name: OTHERS[name]})))
    graph: Graph = graph_of({"A": set(), "B": set()})
    layers = tuple(
        attrs.evolve(layer, container=container, executor=target)
        for layer, container in zip(graph.layers, containers, strict=True)
    )
    labels = job_definitions(attrs.evolve(graph, layers=layers))
    one, other = (
        container_properties(JobDefinition("label", Ref("local.flow"), Placement(container, target), 60))
        for container in containers
    )
    assert len({*labels.values()}) == 2 or one == other
