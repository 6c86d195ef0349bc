"""Reads documents in JSON into the blocks that they declare.

Before: a ``main.tf.json``, or a folder of such files. After: a `Configuration`.

https://developer.hashicorp.com/terraform/language/syntax/json
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.document.texts import read_file

__all__ = ["Block", "Configuration", "parse_document", "read_configuration", "read_text"]

#: What a document may declare besides resources: how many words name one.
_LABELS = {"variable": 1, "output": 1, "module": 1, "provider": 1, "check": 1, "resource": 2, "data": 2}
#: What says nothing of a first deployment: who applies, from where, and what was there before.
_WITHOUT_EFFECT = frozenset({"terraform", "moved", "removed"})


@attrs.frozen(eq=False)
class Block:
    """What a document declares.

    Args:
        kind: ``resource``, ``data``, ``variable``, ...
        labels: The words that name it: of a resource its type and its name.
        body: Its arguments.
        file: The name of its file.
    """

    kind: str
    labels: tuple[str, ...]
    body: Mapping[str, Any]
    file: str

    @property
    def path(self) -> tuple[str, ...]:
        """How expressions refer to it."""
        before = {"resource": (), "variable": ("var",)}.get(self.kind, (self.kind,))
        return (*before, *self.labels)

    @property
    def address(self) -> str:
        """What Terraform calls it."""
        return ".".join(self.path)

    @property
    def place(self) -> str:
        """Where it stands, as messages say it."""
        return f"{self.file}: {self.address}"


@attrs.frozen(eq=False)
class Configuration:
    """What the documents of a folder declare.

    Args:
        blocks: All but locals, by how expressions refer to them.
        ignored: The kinds of blocks that Terraform knows, and the rehearsal does not, each with its file.
    """

    blocks: Mapping[tuple[str, ...], Block]
    ignored: tuple[tuple[str, str], ...] = ()

    def of_kind(self, *kinds: str) -> Iterator[Block]:
        """Yield the blocks of some kinds, in the order of the documents.

        Args:
            *kinds: The kinds.
        """
        return (block for block in self.blocks.values() if block.kind in kinds)


def read_configuration(path: Path) -> Configuration:
    """Read a document, or all of a folder.

    Args:
        path: The file, or the folder.

    Raises:
        DocumentError: If they are no documents of Terraform in JSON.
        OSError: If they cannot be read.
    """
    files = sorted(path.glob("*.tf.json")) if path.is_dir() else [path]
    if not files:
        raise DocumentError(f"{path}: there is no *.tf.json")
    return _configuration({file.name: read_file(file) for file in files})


def read_text(text: str, name: str = "main.tf.json") -> Configuration:
    """Read a document.

    Args:
        text: Its text.
        name: What messages call it.

    Raises:
        DocumentError: If it is no document of Terraform in JSON.
    """
    return _configuration({name: text})


def _configuration(texts: Mapping[str, str]) -> Configuration:
    blocks: dict[tuple[str, ...], Block] = {}
    ignored: list[tuple[str, str]] = []
    for name, text in texts.items():
        for kind, value in parse_document(name, text).items():
            if kind in _WITHOUT_EFFECT or kind == "//":
                continue
            if kind == "locals":
                found: Iterator[Block] = (
                    Block("local", (label,), {"value": item}, name)
                    for body in _bodies(name, kind, value)
                    for label, item in body.items()
                    if label != "//"
                )
            elif kind in _LABELS:
                found = _labelled_blocks(name, kind, (), value, _LABELS[kind])
            else:
                ignored.append((name, kind))
                continue
            for block in found:
                if block.path in blocks and kind != "provider":
                    raise DocumentError(f"{block.place}: it is declared in {blocks[block.path].file} already")
                blocks[block.path] = block
    return Configuration(blocks, tuple(ignored))


def parse_document(name: str, text: str) -> Mapping[str, Any]:
    """Return the JSON object that a document is.

    Args:
        name: What messages call it.
        text: Its text.

    Raises:
        DocumentError: If it is none.
    """
    try:
        found = json.loads(text)
    except RecursionError:
        raise DocumentError(f"{name}: it is nested too deeply") from None
    except ValueError as error:
        raise DocumentError(f"{name}: this is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise DocumentError(f"{name}: a document is a JSON object, and this is {type(found).__name__}")
    return found


def _bodies(name: str, what: str, value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the bodies that stand where Terraform takes one or several."""
    for body in value if isinstance(value, list) else [value]:
        if isinstance(body, list):
            yield from _bodies(name, what, body)
        elif isinstance(body, dict):
            yield body
        else:
            raise DocumentError(f"{name}: {what} must be JSON objects, not {json.dumps(body)}")


def _labelled_blocks(name: str, kind: str, labels: tuple[str, ...], value: Any, left: int) -> Iterator[Block]:
    """Yield the blocks under their labels."""
    for body in _bodies(name, ".".join((kind, *labels)), value):
        if left == 0:
            yield Block(kind, labels, body, name)
            continue
        for label, inner in body.items():
            if label != "//":
                yield from _labelled_blocks(name, kind, (*labels, label), inner, left - 1)
