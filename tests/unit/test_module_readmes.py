"""The Terraform modules keep to the conventions, and their READMEs say what their files do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests import module_readmes
from tests.support.golden import CASES, document_of

READMES = module_readmes.readmes()
#: A job queue that an executor names.
QUEUE = re.compile(r"AWS\.Batch\([^)]*queue=\"(\w+)\"")
FILES = ("main.tf", "outputs.tf", "variables.tf", "versions.tf")


def blocks(readme: Path, kind: str) -> dict[str, Any]:
    """Return the bodies of a module's blocks of a kind, by their last label."""
    files = sorted(readme.parent.glob("*.tf"))
    found = [block for file in files for block in module_readmes.read_blocks(file)]
    return {labels[-1]: body for name, labels, body in found if name == kind}


def test_the_modules_are_found() -> None:
    """There is something to look at."""
    assert [readme.parent.name for readme in READMES] == ["batch", "datastore", "flow", "network", "platform"]


@pytest.mark.parametrize("readme", READMES, ids=lambda readme: readme.parent.name)
def test_tables_are_up_to_date(readme: Path) -> None:
    """A README's tables are those that its module's files make; else run `python -m tests.module_readmes`."""
    assert readme.read_text(encoding="utf-8") == module_readmes.render(readme)


@pytest.mark.parametrize("readme", READMES, ids=lambda readme: readme.parent.name)
def test_conventions(readme: Path) -> None:
    """Files have the usual names, and every variable and output is described, every variable typed."""
    assert {file.name for file in readme.parent.glob("*.tf")} >= set(FILES)
    assert (readme.parent / "examples" / "complete" / "main.tf").is_file()
    variables, outputs = blocks(readme, "variable"), blocks(readme, "output")
    assert variables
    assert outputs
    assert [name for name, body in variables.items() if not {"description", "type"} <= set(body)] == []
    assert [name for name, body in outputs.items() if not {"description", "value"} <= set(body)] == []


@pytest.mark.parametrize("readme", READMES, ids=lambda readme: readme.parent.name)
def test_every_input_is_used(readme: Path) -> None:
    """No variable is without effect."""
    files = [file for file in readme.parent.glob("*.tf") if file.name != "variables.tf"]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    assert [name for name in blocks(readme, "variable") if not re.search(rf"\bvar\.{name}\b", text)] == []


def test_places_are_not_written_down() -> None:
    """No module says in which region or partition it is."""
    for readme in READMES:
        for file in readme.parent.glob("*.tf"):
            text = file.read_text(encoding="utf-8")
            assert "arn:aws:" not in text, file
            assert "-west-" not in text, file


def test_the_platform_gives_what_flows_need() -> None:
    """Whatever a compiled flow asks for is an output of the platform by the same name, except for its own names."""
    asked = {
        name for case in CASES for name, variable in document_of(case)["variable"].items() if "default" not in variable
    }
    named = {f"{name}_job_queue_arn" for case in CASES for name in QUEUE.findall((CASES[case] / "flow.py").read_text())}
    assert named < asked
    assert asked > {"datastore_root", "job_queue_arn"}
    of_flows = {"image", "on_call_topic", *named}
    assert asked - set(blocks(module_readmes.MODULES / "platform" / "README.md", "output")) == of_flows


def test_the_example_grants_what_the_compiler_grants() -> None:
    """The statements in the example of the module ``flow`` are written by hand: a scheduled flow has the same."""
    example = module_readmes.MODULES / "flow" / "examples" / "complete" / "main.tf"
    policies = {labels[-1]: body for kind, labels, body in module_readmes.read_blocks(example) if kind == "data"}
    emitted = document_of("scheduled")["locals"]["statements"]
    for role in ("state_machine", "schedule"):
        known = {statement["Sid"]: statement["Action"] for statement in emitted[role]}
        written = {literal(item["sid"]): [*map(literal, item["actions"])] for item in policies[role]["statement"]}
        assert written == {sid: known[sid] for sid in written}
        assert len(written) == 2


def literal(text: str) -> Any:
    """Return a string of HCL, without its quotes."""
    return json.loads(text)


def test_out_of_date(tmp_path: Path) -> None:
    """The check can fail: another variable is another table."""
    module = tmp_path / "module"
    module.mkdir()
    readme = module / "README.md"
    readme.write_text("# It\n\n<!-- BEGIN_TF_DOCS -->\n<!-- END_TF_DOCS -->\nEnd.\n", encoding="utf-8")
    variable = 'variable "a" {\n  description = "An \\"a\\" | b."\n  type = map(number)\n  default = { x = 1 }\n}\n'
    (module / "variables.tf").write_text(variable, encoding="utf-8")
    rendered = module_readmes.render(readme)
    assert '| `a` | An "a" \\| b. | `map(number)` | `{ x = 1 }` |' in rendered
    assert rendered.startswith("# It\n\n<!-- BEGIN_TF_DOCS -->\n")
    assert rendered.endswith("<!-- END_TF_DOCS -->\nEnd.\n")
    assert module_readmes.render(readme) == rendered
    (module / "variables.tf").write_text(variable.replace('"a"', '"b"', 1), encoding="utf-8")
    assert module_readmes.render(readme) != rendered


def test_no_marks(tmp_path: Path) -> None:
    """A README without a place for the tables is an error."""
    readme = tmp_path / "README.md"
    readme.write_text("# It\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has not <!-- BEGIN_TF_DOCS -->"):
        module_readmes.render(readme)
