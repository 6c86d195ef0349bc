"""Writes of states ask S3 for the encryption that the flow's datastore asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.states import Task, all_states

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
S3 = "datastores.AWS.S3(root='s3://mine', {})"


@pytest.mark.parametrize(
    ("datastore", "expected"),
    [
        ("None", {}),
        (S3.format(""), {}),
        (S3.format("encryption='AES256'"), {"ServerSideEncryption": "AES256"}),
        (
            S3.format("encryption='aws:kms', kms_key_id='alias/x'"),
            {"ServerSideEncryption": "aws:kms", "SsekmsKeyId": "alias/x"},
        ),
    ],
)
def test_states_that_write(datastore: str, expected: dict[str, Any], tmp_path: Path) -> None:
    """The input, the records and the marks of exact joins are written as the datastore's option has it, or plainly."""
    (tmp_path / "flow.py").write_text(FLOW.format(datastore=datastore), encoding="utf-8")
    machines = compile_flow(str(tmp_path / "flow.py")).machines
    states = [state for machine in machines for state in all_states(machine.states) if isinstance(state, Task)]
    writes = [dict(state.arguments) for state in states if state.integration == "aws-sdk:s3:putObject"]
    assert len(writes) >= 2
    assert all(write.keys() - {"Bucket", "Key", "Body"} == expected.keys() for write in writes)
    assert all(expected.items() <= write.items() for write in writes)
