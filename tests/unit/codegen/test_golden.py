"""What the compiler makes of the flows in tests/golden, byte for byte.

``pytest -m unit --update-golden`` rewrites what is expected: read the difference before you commit it. Only a few cases
have the whole of their documents: the others have what they are about (tests/support/golden.py). Tests that are about
all documents compile them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from sfnx.testing import run

from laminar_codegen.command.main import main
from laminar_codegen.ir.plan import layers_of
from laminar_codegen.rehearsal.simulated import validate
from tests.support.golden import (
    CASES,
    GOLDEN,
    blocks_in,
    compilation_of,
    definitions_in,
    document_of,
    outline_of,
    parts_of,
    text_of,
)
from tests.update import compare

#: The files that hold the whole output of a command. A change of what all flows share shows in each of them.
WHOLE = {
    "one_layer/asl.json": "--emit asl",
    "one_layer/main.tf.json": "--emit terraform",
    "one_layer/main.tf": "--emit hcl",
    "linked/asl.json": "--emit asl",
    "lambda/main.tf.json": "--emit terraform",
    "digits/main.tf.json": "--emit terraform",
    "n_shaped/flow.svg": "graph --format svg",
    "scheduled/calling.tf": "--emit hcl --module ../modules/flow",
    **{f"{case}/{stage}.txt": f"--emit {stage}" for case in CASES for stage in ("graph", "plan")},
}
#: The cases that are about more than the shape of their machines.
PARTS = sorted(path.parent.name for path in GOLDEN.glob("*/parts.txt"))
#: The cases that are about how HCL is written. `hcl.txt` has the beginnings of the blocks that are expected.
HCL = sorted(path.parent.name for path in GOLDEN.glob("*/hcl.txt"))
INVALID = sorted(path.name for path in (GOLDEN / "invalid").iterdir() if path.is_dir())


@pytest.mark.parametrize("name", WHOLE)
def test_the_whole_output_is_as_expected(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
    update_golden: bool,  # noqa: FBT001 - a fixture
) -> None:
    """The command prints exactly what the golden file has."""
    file = GOLDEN / name
    monkeypatch.chdir(CASES[file.parent.name])
    assert main([*WHOLE[name].split(), "flow.py"]) == 0
    compare(file, capsysbinary.readouterr().out.decode(), update=update_golden)


@pytest.mark.parametrize("case", CASES)
def test_the_outline_is_as_expected(case: str, update_golden: bool) -> None:  # noqa: FBT001 - a fixture
    """The machines have the expected states, in the expected order."""
    found = outline_of(definitions_in(document_of(case)))
    compare(GOLDEN / case / "outline.txt", found, update=update_golden)


@pytest.mark.parametrize("case", PARTS)
def test_the_parts_are_as_expected(case: str, update_golden: bool) -> None:  # noqa: FBT001 - a fixture
    """The parts of the document that the case is about are exactly what the golden file has."""
    selection = (GOLDEN / case / "parts.txt").read_text(encoding="utf-8")
    found = json.dumps(parts_of(document_of(case), selection), indent=2, ensure_ascii=False)
    compare(GOLDEN / case / "parts.json", f"{found}\n", update=update_golden)


@pytest.mark.parametrize("case", HCL)
def test_blocks_of_hcl_are_as_expected(
    case: str,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
    update_golden: bool,  # noqa: FBT001 - a fixture
) -> None:
    """The selected blocks are exactly what the golden file has."""
    monkeypatch.chdir(CASES[case])
    assert main(["--emit", "hcl", "flow.py"]) == 0
    beginnings = (GOLDEN / case / "hcl.txt").read_text(encoding="utf-8").splitlines()
    found = blocks_in(capsysbinary.readouterr().out.decode(), beginnings)
    compare(GOLDEN / case / "parts.tf", found, update=update_golden)


def test_each_expected_file_is_compared() -> None:
    """No file of a case is left over from before."""
    compared = {GOLDEN / name for name in WHOLE} | {GOLDEN / case / "outline.txt" for case in CASES}
    compared |= {GOLDEN / case / name for case in PARTS for name in ("parts.txt", "parts.json")}
    compared |= {GOLDEN / case / name for case in HCL for name in ("hcl.txt", "parts.tf")}
    compared |= {GOLDEN / case / "flow.py" for case in CASES}
    found = {file for case in CASES for file in (GOLDEN / case).iterdir() if file.is_file()}
    assert found <= compared


def test_a_part_that_is_not_there() -> None:
    """A selection that selects nothing is an error, so that no case comes to check nothing."""
    with pytest.raises(ValueError, match="nothing in the document has the path locals/nope"):
        parts_of(document_of("one_layer"), "locals/*\nlocals/nope")


@pytest.mark.parametrize("case", INVALID)
def test_each_wrong_flow_is_refused_as_expected(
    case: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    update_golden: bool,  # noqa: FBT001 - a fixture
) -> None:
    """A flow that cannot be compiled ends the command with 1, its problems on standard error, and no document."""
    folder = GOLDEN / "invalid" / case
    target = folder / "target.txt"
    # Another case's module of the same name would have this one be given another.
    monkeypatch.delitem(sys.modules, "flow", raising=False)
    monkeypatch.chdir(folder)
    code = main([target.read_text().strip() if target.exists() else "flow.py"])
    output, errors = capsys.readouterr()
    assert (code, output) == (1, "")
    assert "Traceback" not in errors
    assert str(folder) not in errors
    compare(folder / "problems.txt", errors, update=update_golden)


@pytest.mark.parametrize("case", CASES)
def test_the_document_holds_the_state_machine(
    case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The definition within the Terraform document is the one that --emit asl prints."""
    monkeypatch.chdir(CASES[case])
    assert main(["--emit", "asl", "flow.py"]) == 0
    emitted = json.loads(capsys.readouterr().out)
    expected = {"flow": emitted} if "States" in emitted else emitted
    definitions = definitions_in(document_of(case))
    assert {key.removeprefix("definition_"): value for key, value in definitions.items()} == {
        "definition" if name == "flow" else name: value for name, value in expected.items()
    }


@pytest.mark.parametrize("case", CASES)
def test_the_command_prints_the_document(
    case: str, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """What the command prints is the document that tests compile."""
    monkeypatch.chdir(CASES[case])
    assert main(["flow.py"]) == 0
    assert capsysbinary.readouterr().out.decode() == text_of(case)


def _states(states: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all states by name, those within others too."""
    for name, state in states.items():
        yield name, state
        for inner in (state.get("ItemProcessor"), *state.get("Branches", [])):
            yield from _states(inner["States"]) if inner else ()


@pytest.mark.parametrize("case", CASES)
def test_each_state_machine_runs(case: str) -> None:
    """Step Functions' language takes each definition: an independent interpreter checks and runs it."""
    definitions = list(definitions_in(document_of(case)).values())
    assert [problem for definition in definitions for problem in validate(definition)] == []
    group = {"size": 2, "indexes": "0-1", "splits": 2, "attempt": 1, "command": ["python"], "resources": []}
    group["claims"] = "1-0.2"
    plan = {"run": True, "splits": 2, "attempt": 1, "wait": 0, "groups": [group]}
    # Of a planner that is a job, the body has the plan.
    job = {"JobId": "1", "JobSummaryList": [], "Status": "ABORTED", "RedriveCount": 0, "Body": json.dumps(plan)}
    given = {
        "executionArn": "arn:aws:states:us-east-1:123456789012:execution:flow:e1",
        # Of the starter, and of a turn.
        "trigger": "event",
        "kind": "event",
        "id": "1",
        "parameters": {},
        "turn": 1,
        "name": "e1",
        "input": {},
    }
    calls = []
    for definition in definitions:
        ended = run(definition, given, lambda call: {"Payload": plan} if "lambda" in call.resource else job)
        assert ended.output is not None
        calls += ended.calls
    layers = {name for unit in compilation_of(case).units for name in layers_of(unit.plan)}
    # What is no layer says what it is for; a layer has its own docstring, or none.
    states = [state for definition in definitions for state in _states(definition["States"])]
    assert [name for name, state in states if not state.get("Comment") and name not in layers] == []
    # The invocations of a layer's splits have a name of their own, within the Map that has the layer's.
    ran = {call.state.removesuffix(" split") for call in calls if "s3" not in call.resource}
    assert layers <= ran - {f"{layer} plan" for layer in layers}
