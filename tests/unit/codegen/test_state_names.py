"""The names of states are spelled in one module, and fit."""

from __future__ import annotations

import ast
from pathlib import Path

from laminar_codegen.ir import labels, state_names
from laminar_codegen.ir.state_names import LAYER_NAME_LENGTH, Suffix, parallel
from laminar_codegen.limits import JOB_NAME_LENGTH, NAME_LENGTH, STATE_NAME_LENGTH
from tests.support.sources import nodes_of

COMPILER = Path(state_names.__file__).parent.parent
ENDS = {suffix.of("") for suffix in Suffix}


def ends(path: Path) -> set[str]:
    """Return the ends of texts that are put together of a name and a word."""
    joined = (node.values for node in nodes_of(path, ast.JoinedStr))
    return {
        str(values[1].value)
        for values in joined
        if len(values) == 2 and isinstance(values[0], ast.FormattedValue) and isinstance(values[1], ast.Constant)
    }


def test_no_other_module_spells_the_name_of_a_state() -> None:
    others = [path for path in COMPILER.rglob("*.py") if path != Path(state_names.__file__)]

    assert COMPILER / "lower_states/states.py" in others
    assert {path: found for path in others if (found := ends(path) & ENDS)} == {}


def test_the_test_sees_such_a_name(tmp_path: Path) -> None:
    (tmp_path / "states.py").write_text('state = f"{layer.name} plan"\n')

    assert ends(tmp_path / "states.py") & ENDS == {Suffix.PLAN.of("")}


def test_the_states_and_jobs_of_the_longest_layer_have_names_that_aws_takes() -> None:
    layer, flow, execution = "L" * LAYER_NAME_LENGTH, "F" * NAME_LENGTH, "0" * labels.EXECUTION_DIGITS

    lengths = [len(suffix.of(layer)) for suffix in Suffix]

    assert max(lengths) <= STATE_NAME_LENGTH
    assert len(f"{execution}-{flow}-{layer}") == JOB_NAME_LENGTH


def test_the_name_of_many_branches_is_cut() -> None:
    name = parallel([f"Layer{number}" for number in range(100)])

    assert len(name) <= STATE_NAME_LENGTH
    assert name.startswith("Layer0 | Layer1 | ")
    assert "... (100 layers, " in name
