"""The code blocks of README, CONTRIBUTING and the documentation run as tests, each page in a folder of its own.

- A Python block whose first line is ``# name.py`` is a file: it is written to the page's folder.
- Any other Python block runs by itself there, in a fresh process.
- The commands of a console block (``$ ...``) run there, too, if they are ours. Standard output must be what the block
  shows; of a command that fails, what it prints to standard error. ``...`` stands for any text.
- `$ cat NAME` shows a file: it is written to the page's folder.
- Commands of others, such as ``terraform apply``, need what a test has not. Targets of ``make`` must exist.
- HCL, JSON and YAML must be valid.
"""

from __future__ import annotations

import doctest
import itertools
import json
import os
import re
import shlex
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

ROOT = Path(__file__).parents[1]
#: What runs in a console block.
OURS = {"laminar", "laminar-codegen", "python"}
#: An environment that was made before the script was declared lacks it.
_SCRIPT = 'laminar() { python -m laminar_runtime.command.main "$@"; }'
#: What does not, and why. The commands of `ELSEWHERE` run all the same.
OTHERS = {
    "aws": "needs an account",
    "docker": "needs a builder of images",
    "git": "needs a repository",
    "pip": "needs the network, and would change this environment",
    "pre-commit": "needs a repository, and the network",
    "terraform": "needs an account; tests/e2e applies the same documents on the embedded AWS",
}
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
    first, *rest = _words(command)
    if first == "make":
        return None if rest and rest[0] in TARGETS else "Makefile has no such target"
    if first == "cat":
        (folder / rest[0]).write_text(shown, encoding="utf-8")
        return None
    if first not in OURS:
        return None if first in OTHERS else f"{first!r} is neither run nor known: see tests/pages.py"
    ended = run(["bash", "-c", f"{_SCRIPT}\n{command}"], folder)
    printed = ended.stderr if ended.returncode else ended.stdout
    if ended.returncode and not shown:
        return printed
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if not shown or doctest.OutputChecker().check_output(shown, printed, options):
        return None
    return f"printed:\n{printed}\nand the page shows:\n{shown}"


def _words(command: str) -> list[str]:
    """Return the words of a command, without the variables that it begins with: ``TOKEN=x python sync.py``."""
    words = shlex.split(command, comments=True)
    return list(itertools.dropwhile(re.compile(r"\w+=").match, words))


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
