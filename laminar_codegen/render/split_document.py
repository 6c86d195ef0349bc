"""Writes a document as the files of a module, by Terraform's style guide.

Before: a document. After: the text of each file by its name. ``versions.tf`` is HCL in either syntax, because scanners
read only that (https://developer.hashicorp.com/terraform/language/style#file-names).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from laminar_codegen.ir.terraform import Document
from laminar_codegen.render.hcl import render_main, render_outputs, render_variables, render_versions
from laminar_codegen.render.terraform_json import render_document

__all__ = ["FILES", "render_module", "split_document"]

_MAIN = ("locals", "data", "resource", "module", "moved", "removed")

#: The files of a module in either syntax.
FILES: Mapping[str, tuple[str, ...]] = {
    "terraform": ("main.tf.json", "variables.tf.json", "outputs.tf.json", "versions.tf"),
    "hcl": ("main.tf", "variables.tf", "outputs.tf", "versions.tf"),
}


def render_module(document: Document, syntax: str) -> dict[str, str]:
    """Write a document as a module.

    Args:
        document: The document.
        syntax: ``terraform`` for JSON, or ``hcl``.

    Returns:
        The text of each file by its name.
    """
    if syntax == "terraform":
        return split_document(json.loads(render_document(document)))
    texts = (
        render_main(document),
        render_variables(document),
        render_outputs(document),
        render_versions(document.comment, document.providers),
    )
    return dict(zip(FILES["hcl"], texts, strict=True))


def split_document(content: Mapping[str, Any]) -> dict[str, str]:
    """Write a document in JSON as a module.

    Args:
        content: The document, as `render_document` writes it.

    Returns:
        The text of each file by its name.
    """
    comment = content["//"]
    texts = (
        *(_part(content, names) for names in (_MAIN, ("variable",), ("output",))),
        render_versions(comment, content["terraform"]["required_providers"]),
    )
    return dict(zip(FILES["terraform"], texts, strict=True))


def _part(content: Mapping[str, Any], names: tuple[str, ...]) -> str:
    part = {name: content[name] for name in ("//", *names) if name in content}
    return json.dumps(part, indent=2, ensure_ascii=False) + "\n"
