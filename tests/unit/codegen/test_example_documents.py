"""The documents that the examples keep are what the examples compile to."""

from __future__ import annotations

from pathlib import Path

import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.render.terraform_json import render_document
from tests.update import compare

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = sorted(file.parent.name for file in EXAMPLES.glob("*/flow.py"))


def test_there_are_examples() -> None:
    """Those that the documentation lists."""
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"({name}/flow.py)" not in listed] == []
    assert len(NAMES) >= 7


@pytest.mark.parametrize("name", NAMES)
def test_a_document(name: str, *, update_golden: bool) -> None:
    """It is the same, byte for byte."""
    document = compile_flow(str(EXAMPLES / name / "flow.py")).document
    kept = EXAMPLES.parent / "tests" / "golden" / name if name == "digits" else EXAMPLES / name
    compare(kept / "main.tf.json", render_document(document), update=update_golden)
