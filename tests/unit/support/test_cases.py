"""The cases that other tests read: parsed, written anew one by one, and refused where they would check nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cases import Case, cases_in, update_case
from tests.support.graph_notation import graph_in
from tests.support.shown import options_in

TEXT = """\
A note.

[case one]
A
B after A
[out]
old

[case two]
C
"""


def test_the_cases_of_a_file() -> None:
    """A case has a name, an input and an output, which is empty if it is yet to be written."""
    assert cases_in(TEXT) == (Case("one", "A\nB after A\n", "old\n"), Case("two", "C\n", ""))


@pytest.mark.parametrize("text", ["", "A note.\n", "[case one]\nA\n\n[case one]\nB\n"])
def test_a_file_that_would_check_less_than_it_seems_is_refused(text: str) -> None:
    """A file without cases, or with two of one name."""
    with pytest.raises(ValueError, match="a case file has cases, each of another name"):
        cases_in(text)


def test_one_output_is_rewritten(tmp_path: Path) -> None:
    """The rest of the file stays as it is."""
    file = tmp_path / "some.test"
    file.write_text(TEXT, encoding="utf-8")
    update_case(file, "two", "Run C\n")
    assert file.read_text(encoding="utf-8") == f"{TEXT}[out]\nRun C\n"
    update_case(file, "one", "new\n\nlines\n")
    assert [case.expected for case in cases_in(file.read_text(encoding="utf-8"))] == ["new\n\nlines\n", "Run C\n"]
    assert file.read_text(encoding="utf-8").startswith("A note.\n\n[case one]\nA\n")


def test_a_misspelt_option_is_refused() -> None:
    """It would be passed over, and the case be about nothing."""
    with pytest.raises(ValueError, match="no option is named join: there are joins, times"):
        options_in("with join='exact'\nA\n", "joins", "times")
    with pytest.raises(ValueError, match=r"A \| atempts=3: no option is named atempts"):
        graph_in("A | atempts=3")
