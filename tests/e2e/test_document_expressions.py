"""Expressions of documents: the rehearsal evaluates them as Terraform does."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.terraform_expressions import ERRORS, LOCALS, VALUES
from tests.support.terraform_harness import Terraform


def test_values_and_errors(tmp_path: Path) -> None:
    """Terraform gives each expression the value that our tests hold the rehearsal to, and others none."""
    values = {f"v{place}": {"value": f"${{jsonencode({text})}}"} for place, text in enumerate(VALUES)}
    errors = {f"e{place}": {"value": f"${{can({text})}}"} for place, text in enumerate(ERRORS)}
    document = {"locals": _escaped(LOCALS), "output": {**values, **errors}}
    (tmp_path / "main.tf.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
    configuration = tmp_path / "none.tfrc"
    configuration.touch()
    terraform = Terraform(tmp_path, configuration, {})
    terraform.init()
    terraform.apply()
    found = terraform.output()
    evaluated = {text: json.loads(found[f"v{place}"]) for place, text in enumerate(VALUES)}
    assert evaluated == VALUES
    assert {text: found[f"e{place}"] for place, text in enumerate(ERRORS)} == dict.fromkeys(ERRORS, False)


def _escaped(value: object) -> object:
    """Return JSON that stands in a document as it is."""
    return json.loads(json.dumps(value).replace("${", "$${"))
