"""A folder that is written again keeps the job definitions that its document had."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.command import main
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.problems import NotWrittenError
from laminar_codegen.render.kept_revisions import keep_revisions, old_addresses

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container

class Report(Flow): ...

@Report.register
class A(Layer):
    def __call__(self) -> None: ...
"""
ANOTHER = """
@Report.register(container=Container(command="python -O main.py"))
class B(Layer):
    def __call__(self) -> None: ...
"""


def write(folder: Path, text: str, *more: str) -> int:
    """Compile a flow into a folder."""
    file = folder / "flow.py"
    file.write_text(text, encoding="utf-8")
    return main.main(["--output", str(folder / "out"), *more, str(file)])


def removed(folder: Path) -> list[Any]:
    content = json.loads((folder / "out" / "main.tf.json").read_text(encoding="utf-8"))
    return content.get("removed", [])


def labels(folder: Path) -> set[str]:
    content = json.loads((folder / "out" / "main.tf.json").read_text(encoding="utf-8"))
    return set(content["resource"]["aws_batch_job_definition"])


def test_a_folder_keeps_what_it_had(tmp_path: Path) -> None:
    """Terraform forgets a job definition that left, for as long as it is not there again."""
    write(tmp_path, FLOW + ANOTHER)
    before = labels(tmp_path)
    assert removed(tmp_path) == []
    write(tmp_path, FLOW)
    (label,) = before - labels(tmp_path)
    expected = [[{"from": f"aws_batch_job_definition.{label}", "lifecycle": {"destroy": False}}]]
    assert removed(tmp_path) == expected
    # Again, and compared: the same.
    assert write(tmp_path, FLOW, "--check") == 0
    write(tmp_path, FLOW)
    assert removed(tmp_path) == expected
    write(tmp_path, FLOW + ANOTHER)
    assert (labels(tmp_path), removed(tmp_path)) == (before, [])


def test_in_hcl(tmp_path: Path) -> None:
    """The same in the other syntax."""
    write(tmp_path, FLOW + ANOTHER, "--emit", "hcl")
    write(tmp_path, FLOW, "--emit", "hcl")
    text = (tmp_path / "out" / "main.tf").read_text(encoding="utf-8")
    (label,) = (line.partition(".")[2] for line in text.splitlines() if line.startswith("  from"))
    assert (
        f"removed {{\n  from = aws_batch_job_definition.{label}\n\n  lifecycle {{\n    destroy = false\n  }}\n}}"
        in text
    )
    assert write(tmp_path, FLOW, "--emit", "hcl", "--check") == 0


def test_addresses_that_move(tmp_path: Path) -> None:
    """What moves is not forgotten."""
    write(tmp_path, FLOW)
    (label,) = labels(tmp_path)
    address = f"aws_batch_job_definition.{label}"
    assert old_addresses(tmp_path / "out", (), [address]) == ()
    assert old_addresses(tmp_path / "out", ()) == (address,)
    document = compile_flow(str(tmp_path / "flow.py")).document
    assert keep_revisions(attrs.evolve(document, resources=()), tmp_path / "out").removed == (address,)


def test_files_of_others(tmp_path: Path) -> None:
    """A file that the compiler did not write says nothing."""
    (tmp_path / "main.tf.json").write_text('{"resource": {"aws_batch_job_definition": {"x": {}}}}', encoding="utf-8")
    assert old_addresses(tmp_path, ()) == ()
    assert old_addresses(tmp_path / "absent", ()) == ()


def test_a_damaged_document(tmp_path: Path) -> None:
    """A document that cannot be read is an error that names it: what it had would be lost."""
    write(tmp_path, FLOW)
    file = tmp_path / "out" / "main.tf.json"
    file.write_text("<<<<<<<\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(NotWrittenError, match=r"main\.tf\.json, which names the job definitions to keep"):
        old_addresses(tmp_path / "out", ())
