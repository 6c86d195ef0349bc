"""Each command line that a page shows is run by a test, or listed with the reason why none runs it.

`tests/pages.py` runs those of ours in console blocks, and `tests/support/command_lines.py` lists the others. Those of
ours that stand in a sentence have a command and options that there are.
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
from tests.support.command_lines import NOT_RUN, OURS, PAGES, ROOT, RUN_BY, lines_of, words_of

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


TUTORIAL = "docs/tutorial/deployed-flow.md"
#: The pages whose console blocks are run: by `tests/pages.py`, that of the tutorial by a test of its own.
RUN_WHOLE = [page for page in PAGES if page.parent == ROOT or page.is_relative_to(ROOT / "docs")]


def unknown_lines(page: Path, text: str) -> list[str]:
    """Return the command lines of a page that no test runs, and that are not listed."""
    name = str(page.relative_to(ROOT))
    listed = {line for pages in RUN_BY.values() for line in pages.get(name, ())}
    found = []
    for place, line in lines_of(text):
        first = [*words_of(line), ""][0]
        run = place == "console" and page in RUN_WHOLE and (first in OURS | {"cat"} or name == TUTORIAL)
        needs = name == TUTORIAL and first in {"pip", "docker", "aws"}  # what tests/e2e/test_tutorial.py leaves out
        if first and (needs or not run) and line not in listed and line not in NOT_RUN:
            found.append(line)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_line_is_run_or_listed(page: Path) -> None:
    assert unknown_lines(page, page.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "```console\n$ terraform import a b\n```",
        "```text\nlaminar start weekly\n```",
        "1. Then:\n\n   ```text\n   laminar start weekly\n   ```",
        "```sh\ndocker run x\n```",
        "Then `terraform apply -target=x`.",
        "```console\n$ dot -Tsvg x\n```",
    ],
)
def test_a_new_line_is_found(text: str) -> None:
    """A line that is neither run nor listed, wherever it stands."""
    assert len(unknown_lines(ROOT / "README.md", text)) == 1


def test_no_listed_line_is_left_over() -> None:
    """What is listed stands on its page, and the tests that run it are there."""
    lines = {str(page.relative_to(ROOT)): {line for _, line in lines_of(page.read_text("utf-8"))} for page in PAGES}
    gone = [line for line in NOT_RUN if not any(line in shown for shown in lines.values())]
    gone += [line for pages in RUN_BY.values() for page, listed in pages.items() for line in set(listed) - lines[page]]
    assert gone == []
    assert [test for test in RUN_BY if not (ROOT / test).is_file()] == []


def test_what_is_not_run_is_documented() -> None:
    """The page on what was observed has the same lines, with the same reasons."""
    page = (ROOT / "docs" / "reference" / "observed.md").read_text("utf-8")
    rows = re.findall(r"^\| ``? ?(.+?) ?``? \| (.+?) \|$", page.partition("## Commands")[2], flags=re.MULTILINE)
    assert {line.replace("\\|", "|"): reason for line, reason in rows} == NOT_RUN


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
