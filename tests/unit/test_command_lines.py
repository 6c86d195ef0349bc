"""Each command line of ours that a page shows and that no test runs has a command and options that there are.

`tests/pages.py` runs those of console blocks. Others stand in a sentence, or need an execution of a deployed flow.
"""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from laminar_codegen.command import main as compiler
from laminar_codegen.rehearsal import arguments as rehearsals
from laminar_runtime.command import table

ROOT = Path(__file__).parents[2]
#: Decisions keep the commands of their day.
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.parent.name != "adr"),
]
#: What stands for a value, and a value of its type.
VALUES = {
    "N": "1",
    "SECONDS": "1",
    "STATUS": "FAILED",
    "AGE": "90d",
    "COMMAND": "status",
    "CODE": "LAM012",
    "[options]": "",
    "NAME": "name",
}
#: A command line in a sentence, and in a block of text.
_SHOWN = re.compile(r"`((?:laminar|laminar-codegen) [^`\n]+)`")
_IN_TEXT = re.compile(r"^ *(?:\d\) )?(?:\$ )?((?:laminar|laminar-codegen) .*)$", flags=re.MULTILINE)


def shown(text: str) -> list[str]:
    """Return the command lines of a page that stand in sentences and in blocks of text."""
    outside = re.sub(r"^ *```\w*\n.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"^ *```text\n(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL)
    return [*_SHOWN.findall(outside), *(line for block in blocks for line in _IN_TEXT.findall(block))]


def spell_out(line: str) -> list[str]:
    r"""Return the words of a command line: with what is optional, and the first of alternatives.

    Example:
        >>> spell_out(r"laminar list NAME [--last N] [--kind a\|b] > file")
        ['laminar', 'list', 'name', '--last', '1', '--kind', 'a']
    """
    line = re.sub(r"\[([A-Z-][^\]]*)\]", r"\1", line.replace("\\|", "|").replace("[.ATTRIBUTE]", ""))
    line = re.split(r" [|>] | \.\.\.|: |;;", line.replace(" ...", " "))[0]
    words = shlex.split(line, comments=True)
    return [*filter(None, (VALUES.get(word, re.sub(r"\|[\w|]*$", "", word)) for word in words))]


class UsageError(Exception):
    """A command line is wrong."""


def find_problem(words: list[str], monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Return what the command would say of a command line, or None if it would run."""
    program, first, *rest = words
    if {"--help", "--version"} & {first, *rest}:
        return None

    def fail(parser: argparse.ArgumentParser, message: str) -> None:
        raise UsageError(message)

    monkeypatch.setattr(argparse.ArgumentParser, "error", fail)
    try:
        if program == "laminar":
            if first not in table.COMMANDS:
                return f"no command {first}"
            own = argparse.ArgumentParser()
            table.load(first).add_arguments(own)
            own.parse_intermixed_args(rest)
        elif first == "rehearse":
            rehearsals.make_parser().parse_args(rest)
        else:
            commands = compiler._COMMANDS
            words = [first, *rest] if first in commands else ["compile", first, *rest]
            parser, _ = compiler._tree(words[0])
            parser.parse_args(words)
    except SystemExit as ended:  # of `check --explain`, which is all done then
        return str(ended.code) if ended.code else None
    except UsageError as error:
        # A sentence may leave out what a command is about: "`laminar wait` waits for its end".
        return None if "arguments are required" in str(error) else str(error)
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_command_lines(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "DIR").mkdir()  # of --volume NAME=DIR, which must exist
    monkeypatch.chdir(tmp_path)
    problems = {}
    for line in shown(page.read_text("utf-8")):
        if problem := find_problem(spell_out(line), monkeypatch):
            problems[line] = problem
    assert problems == {}


@pytest.mark.parametrize(
    "line",
    [
        "laminar logs NAME --flow",
        "laminar restart NAME",
        "laminar-codegen flow.py --emit graf",
        "laminar-codegen rehearse flow.py --parameter a=1",
    ],
)
def test_what_is_wrong_is_found(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_problem(spell_out(line), monkeypatch) is not None
