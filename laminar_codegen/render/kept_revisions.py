"""Keeps job definitions that a document no longer has: Terraform forgets them, and does not deregister them.

An execution uses the job definitions of the document with which it started. If a new document lacks one of them, the
AWS provider deregisters all active revisions of its name, and running executions fail at their next job:
https://github.com/hashicorp/terraform-provider-aws/pull/35149. So a document that is written into a folder again has a
block for each job definition that only the old document had::

    removed {
      from = aws_batch_job_definition.report_fargate_1a2b3c

      lifecycle {
        destroy = false
      }
    }

https://developer.hashicorp.com/terraform/language/resources/syntax#removing-resources
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import attrs

from laminar_codegen.ir.terraform import MARK, Document
from laminar_codegen.problems import NotWrittenError

__all__ = ["keep_revisions", "old_addresses"]

#: The type whose deletion affects more than its own object.
_TYPE = "aws_batch_job_definition"
_DECLARED = re.compile(rf'^resource "{_TYPE}" "([\w-]+)"', re.MULTILINE)
_REMOVED = re.compile(rf"^removed \{{\n\s+from\s+= {_TYPE}\.([\w-]+)$", re.MULTILINE)


def keep_revisions(document: Document, directory: Path) -> Document:
    """Add the job definitions that only a folder's old document has to those that Terraform forgets.

    Args:
        document: The document that is written there.
        directory: The folder.

    Returns:
        The document. A second compile does not change it.

    Raises:
        NotWrittenError: If the folder's document cannot be read.
    """
    declared = {block.label for block in document.resources if block.type == _TYPE}
    return attrs.evolve(document, removed=old_addresses(directory, declared, (old for old, _ in document.moved)))


def old_addresses(directory: Path, declared: Collection[str], moved: Any = ()) -> tuple[str, ...]:
    """Return the addresses of job definitions that a folder's document has, or forgets, and the new one lacks.

    Args:
        directory: The folder.
        declared: The labels of job definitions in the new document.
        moved: The addresses that it moves.

    Raises:
        NotWrittenError: If the folder's document cannot be read.
    """
    found: set[str] = set()
    for name, labels in (("main.tf.json", _of_json), ("main.tf", _of_hcl)):
        file = directory / name
        text = _read(file)
        if MARK in text:
            found |= labels(file, text)
    kept = {f"{_TYPE}.{label}" for label in found - {*declared}}
    return tuple(sorted(kept - {*moved}))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8") if file.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise NotWrittenError(f"cannot read {file}: {error}") from error


def _of_json(file: Path, text: str) -> set[str]:
    try:
        content: Mapping[str, Any] = json.loads(text)
        forgotten = [block["from"] for (block,) in content.get("removed", [])]
    except (ValueError, KeyError, TypeError) as error:
        message = f"cannot read {file}, which names the job definitions to keep: {error}: restore or remove it"
        raise NotWrittenError(message) from error
    return {*content.get("resource", {}).get(_TYPE, {}), *(address.rpartition(".")[2] for address in forgotten)}


def _of_hcl(_: Path, text: str) -> set[str]:
    return {*_DECLARED.findall(text), *_REMOVED.findall(text)}
