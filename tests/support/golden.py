"""The golden cases: flows in tests/golden, compiled once in a process, and the parts of them that are expected.

A case is a folder with a flow and its expected results: `graph.txt`, `plan.txt` and `outline.txt`, the states of its
machines a line each. `parts.txt` names the parts of the document that the case is about, `parts.json` has them. A few
cases have the whole document, too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from laminar_codegen.pipeline import Compilation, compile_flow
from laminar_codegen.render.terraform_json import render_document

__all__ = [
    "CASES",
    "EXECUTED",
    "GOLDEN",
    "INPUTS",
    "blocks_in",
    "compilation_of",
    "definitions_in",
    "document_of",
    "outline_of",
    "parts_of",
    "text_of",
]

GOLDEN = Path(__file__).parents[1] / "golden"
#: Each folder of a flow, by the name of its case.
CASES = {
    **{path.parent.name: path.parent for path in sorted(GOLDEN.glob("*/flow.py"))},
    "digits": GOLDEN.parents[1] / "examples" / "digits",
}
#: What the flows are started with.
INPUTS: Mapping[str, Mapping[str, Any]] = {
    "everything": {"key": "a"},
    "grid": {"seeds": [1, 2]},
    "lambda": {"text": "a bb"},
    "linked": {"count": 3},
    "parameters": {"day": "2026-01-01", "base": "https://example.com"},
    "skipping": {"score": 11},
    "triggers": {"what": "a"},
}
#: The cases that are deployed by Terraform and executed, by roles whose statements are enough, and all used.
EXECUTED = (
    "ec2",
    "environments",
    "everything",
    "lambda",
    "linked",
    "one_to_one",
    "placed",
    "recovery",
    "reported",
    "scheduled",
    "triggers",
    "volumes",
    "without_lambda",
)


@cache
def compilation_of(case: str) -> Compilation:
    """Return what the compiler makes of a case, compiled once in this process."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        return compile_flow(str(CASES[case] / "flow.py"))
    finally:
        sys.dont_write_bytecode = before


@cache
def text_of(case: str) -> str:
    """Return the whole document of a case, in Terraform's JSON syntax."""
    return render_document(compilation_of(case).document)


def document_of(case: str) -> dict[str, Any]:
    """Return the whole document of a case, which the caller may change."""
    document: dict[str, Any] = json.loads(text_of(case))
    return document


def definitions_in(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the definitions of state machines that a document has, by the names of their locals."""
    return {name: value for name, value in document["locals"].items() if name.startswith("definition")}


def parts_of(document: Mapping[str, Any], selection: str) -> dict[str, Any]:
    """Return the selected parts of a document, by their paths.

    Args:
        document: The document.
        selection: A path in each line, such as ``resource/aws_lambda_function/planner*``. A name in it is a key of an
            object, or the ``Sid`` of a statement in a list; ``*`` stands for any characters. Lines with ``#`` are
            comments.

    Raises:
        ValueError: If a path selects nothing.

    Example:
        >>> parts_of({"locals": {"one": 1, "two": 2}}, "locals/o*")
        {'locals/one': 1}
    """
    found: dict[str, Any] = {}
    for line in selection.splitlines():
        if line and not line.startswith("#"):
            selected = dict(_select(document, line.split("/"), ""))
            if not selected:
                raise ValueError(f"nothing in the document has the path {line}")
            found |= selected
    return found


def _select(value: Any, path: list[str], place: str) -> Iterator[tuple[str, Any]]:
    if not path:
        yield place.removeprefix("/"), value
        return
    if isinstance(value, list):
        value = {item["Sid"]: item for item in value if isinstance(item, dict) and "Sid" in item}
    for name, item in value.items() if isinstance(value, dict) else ():
        if fnmatchcase(name, path[0]):
            yield from _select(item, path[1:], f"{place}/{name}")


def outline_of(definitions: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the states of machines, a line each: the name, the action, and the states that may follow.

    Args:
        definitions: The definitions of the machines, by name.
    """
    lines = []
    for name, definition in definitions.items():
        lines += [f"{name} starts at {definition['StartAt']}", *_lines(definition["States"], "  ")]
    return "".join(f"{line}\n" for line in lines)


def _lines(states: Mapping[str, Mapping[str, Any]], indent: str) -> Iterator[str]:
    for name, state in states.items():
        service = state.get("Resource", "").rpartition(":states:::")[2]
        words = [f"{state['Type']} {service}".rstrip()]
        words += [f"retry {' '.join(item['ErrorEquals'])}" for item in _own(state.get("Retry", ()))]
        words += [f"on {' '.join(item['ErrorEquals'])} go to {item['Next']}" for item in state.get("Catch", ())]
        words += [f"choose {item['Next']}" for item in state.get("Choices", ())]
        words += [f"else {state['Default']}"] if "Default" in state else []
        words += [f"then {state['Next']}"] if "Next" in state else []
        yield f"{indent}{name}: {', '.join(words)}"
        for inner in (state.get("ItemProcessor"), *state.get("Branches", ())):
            if inner:
                yield f"{indent}  starts at {inner['StartAt']}"
                yield from _lines(inner["States"], f"{indent}    ")


def _own(retriers: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the retriers but those for troubles of a service, which all calls of the service have."""
    services = ("Batch.", "Lambda.", "S3.", "Sfn.")
    return [item for item in retriers if not item["ErrorEquals"][0].startswith(services)]


def blocks_in(hcl: str, beginnings: Sequence[str]) -> str:
    r"""Return the blocks and arguments of HCL that begin with given texts, their indentation included.

    Args:
        hcl: Well-formatted HCL.
        beginnings: The texts.

    Raises:
        ValueError: If nothing begins with one of the texts.

    Example:
        >>> blocks_in("locals {\n  a = 1\n  b = {\n    c = 2\n  }\n}", ["  b"])
        '  b = {\n    c = 2\n  }\n'
    """
    lines = hcl.splitlines()
    found = []
    for beginning in beginnings:
        starts = [number for number, line in enumerate(lines) if line.startswith(beginning)]
        if not starts:
            raise ValueError(f"nothing begins with {beginning!r}")
        for start in starts:
            indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
            opens = lines[start].endswith(("{", "[", "("))
            closed = (
                number
                for number in range(start + 1, len(lines))
                if lines[number].startswith((f"{indent}}}", f"{indent}]"))
            )
            found.append("\n".join(lines[start : next(closed) + 1 if opens else start + 1]))
    return "\n\n".join(found) + "\n"
