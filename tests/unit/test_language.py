"""The language of the code: functions are named by verbs or nouns, and texts do without a few clumsy words.

`ruff` holds the first lines of docstrings (D401). This holds what it has no rule for, in the packages that are clean.
"""

from __future__ import annotations

import ast
import io
import itertools
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sources import nodes_of

ROOT = Path(__file__).parents[2]

#: The packages that are held.
CLEAN = ("laminar_codegen", "laminar_runtime", "tools", "benchmarks", "tests/support")
#: Functions of other interfaces, and of programs that tests read as a user's.
FOREIGN = {"connection_made", "data_received", "frozen", "visit_Starred"}
USERS = {"tests/support/kinds.py"}

#: Texts that a deployed document has. To change them would show in the plan of each deployment.
DEPLOYED = {
    (
        "Only for this account, where the service tells for whom it acts; AWS Lambda does not:\n"
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
    ),
    "Tells the state machine of the flow ",
    "Tells what waits for ",
}

#: This file, which has the words that others do without.
NOT_CLEAN = {"tests/unit/test_language.py"}

_IRREGULAR = re.compile(
    "begun|bent|bound|bought|broken|brought|built|caught|chosen|dealt|done|drawn|driven|eaten|fallen|felt|fought"
    "|forgotten|found|frozen|given|gone|grown|heard|held|hidden|kept|known|laid|led|left|lent|lost|made|meant|met|paid"
    "|risen|said|seen|sent|shown|shut|sold|sought|spent|spoken|stolen|stood|struck|sunk|taken|taught|thought|thrown"
    "|told|torn|understood|won|worn|written"
)
_NO_PARTICIPLES = frozenset({"embed", "exceed", "feed", "need", "proceed", "seed", "shed", "speed", "succeed"})
#: A name that begins so is a question, or the method of a visitor.
_PREDICATES = frozenset({"are", "assert", "can", "has", "have", "if", "is", "may", "must", "visit", "was"})
_PREPOSITIONS = frozenset({"after", "as", "at", "before", "by", "for", "from", "in", "of", "on", "to", "with"})

_WORDS = re.compile(
    r"\b(told|tells)\b|\bwhat (is|are) to be\b|\b(?<!there )is no (JSON|Python|file|folder)\b", re.IGNORECASE
)


def modules_of_tests() -> list[Path]:
    """Return the modules of the tests, without the flows of golden cases."""
    return sorted(file for file in (ROOT / "tests").rglob("*.py") if "golden" not in file.parts)


def files() -> list[Path]:
    """Return the files of the packages."""
    return sorted(file for package in CLEAN for file in (ROOT / package).rglob("*.py"))


def is_participle(word: str) -> bool:
    """Return whether a word is a past participle."""
    return _IRREGULAR.fullmatch(word) is not None or (word.endswith("ed") and word not in _NO_PARTICIPLES)


def is_named_by_participle(name: str) -> bool:
    """Return whether the name of a function is neither a verb nor a noun, but a past participle."""
    words = name.strip("_").lower().split("_")
    if words[0] in _PREDICATES or name in FOREIGN:
        return False
    return is_participle(words[-1]) or (is_participle(words[0]) and not _PREPOSITIONS.isdisjoint(words[1:]))


def misnamed_functions_in(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions that are named by participles, except properties and fixtures: these are values."""
    for node in itertools.chain(nodes_of(file, ast.FunctionDef), nodes_of(file, ast.AsyncFunctionDef)):
        if is_named_by_participle(node.name):
            decorators = " ".join(map(ast.unparse, node.decorator_list))
            if "property" not in decorators and "fixture" not in decorators:
                yield node


def texts_in(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the strings of a module, and its comments that have clumsy words, with their lines."""
    for node in nodes_of(file, ast.Constant):
        if isinstance(node.value, str) and node.value not in DEPLOYED:
            yield node.lineno, node.value
    yield from comments_in(file.read_text("utf-8"))


def comments_in(source: str) -> Iterator[tuple[int, str]]:
    """Yield the comments of a module that have clumsy words, with their lines.

    To take a module apart takes long: this is done if there are such words behind a ``#``.
    """
    if any(_WORDS.search(line, line.index("#")) for line in source.split("\n") if "#" in line):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT and _WORDS.search(token.string):
                yield token.start[0], token.string


@pytest.mark.parametrize("name", ["_told", "_made", "grouped", "_named_after_execution", "jobs_left", "_pulled_by"])
def test_past_participles_are_found(name: str) -> None:
    assert is_named_by_participle(name)


@pytest.mark.parametrize("name", ["is_given", "nested_blocks", "need", "_group", "visit_Starred", "ended_executions"])
def test_verbs_nouns_and_predicates_are_not(name: str) -> None:
    assert not is_named_by_participle(name)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("one = 1  # it tells\n", [(1, "# it tells")]),
        ("# a\nit = '# told'\n", []),
        ("tells = 1  # a # told\n", [(1, "# a # told")]),
    ],
)
def test_clumsy_comments_are_found(source: str, found: list[tuple[int, str]]) -> None:
    assert [*comments_in(source)] == found


def test_functions_are_named_by_verbs_or_nouns() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{function.lineno}: {function.name}"
        for file in files()
        if file.relative_to(ROOT).as_posix() not in USERS
        for function in misnamed_functions_in(file)
    ]
    assert found == [], "name a function by what it does, or by what it returns"


def test_names_of_tests_are_plain() -> None:
    """A test says what is reported, printed, named or found, not what is "told"."""
    found = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in modules_of_tests()
        for name in re.findall(r"^\s*def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)
        if {"tell", "tells", "told"} & set(name.split("_"))
    ]
    assert found == [], "name what the code does: report, print, name, find, pass"


def test_words_of_tests_are_plain() -> None:
    """Tests say "report", "print" or "name" in all that they say, in names of variables too."""
    found = {
        file.relative_to(ROOT).as_posix(): hits
        for file in modules_of_tests()
        if (hits := [line for line in file.read_text("utf-8").split("\n") if re.search(r"\b(tell|tells|told)\b", line)])
    }
    assert {file: hits for file, hits in found.items() if file not in NOT_CLEAN} == {}, (
        "house words: see CONTRIBUTING.md"
    )
    assert NOT_CLEAN - found.keys() == set(), "these are clean"


def test_texts_are_plain() -> None:
    """Messages, docstrings and comments say "report", "print" or "name", not "tell"."""
    found = [
        f"{file.relative_to(ROOT)}:{line}: {hit[0]}"
        for file in files()
        for line, text in texts_in(file)
        if (hit := _WORDS.search(text))
    ]
    assert found == [], "house words: see CONTRIBUTING.md, Style"
