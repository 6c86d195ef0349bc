"""Folders in HCL: what is found of them without Terraform, and the copy that Terraform gets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.rehearsal import through_terraform as through

MAIN = """
variable "image" {
  type = string
}
variable "name" { default = "report" }
variable "job_queue_arn" {
  default     = "arn:aws:batch:eu-west-1:123456789012:job-queue/team"
  description = "a queue"
}
variable "tags" {
  default = {
    a = "b"
  }
}

provider "aws" {
  region = "eu-west-1"
}
provider "aws" {
  alias  = "other"
  region = "eu-west-2"
}

module "flow" {
  source = "../../modules/flow"
}
"""


class Aws:
    """What is asked of an embedded AWS."""

    endpoint_url = "http://127.0.0.1:1"
    region = "eu-west-1"
    environment: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


def test_declared_variables() -> None:
    """Each has its default if that is text, and it is known whether it has one."""
    documents = [{"variable": [{"a": {"default": "x"}}, {"b": {}}]}]
    assert through._declarations([MAIN], documents) == {
        "image": None,
        "name": "report",
        "job_queue_arn": "arn:aws:batch:eu-west-1:123456789012:job-queue/team",
        "tags": ...,
        "a": "x",
        "b": None,
    }


def _infrastructure(folder: Path) -> Path:
    own = folder / "team" / "infrastructure" / "report"
    own.mkdir(parents=True)
    (own / "main.tf").write_text(MAIN)
    (own / "terraform.tfstate").write_text("{}")
    (own / ".terraform").mkdir()
    (folder / "team" / "modules" / "flow").mkdir(parents=True)
    return own


def test_the_copy(tmp_path: Path) -> None:
    """It has what the folder has but its state, and finds what the folder's modules name above it."""
    own = _infrastructure(tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    copy = through._copy(own, scratch)
    assert sorted(file.name for file in copy.iterdir()) == ["main.tf"]
    assert (copy / ".." / ".." / "modules" / "flow").resolve() == tmp_path / "team" / "modules" / "flow"


@pytest.mark.parametrize(("text", "name"), [(MAIN, "override"), ('variable "a" {\n}\n', "plain")])
def test_the_provider_is_pointed_at_the_embedded_aws(tmp_path: Path, text: str, name: str) -> None:
    """Each provider that there is is overridden; where there is none, one is made. State stays in the copy."""
    through._point(tmp_path, [text], [], Aws())  # type: ignore[arg-type]
    written: dict[str, Any] = {file.name: json.loads(file.read_text()) for file in tmp_path.iterdir()}
    provider = written[f"laminar_rehearsal{'_override' if name == 'override' else ''}.tf.json"]["provider"]["aws"]
    assert provider[0]["region"] == "eu-west-1"
    assert provider[0]["endpoints"][0]["batch"] == "http://127.0.0.1:1"
    assert [body.get("alias") for body in provider] == ([None, "other"] if name == "override" else [None])
    assert "region" not in provider[-1] or name == "plain"
    assert written["laminar_rehearsal_backend_override.tf.json"] == {"terraform": {"backend": {"local": {}}}}
