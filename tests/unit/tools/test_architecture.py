"""What the figures of the packages are made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.architecture import BEGIN, END, Structure, main, measure_source, measure_structure

SOURCE = '''\
"""A module."""

class One:
    """A class.

    With two paragraphs.
    """

    def first(self) -> int:
        """A method."""
        def inner() -> int:
            """A function in it."""
            return 1
        return inner()
'''


def _graph(**modules: str) -> Structure:
    return measure_structure(
        "p",
        {
            f"p.{name.replace('__', '.')}": frozenset(f"p.{other}" for other in imported.split())
            for name, imported in modules.items()
        },
    )


def test_docstrings_are_no_lines() -> None:
    """Neither those of the module nor those of what is within a function are counted."""
    assert measure_source(SOURCE) == (7, [4, 2])


def test_levels_are_longest_paths() -> None:
    """A room is above all that it imports, by way of others too; imports within a folder are no arrows."""
    found = _graph(top="middle low", middle__a="low middle.b", middle__b="", low="")
    assert found.levels == {"top": 3, "middle": 2, "low": 1}
    assert found.arrows == {"top": {"middle", "low"}, "middle": {"low"}, "low": frozenset()}
    assert (found.climbing, found.cycle) == (frozenset(), ())


def test_a_cycle_of_rooms_need_not_be_one_of_modules() -> None:
    """Two folders that import each other are a cycle, although no module imports itself."""
    found = _graph(folder__a="other", folder__b="", other="folder.b")
    assert len(found.climbing) == 1
    assert found.cycle == ()


def test_a_cycle_of_modules_is_named() -> None:
    """Each module of the cycle is in it."""
    assert {*_graph(a="b", b="c", c="a", d="a").cycle} == {"p.a", "p.b", "p.c"}


def test_limits_and_a_page_that_is_old(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The check says what is wrong, and what to do about it."""
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n{BEGIN}\n{END}\nAfter.\n", encoding="utf-8")
    many = ["--page", str(page), "--rooms", "99", "--levels", "99"]
    assert main(["--check", *many]) == 1
    assert "is not up to date: run python -m tools.architecture --write" in capsys.readouterr().err
    assert main(["--write", *many]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("Before.\n")
    assert text.endswith("\nAfter.\n")
    assert "| `laminar_codegen` | " in text
    assert main(["--check", *many]) == 0
    assert main(["--check", *many, "--rooms", "3", "--levels", "2"]) == 1
    errors = capsys.readouterr().err
    assert "rooms, more than 3" in errors
    assert "levels, more than 2" in errors
