"""The lines of the page about Metaflow: each becomes what the page says.

tests/integration/rehearsal/test_migration.py runs them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.render.terraform_json import render_document
from tests.support.migration import PAGE, lines_of

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import EFS, Catch, Container, Host, Retry
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.configurations.triggers import After, Event

class Report(Flow): ...

@Report.register({layer})
class A(Layer):
    def __call__(self) -> None: ...

flow = Report({scheduler})
"""
#: The decorators that must have a line.
DECORATORS = {"batch", "catch", "environment", "resources", "retry", "schedule", "secrets", "timeout", "trigger"}
DECORATORS |= {"trigger_on_finish"}


def test_each_decorator_has_a_line() -> None:
    """Those that teams ask for."""
    assert {before.removeprefix("@").partition("(")[0] for before, _, _ in lines_of(PAGE)} == DECORATORS


@pytest.mark.parametrize(("before", "here", "emitted"), [pytest.param(*line, id=line[0]) for line in lines_of(PAGE)])
def test_a_line_compiles(before: str, here: str, emitted: str, tmp_path: Path) -> None:
    """The document has what the line says, and a flow without it has not."""
    layer, scheduler = ("", f"scheduler={here}") if here.startswith("AWS.") else (here, "")
    document = _compiled(tmp_path / "flow.py", layer, scheduler)
    if emitted.startswith("`"):
        assert emitted.strip("`") in document, before
        assert emitted.strip("`") not in _compiled(tmp_path / "without.py", "", "")
    else:
        assert emitted.startswith("nothing: ")
        assert "aws_batch_job_definition" in document


def _compiled(file: Path, layer: str, scheduler: str) -> str:
    file.write_text(FLOW.format(layer=layer, scheduler=scheduler))
    return re.sub(r'": (?=[\d"\[{])', '":', render_document(compile_flow(str(file)).document).replace('\\"', '"'))
