"""The recipes for contributors name files that exist, and values that their files have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECIPES = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
#: Paths from the root of the repository, without those with a part to fill in, such as ``<kind>``.
PATHS = sorted({path for path in re.findall(r"`([a-z_]+/[\w./-]+)`", RECIPES) if (ROOT / path.split("/")[0]).exists()})
#: Constants that are said to be of a file: "a row in `OPTIONS` of `laminar_codegen/targets/batch/options.py`".
VALUES = sorted(set(re.findall(r"`(\w+)`\s+(?:of|in)\s+`([a-z_]+/[\w./-]+\.py)`", RECIPES)))


def test_there_are_some() -> None:
    assert len(PATHS) > 40
    assert len(VALUES) > 8


@pytest.mark.parametrize("path", PATHS)
def test_a_file_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("value", "path"), VALUES)
def test_a_file_has_what_is_named(value: str, path: str) -> None:
    assert re.search(rf"\b{value}\b", (ROOT / path).read_text(encoding="utf-8"))
