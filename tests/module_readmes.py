"""The tables in the README of each Terraform module, made from the module's own files.

    python -m tests.module_readmes      writes them

Tables stand between two marks, as where terraform-docs puts them; the prose around them is written by hand.

    variable "name" {                                    | Name | Description | Type | Default |
      description = "Beginning of the names."      ->    | --- | --- | --- | --- |
      type        = string                               | name | Beginning of the names. | `string` | required |
    }
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hcl2

Block = tuple[str, list[str], Any]

MODULES = Path(__file__).parents[1] / "terraform_modules"
_BEGIN = "<!-- BEGIN_TF_DOCS -->"
_END = "<!-- END_TF_DOCS -->"


def readmes() -> list[Path]:
    """Return the READMEs of all modules."""
    return [file.parent / "README.md" for file in sorted(MODULES.glob("*/versions.tf"))]


def render(readme: Path) -> str:
    """Return a README's text, with its tables as they should be.

    Args:
        readme: The README, beside the files of its module.

    Raises:
        ValueError: If the README has not the two marks.
    """
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{readme} has not {_BEGIN} and {_END}: write them where its tables should be")
    blocks = [block for file in sorted(readme.parent.glob("*.tf")) for block in read_blocks(file)]
    tables = "\n".join([_requirements(blocks), _resources(blocks), _inputs(blocks), _outputs(blocks)])
    return f"{before}{_BEGIN}\n\n{tables}\n{_END}{after}"


def read_blocks(file: Path) -> Iterator[Block]:
    """Yield the blocks of a file: their type, their labels and their body.

    Args:
        file: A Terraform file.
    """
    for kind, bodies in _parse(file.read_text(encoding="utf-8")).items():
        for body in bodies if isinstance(bodies, list) else ():
            labels = []
            inner = body
            while isinstance(inner, dict) and "__is_block__" not in inner:
                label, inner = next(item for item in inner.items() if not item[0].startswith("__"))
                labels.append(_text(label))
            yield kind, labels, inner


@functools.cache  # it takes long, and several tests look at each file
def _parse(text: str) -> dict[str, Any]:
    """Return the blocks of a text in HCL, by their types: look at them only."""
    parsed: dict[str, Any] = hcl2.loads(text)
    return parsed


def _requirements(blocks: list[Block]) -> str:
    rows = []
    for kind, _, body in blocks:
        if kind == "terraform":
            rows.append(("Terraform", _code(_text(body["required_version"]))))
            for providers in body["required_providers"]:
                rows += [
                    (name, _code(_text(provider["version"])))
                    for name, provider in sorted(providers.items())
                    if not name.startswith("__")
                ]
    return _table("Requirements", ("Name", "Version"), rows)


def _resources(blocks: list[Block]) -> str:
    names = {
        (_code(".".join(labels)), "made" if kind == "resource" else "looked up")
        for kind, labels, _ in blocks
        if kind in ("resource", "data")
    }
    modules = {
        (_code(f"module.{labels[0]}"), _text(body["source"])) for kind, labels, body in blocks if kind == "module"
    }
    return _table("Resources", ("Name", "Is"), sorted(modules) + sorted(names, key=lambda row: (row[1], row[0])))


def _inputs(blocks: list[Block]) -> str:
    rows = [
        (
            _code(labels[0]),
            _prose(body["description"]),
            _code(_expression(body["type"])),
            _code(_literal(body["default"])) if "default" in body else "required",
        )
        for kind, labels, body in blocks
        if kind == "variable"
    ]
    return _table("Inputs", ("Name", "Description", "Type", "Default"), rows)


def _outputs(blocks: list[Block]) -> str:
    rows = [(_code(labels[0]), _prose(body["description"])) for kind, labels, body in blocks if kind == "output"]
    return _table("Outputs", ("Name", "Description"), rows)


def _table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
    return "\n".join([f"### {title}", "", *lines, ""])


def _text(value: str) -> str:
    """Return a string as Terraform has it between its quotes."""
    return str(json.loads(value)) if value.startswith('"') else value


def _prose(value: str) -> str:
    return _text(value).replace("|", "\\|")


def _expression(value: str) -> str:
    return value.removeprefix("${").removesuffix("}")


def _literal(value: Any) -> str:
    """Return a value as it would be written in Terraform, in one line."""
    match value:
        case dict():
            members = [f"{name} = {_literal(item)}" for name, item in value.items() if not name.startswith("__")]
            return f"{{ {', '.join(members)} }}" if members else "{}"
        case list():
            return f"[{', '.join(map(_literal, value))}]"
        case str():
            return _expression(value)
        case _:
            return json.dumps(value)


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


if __name__ == "__main__":
    for path in readmes():
        path.write_text(render(path), encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(MODULES)}\n")
