"""Write the reference page of the compiler's rules from their table.

``python -m tools.rules --write`` writes ``docs/reference/rules.md``; without it the page is printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from laminar_codegen.problems.rules import RULES

__all__ = ["PAGE", "main", "page"]

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "rules.md"

_HEAD = """\
# Rules

Each problem that the compiler reports has a code, with the same meaning in all releases. A flow with warnings compiles;
`laminar-codegen check` prints them, and `laminar-codegen check --explain LAM012` a row of this table. This page is
written by `python -m tools.rules --write`.

| code | what is wrong | why | how to fix it |
| --- | --- | --- | --- |
"""


def page() -> str:
    """Return the page.

    Example:
        >>> page().splitlines()[8].startswith("| LAM001 |")
        True
    """
    rows = (
        f"| {code} | {'warning: ' if rule.warning else ''}{rule.title} | {rule.cause} | {rule.cure} |\n"
        for code, rule in sorted(RULES.items())
    )
    return _HEAD + "".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print or write the page.

    Args:
        arguments: The arguments of the command; those of the process unless given.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.rules", description="Writes the reference page of rules.")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    if parser.parse_args(arguments).write:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
