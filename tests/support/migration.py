"""The page about Metaflow: the lines of its tables."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["PAGE", "lines_of", "rest_of"]

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "migrate-from-metaflow.md"


def lines_of(page: Path) -> list[tuple[str, str, str]]:
    """Return the lines of the tables of decorators: in Metaflow, here, and in the document.

    Args:
        page: The page.
    """
    found = re.findall(r"^\| `(@[^`]*)` \| `([^`]*)` \| ([^|]*) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [(before, here, emitted) for before, here, emitted in found]


def rest_of(page: Path) -> list[str]:
    """Return the first column of the table of what is no decorator.

    Args:
        page: The page.
    """
    rest = page.read_text(encoding="utf-8").partition("## The rest")[2]
    return [line[2:].partition(" |")[0] for line in rest.splitlines() if line.startswith("| ")][2:]
