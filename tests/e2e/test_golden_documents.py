"""Real Terraform takes every document that the golden cases hold, and knows when one is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.terraform_harness import Terraform, fake_aws

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/main.tf.json"))


def initialised(text: str, folder: Path, mirror: Path) -> Terraform:
    """Terraform in a folder with a document."""
    (folder / "main.tf.json").write_text(text, encoding="utf-8")
    terraform = Terraform(folder, mirror, fake_aws("http://127.0.0.1:9"))
    terraform.init()
    return terraform


@pytest.mark.parametrize("case", CASES)
def test_documents_are_valid(case: str, tmp_path: Path, mirror: Path) -> None:
    """A document is valid by the schemas of version 6.25.0 of the AWS provider, without a warning."""
    text = (GOLDEN / case / "main.tf.json").read_text(encoding="utf-8")
    answer = initialised(text, tmp_path, mirror).validate()
    assert (answer["valid"], answer["diagnostics"]) == (True, [])


def test_an_unknown_argument_is_not(tmp_path: Path, mirror: Path) -> None:
    """The check can fail: an argument that the provider does not have is an error."""
    document = json.loads((GOLDEN / "one_layer" / "main.tf.json").read_text(encoding="utf-8"))
    document["resource"]["aws_sfn_state_machine"]["flow"]["colour"] = "green"
    answer = initialised(json.dumps(document, indent=2), tmp_path, mirror).validate()
    assert answer["valid"] is False
    assert "colour" in json.dumps(answer["diagnostics"])
