"""Writes of states and of the planner ask S3 for the encryption that the flow's datastore asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.ir.asl import Task, all_states
from laminar_codegen.pipeline import Scheduling, compile_flow
from laminar_codegen.render.terraform_json import render_document
from laminar_runtime import task_environment

FLOW = """
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import datastores
from laminar_runtime.configurations.layers import ForEach, Parameter

class F(Flow): ...

@F.register
class A(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(rows=[1, 2])

@F.register(foreach=ForEach(parameters=[Parameter(A, "rows")]))
class B(Layer):
    def __call__(self, a: A) -> None: ...

@F.register
class C(Layer):
    def __call__(self) -> None: ...

@F.register
class D(Layer):
    def __call__(self, b: B, c: C) -> None: ...

@F.register
class E(Layer):
    def __call__(self, c: C) -> None: ...

flow = F(datastore={datastore})
"""
ASKED = {task_environment.DATASTORE_ENCRYPTION, task_environment.DATASTORE_KMS_KEY_ID}
S3 = "datastores.AWS.S3(root='s3://mine', {})"


@pytest.mark.parametrize(
    ("datastore", "expected", "variables"),
    [
        ("None", {}, {}),
        (S3.format(""), {}, {}),
        (
            S3.format("encryption='AES256'"),
            {"ServerSideEncryption": "AES256"},
            {task_environment.DATASTORE_ENCRYPTION: "AES256"},
        ),
        (
            S3.format("encryption='aws:kms', kms_key_id='alias/x'"),
            {"ServerSideEncryption": "aws:kms", "SsekmsKeyId": "alias/x"},
            {task_environment.DATASTORE_ENCRYPTION: "aws:kms", task_environment.DATASTORE_KMS_KEY_ID: "alias/x"},
        ),
    ],
)
def test_what_writes(datastore: str, expected: dict[str, Any], variables: dict[str, str], tmp_path: Path) -> None:
    """The input, the marks of exact joins and records are written as the datastore's option has it, or plainly."""
    (tmp_path / "flow.py").write_text(FLOW.format(datastore=datastore), encoding="utf-8")
    compilation = compile_flow(str(tmp_path / "flow.py"), Scheduling(joins="exact"))
    machines = compilation.machines
    states = [state for machine in machines for state in all_states(machine.states) if isinstance(state, Task)]
    writes = [dict(state.arguments) for state in states if state.integration == "aws-sdk:s3:putObject"]
    assert len(writes) >= 2
    assert all(write.keys() - {"Bucket", "Key", "Body"} == expected.keys() for write in writes)
    assert all(expected.items() <= write.items() for write in writes)
    document = json.loads(render_document(compilation.document))
    (planner,) = document["resource"]["aws_lambda_function"].values()
    given = planner["environment"]["variables"]
    assert {name: text for name, text in given.items() if name in ASKED} == variables
