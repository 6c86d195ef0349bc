"""The input that a state machine is started with is kept, whether a layer reads parameters or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from laminar_codegen.pipeline import compile_flow

FLOW = """
from laminar_runtime import Flow, Layer, Parameters

class F(Flow): ...

@F.register
class A(Layer):
    def __call__(self{hint}) -> None: ...
"""


@pytest.mark.parametrize("hint", ["", ", parameters: Parameters"])
def test_the_input_is_kept(hint: str, tmp_path: Path) -> None:
    """Parameters are results too: who reads the execution finds what it was started with."""
    (tmp_path / "flow.py").write_text(FLOW.format(hint=hint), encoding="utf-8")
    (machine,) = compile_flow(str(tmp_path / "flow.py")).machines
    assert [state.name for state in machine.states] == ["Parameters", "A"]
