"""What the compiler makes of the flows in tests/golden, byte for byte, at every stage.

``pytest -m unit --update-golden`` rewrites what is expected: read the difference before you commit it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sfnx.testing import run

from laminar_codegen.command.main import main
from laminar_codegen.ir.plan import layers_of
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.replay import validate
from tests.support.commands import codegen

GOLDEN = Path(__file__).parents[2] / "golden"
DIGITS = GOLDEN.parents[1] / "examples" / "digits"
STAGES = {"graph": "graph.txt", "plan": "plan.txt", "asl": "asl.json", "terraform": "main.tf.json", "hcl": "main.tf"}
#: HCL is looked at for a few cases: other tests show that it means what the JSON does.
HCL = ("escapes", "lambda", "one_layer", "scheduled")
#: So is the call of a module, which is made of any document in the same way.
CALLING = ("linked", "scheduled")
CASES = [*sorted(path.parent.name for path in GOLDEN.glob("*/flow.py")), "digits"]
INVALID = sorted(path.name for path in (GOLDEN / "invalid").iterdir() if path.is_dir())


def _source(case: str) -> Path:
    return DIGITS if case == "digits" else GOLDEN / case


def _compare(expected: Path, found: bytes, *, update: bool) -> None:
    if update:
        expected.write_bytes(found)
    hint = f"{expected.name} of {expected.parent.name} differs: pytest -m unit --update-golden rewrites it"
    assert found.decode() == (expected.read_text(encoding="utf-8") if expected.exists() else ""), hint


@pytest.mark.parametrize(
    ("case", "stage"), [(case, stage) for case in CASES for stage in STAGES if stage != "hcl" or case in HCL]
)
def test_each_stage_is_as_expected(
    case: str,
    stage: str,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
    update_golden: bool,  # noqa: FBT001 - a fixture
) -> None:
    """The command prints for each flow and stage exactly what the golden file has."""
    monkeypatch.chdir(_source(case))
    assert main(["--emit", stage, "flow.py"]) == 0
    _compare(GOLDEN / case / STAGES[stage], capsysbinary.readouterr().out, update=update_golden)


@pytest.mark.parametrize("case", CALLING)
def test_the_call_of_a_module_is_as_expected(
    case: str,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
    update_golden: bool,  # noqa: FBT001 - a fixture
) -> None:
    """With --module the command prints exactly what the golden file has."""
    monkeypatch.chdir(_source(case))
    assert main(["--emit", "hcl", "--module", "../modules/flow", "flow.py"]) == 0
    _compare(GOLDEN / case / "calling.tf", capsysbinary.readouterr().out, update=update_golden)


@pytest.mark.integration
@pytest.mark.parametrize("case", INVALID)
def test_each_wrong_flow_is_refused_as_expected(
    case: str,
    update_golden: bool,  # noqa: FBT001 - a fixture
) -> None:
    """A flow that cannot be compiled ends the command with 1, its problems on standard error, and no document."""
    folder = GOLDEN / "invalid" / case
    target = folder / "target.txt"
    ended = codegen(target.read_text().strip() if target.exists() else "flow.py", cwd=folder)
    assert (ended.code, ended.output) == (1, b"")
    assert "Traceback" not in ended.errors
    assert str(folder) not in ended.errors
    _compare(folder / "problems.txt", ended.errors.encode(), update=update_golden)


@pytest.mark.parametrize("case", CASES)
def test_the_document_holds_the_state_machine(case: str) -> None:
    """The definition within the Terraform document is the one that --emit asl prints."""
    document = json.loads((GOLDEN / case / "main.tf.json").read_text(encoding="utf-8"))
    definitions = {key: value for key, value in document["locals"].items() if key.startswith("definition")}
    emitted = json.loads((GOLDEN / case / "asl.json").read_text(encoding="utf-8"))
    expected = {"flow": emitted} if "States" in emitted else emitted
    assert {key.removeprefix("definition_"): value for key, value in definitions.items()} == {
        "definition" if name == "flow" else name: value for name, value in expected.items()
    }


def _states(states: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """All states by name, those within others too."""
    for name, state in states.items():
        yield name, state
        for inner in (state.get("ItemProcessor"), *state.get("Branches", [])):
            yield from _states(inner["States"]) if inner else ()


@pytest.mark.parametrize("case", CASES)
def test_each_state_machine_runs(case: str) -> None:
    """Step Functions' language takes each definition: an independent interpreter checks and runs it."""
    emitted = json.loads((GOLDEN / case / "asl.json").read_text(encoding="utf-8"))
    definitions = [emitted] if "States" in emitted else list(emitted.values())
    assert [problem for definition in definitions for problem in validate(definition)] == []
    group = {"size": 2, "indexes": "0-1", "splits": 2, "attempt": 1, "command": ["python"], "resources": []}
    plan = {"run": True, "splits": 2, "attempt": 1, "wait": 0, "groups": [group]}
    job = {"JobId": "1", "JobSummaryList": [], "Status": "ABORTED", "RedriveCount": 0}
    given = {"executionArn": "arn:aws:states:us-east-1:123456789012:execution:flow:e1"}
    calls = []
    for definition in definitions:
        ended = run(definition, given, lambda call: {"Payload": plan} if "lambda" in call.resource else job)
        assert ended.output is not None
        calls += ended.calls
    units = compile_flow(str(_source(case) / "flow.py")).units
    layers = {name for unit in units for name in layers_of(unit.plan)}
    # What is no layer says what it is for; a layer has its own docstring, or none.
    states = [state for definition in definitions for state in _states(definition["States"])]
    assert [name for name, state in states if not state.get("Comment") and name not in layers] == []
    # The invocations of a layer's splits have a name of their own, within the Map that has the layer's.
    ran = {call.state.removesuffix(" split") for call in calls if "s3" not in call.resource}
    assert layers <= ran - {f"{layer} plan" for layer in layers}
