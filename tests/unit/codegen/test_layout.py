"""The layout of a datastore is spelled in one module."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from laminar_codegen.lower_states.objects import insertion
from laminar_codegen.rehearsal.asl.query_language import evaluate
from laminar_runtime.storage import layout
from laminar_runtime.storage.layout import JoinKey, LayerKey, cache_prefix, input_key
from tests.support.sources import nodes_of

ROOT = Path(__file__).parents[3]
#: What a key has that is no name, and that no other text has: a dot before a folder's name, or a slash behind it.
SEGMENT = re.compile(
    r"(^|/)\.(cache|locks|turns|joins|some|splits|attempts|plan|claims|begun|entry|failures|answers|output|record\.json|run\.json|graph\.json|times\.json|input\.json)(?=/|$)|(^|/)(artifacts|archives)/"
)
#: The same wherever it is in a source, but for what looks like the attribute of a value.
ANYWHERE = re.compile(
    SEGMENT.pattern.replace(r"(^|/)\.", r"(?<![\w)\]])\.").replace("(^|/)", "").replace("(?=/|$)", "")
)
SPELLED = Path(layout.__file__)


def texts(path: Path) -> list[str]:
    """Return all texts of a module but its docstrings."""
    alone = {id(node.value) for node in nodes_of(path, ast.Expr)}
    return [
        node.value for node in nodes_of(path, ast.Constant) if isinstance(node.value, str) and id(node) not in alone
    ]


def test_no_other_module_spells_a_segment_of_a_key() -> None:
    modules = [*(ROOT / "laminar_runtime").rglob("*.py"), *(ROOT / "laminar_codegen").rglob("*.py")]

    # To take all modules apart takes a second, and nearly none has such a word in any of its lines.
    named = [path for path in modules if ANYWHERE.search(path.read_text(encoding="utf-8"))]
    found = {path for path in named if any(SEGMENT.search(text) for text in texts(path))}

    assert found == {SPELLED}


def test_the_test_knows_each_segment_that_begins_with_a_dot() -> None:
    segments = {text for text in texts(SPELLED) if text.startswith(".") and text not in {".", ".json", ".txt"}}

    assert segments
    assert all(SEGMENT.fullmatch(segment) for segment in segments), segments


def test_the_module_of_the_datastore_expires_what_the_layout_calls_the_cache() -> None:
    module = (ROOT / "terraform_modules/datastore/main.tf").read_text()

    prefixes = re.findall(r'prefix = "\$\{local\.prefix\}(.+)"', module)

    assert prefixes == [cache_prefix("${rule.key}")]
    for page in (ROOT / "terraform_modules").rglob("*.md"):
        for flow, folder in re.findall(r"`(<\w+>)(/\.[^`]*)`", page.read_text()):
            assert f"{flow}{folder}" == cache_prefix(flow), page


@pytest.mark.parametrize(
    ("computed", "expected"),
    [
        (input_key("Flow", insertion("$id")), input_key("Flow", "e1")),
        (JoinKey("Flow", insertion("$id"), insertion("$name")).prefix, JoinKey("Flow", "e1", "Merge").prefix),
        (JoinKey("Flow", insertion("$id"), "Merge").marks, JoinKey("Flow", "e1", "Merge").marks),
        (JoinKey("Flow", insertion("$id"), insertion("$name")).mark("A"), JoinKey("Flow", "e1", "Merge").mark("A")),
        (LayerKey("Flow", insertion("$id"), insertion("$name")).record, LayerKey("Flow", "e1", "Merge").record),
    ],
)
def test_a_state_computes_the_key_that_python_reads(computed: str, expected: str) -> None:
    assert evaluate(f"($id := 'e1'; $name := 'Merge'; '{computed}')", {}) == expected


def test_a_layer_that_waits_has_a_folder_for_marks_and_a_token() -> None:
    key = JoinKey("Flow", "e1", "Merge")

    assert key.prefix == "Flow/.cache/e1/.joins/Merge/"
    assert (key.mark("Clean"), key.token) == (f"{key.marks}Clean", "Flow/.cache/e1/.joins/Merge/token.json")
