"""The code blocks of README, CONTRIBUTING and the documentation run as tests, each page in a folder of its own.

- A Python block whose first line is ``# name.py`` is a file: it is written to the page's folder.
- Any other Python block runs by itself there, in a fresh process.
- The commands of a console block (``$ ...``) run there, too, if they are ours. Standard output must be what the block
  shows; of a command that fails, what it prints to standard error. ``...`` stands for any text.
- `$ cat NAME` shows a file: it is written to the page's folder.
- Commands of others, such as ``terraform apply``, are run by other tests, or for a reason by none:
  `tests/support/command_lines.py` lists both. Targets of ``make`` must exist.
- HCL, JSON and YAML must be valid.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml
from sybil import Example, Sybil
from sybil.integration.pytest import SybilItem
from sybil.parsers.myst import CodeBlockParser, SkipParser

from tests.support.command_lines import NOT_RUN, OURS, RUN_BY, words_of

ROOT = Path(__file__).parents[1]
#: An environment that was made before the script was declared lacks it.
_SCRIPT = 'laminar() { python -m laminar_runtime.command.main "$@"; }'
#: Pages whose commands need one another, Terraform and an account: tests of their own run all of them.
ELSEWHERE = ["docs/tutorial/deployed-flow.md"]  # tests/e2e/test_tutorial.py
TARGETS = {
    name
    for line in re.findall(r"^([a-z][\w -]*):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    for name in line.split()
}


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a page's folder, with the scripts of this environment first on the PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    imports = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment = {**os.environ, "PATH": path, "PYTHONPATH": imports}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def run_python(example: Example) -> str | None:
    """Write the block to its file, or run it."""
    folder: Path = example.namespace["folder"]
    if named := re.match(r"# (\w+\.py)\n", example.parsed):
        (folder / named[1]).write_text(example.parsed, encoding="utf-8")
        return None
    ended = run([sys.executable, "-W", "error", "-c", example.parsed], folder)
    return None if ended.returncode == 0 else ended.stderr


def run_console(example: Example) -> str | None:
    """Run the commands of the block one after the other, up to one that does not as it shows."""
    for text in re.split(r"^\$ ", example.parsed, flags=re.MULTILINE)[1:]:
        command, _, shown = text.partition("\n")
        if problem := run_command(command, shown, example.namespace["folder"]):
            return f"$ {command}\n{problem}"
    return None


def run_command(command: str, shown: str, folder: Path) -> str | None:
    """Run one command.

    Args:
        command: The command, for a shell.
        shown: What the page shows that it prints.
        folder: The page's folder.

    Returns:
        What is wrong, or None.
    """
    first, *rest = words_of(command)
    if first == "make":
        return None if rest and rest[0] in TARGETS else "Makefile has no such target"
    if first == "cat":
        (folder / rest[0]).write_text(shown, encoding="utf-8")
        return None
    if first not in OURS:
        listed = command in NOT_RUN or any(command in lines for pages in RUN_BY.values() for lines in pages.values())
        return None if listed else f"{command!r} is neither run nor listed: see tests/support/command_lines.py"
    ended = run(["bash", "-c", f"{_SCRIPT}\n{command}"], folder)
    printed = ended.stderr if ended.returncode else ended.stdout
    if ended.returncode and not shown:
        return printed
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if not shown or doctest.OutputChecker().check_output(shown, printed, options):
        return None
    return f"printed:\n{printed}\nand the page shows:\n{shown}"


def parse(example: Example) -> None:
    """Parse a block of data."""
    parsers = {"hcl": hcl2.loads, "json": json.loads, "yaml": yaml.safe_load}
    parsers[example.region.lexemes["arguments"]](example.parsed)


def set_up(namespace: dict[str, Any]) -> None:
    """Make the page's folder."""
    namespace["folder"] = Path(tempfile.mkdtemp(prefix="page-"))


def tear_down(namespace: dict[str, Any]) -> None:
    """Remove the page's folder."""
    shutil.rmtree(namespace["folder"])


pytest_collect_file = Sybil(
    parsers=[
        SkipParser(),
        CodeBlockParser("python", run_python),
        CodeBlockParser("console", run_console),
        *(CodeBlockParser(language, parse) for language in ("hcl", "json", "yaml")),
    ],
    path=str(ROOT),
    patterns=["README.md", "CONTRIBUTING.md", "docs/*.md", "docs/*/*.md"],
    excludes=ELSEWHERE,
    setup=set_up,
    teardown=tear_down,
).pytest()


@pytest.hookimpl(tryfirst=True)  # before tests.tiers, which takes what is outside of tests/ for unit tests
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the blocks that start processes the marker of their tier."""
    for item in items:
        if isinstance(item, SybilItem):
            lexemes = item.example.region.lexemes or {}  # a comment that skips a block has none
            if lexemes.get("arguments") in {"python", "console"}:
                item.add_marker(pytest.mark.integration)
