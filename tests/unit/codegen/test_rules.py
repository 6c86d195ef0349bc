"""The table of rules is whole: each rule is reported by some module, tested, and on the reference page."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from laminar_codegen.command.main import main
from laminar_codegen.problems import rules
from laminar_codegen.problems.rules import RULES, UNUSED, Rule
from tests.support.sources import nodes_of
from tools.rules import PAGE, page

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "laminar_codegen" / "problems" / "rules.py"


def reported() -> set[str]:
    """Return the codes that modules of the compiler import from the table."""
    files = [file for file in (ROOT / "laminar_codegen").rglob("*.py") if file != TABLE]
    imports = [node for file in files for node in nodes_of(file, ast.ImportFrom)]
    return {item.name for node in imports if node.module == rules.__name__ for item in node.names} & set(RULES)


def test_each_rule_has_the_name_of_its_code() -> None:
    named = {name: value.code for name, value in vars(rules).items() if isinstance(value, Rule)}
    assert named == {code: code for code in RULES}


def test_no_rule_is_defined_twice() -> None:
    """A second rule with the code of another one would take its place."""
    defined = [
        target.id for node in nodes_of(TABLE, ast.Assign) for target in node.targets if isinstance(target, ast.Name)
    ]
    codes = [name for name in defined if name.startswith("LAM")]
    assert sorted(codes) == sorted(RULES)


def test_each_rule_is_reported() -> None:
    assert reported() == set(RULES)


def test_no_code_is_spelled_as_text() -> None:
    """A code in a string would pass mypy and the import, whether there is such a rule or not."""
    files = [file for file in (ROOT / "laminar_codegen").rglob("*.py") if file != TABLE]
    spelled = {file.name for file in files if re.search(r"[\"']LAM\d", file.read_text("utf-8"))}
    assert spelled == set()


def test_a_mistyped_code_fails_at_import() -> None:
    with pytest.raises(ImportError, match="LAM999"):
        from laminar_codegen.problems.rules import LAM999  # noqa: F401


@pytest.mark.parametrize("code", ["LAM012", "lam012"])
def test_check_explains_a_code(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--explain", code])
    rule = RULES["LAM012"]
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"LAM012 {rule.title}\n  why  {rule.cause}\n  fix  {rule.cure}\n"


def test_check_explains_that_a_rule_only_warns(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["check", "--explain", "LAM064"])
    assert capsys.readouterr().out.startswith("LAM064 warning: ")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("LAM0422", "no rule has the code 'LAM0422', did you mean 'LAM042'?"),
        ("F401", "no rule has the code 'F401'\n"),
        *((code, f"no rule has the code '{code}', did you mean") for code in sorted(UNUSED)),
    ],
)
def test_check_suggests_a_code(code: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--explain", code])
    captured = capsys.readouterr()
    assert (ended.value.code, captured.out) == (2, "")
    assert message in captured.err


def test_unused_codes_stay_unused() -> None:
    assert not UNUSED & set(RULES)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(), "run python -m tools.rules --write"


def test_each_code_is_tested() -> None:
    """Some test, case or golden file names each code."""
    texts = [file.read_text("utf-8") for file in (ROOT / "tests").rglob("*") if file.suffix in {".py", ".test", ".txt"}]
    assert {code for code in RULES if not any(code in text for text in texts)} == set()
