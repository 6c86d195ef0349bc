"""The table of rules is whole: each code that is reported has a row, and each row a place that reports it."""

from __future__ import annotations

import re
from pathlib import Path

from laminar_codegen.problems.rules import RULES, UNUSED
from tools.rules import PAGE, page

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "laminar_codegen" / "problems" / "rules.py"


def reported() -> set[str]:
    """The codes in the source text of the compiler, but for the table itself."""
    files = [file for file in (ROOT / "laminar_codegen").rglob("*.py") if file != TABLE]
    return {code for file in files for code in re.findall(r'"(LAM\d{3})"', file.read_text("utf-8"))}


def test_each_code_has_a_row_and_each_row_a_place() -> None:
    assert reported() == set(RULES)


def test_unused_codes_stay_unused() -> None:
    assert not UNUSED & set(RULES)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(), "run python -m tools.rules --write"


def test_each_code_is_tested() -> None:
    """Some test or golden file names each code."""
    texts = [file.read_text("utf-8") for file in (ROOT / "tests").rglob("*") if file.suffix in {".py", ".txt"}]
    assert {code for code in RULES if not any(code in text for text in texts)} == set()
