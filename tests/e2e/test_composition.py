"""Several compiled flows in one root, in each form, with what they take made beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.command.main import main
from tests.e2e.conftest import Platform
from tests.support.aws_contents import account_contents
from tests.support.terraform_harness import Change

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
MODULE = ROOT / "terraform_modules" / "flow"
ONE = GOLDEN / "one_layer" / "flow.py"

#: What a team has in its root beside flows. Another version changes it, and all that depends on it waits for that.
BESIDE = """
variable "team_version" {
  type    = string
  default = "1"
}

variable "job_queue_arn" {
  type = string
}

variable "image" {
  type = string
}

resource "aws_ssm_parameter" "team" {
  name  = "/team/version"
  type  = "String"
  value = var.team_version
}

resource "aws_s3_bucket" "artifacts" {
  bucket = "artifacts-of-this-root"
}

resource "aws_kms_key" "own" {
  description = "Flows"
}

resource "aws_iam_role" "task" {
  name               = "tasks-of-this-root"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
"""
CALL = """
module "{name}" {{
  source = "./{name}"

  image          = var.image
  datastore_root = "s3://${{aws_s3_bucket.artifacts.id}}/{name}"
  {more}

  depends_on = [aws_ssm_parameter.team]
}}
"""
ON_BATCH = "job_queue_arn = var.job_queue_arn\n"
GIVEN = """
  role_arns             = {{ {role} = aws_iam_role.task.arn }}
  kms_key_arn           = aws_kms_key.own.arn
  datastore_kms_key_arn = aws_kms_key.own.arn
"""


def compiled(case: str, *words: str) -> list[str]:
    """Return the words of the command that compile a case."""
    return [str(GOLDEN / case / "flow.py"), *words]


@pytest.fixture
def composed(
    platform: Callable[[Path], Platform], capsys: pytest.CaptureFixture[str]
) -> tuple[Platform, dict[str, Any]]:
    """A root with a flow in each form, and its variables."""
    made = platform(ONE)
    folder = made.terraform.directory
    (folder / "main.tf.json").unlink()
    (folder / "printed").mkdir()
    assert main(compiled("one_layer")) == 0
    (folder / "printed" / "main.tf.json").write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(compiled("scheduled", "--emit", "hcl", "--output", str(folder / "written"))) == 0
    assert main(compiled("lambda", "--emit", "hcl", "--output", str(folder / "functions"))) == 0
    calling = compiled("one_to_one", "--output", str(folder / "calling"), "--module", str(MODULE))
    assert main(calling) == 0
    of_tasks = ON_BATCH + GIVEN.format(role="task")
    of_functions = GIVEN.format(role="function")
    calls = {"printed": of_tasks, "written": ON_BATCH, "calling": of_tasks, "functions": of_functions}
    text = BESIDE + "".join(CALL.format(name=name, more=more) for name, more in calls.items())
    (folder / "root.tf").write_text(text, encoding="utf-8")
    made.terraform.init()
    return made, {name: made.variables[name] for name in ("job_queue_arn", "image")}


def test_flows_in_one_root(composed: tuple[Platform, dict[str, Any]]) -> None:
    """Roles, keys and the bucket of the same root plan at once; a change elsewhere changes nothing of the flows."""
    made, variables = composed
    before = account_contents(made.aws)
    plan = made.terraform.plan(**variables)
    assert {change.actions for change in plan.changes} == {("create",)}
    made.terraform.apply_plan()
    assert made.terraform.plan(**variables).empty
    changed = made.terraform.plan(**variables, team_version="2")
    assert changed.changes == (Change("aws_ssm_parameter.team", ("update",)),)
    made.terraform.apply_plan()
    assert made.terraform.plan(**variables, team_version="2").empty
    machines = made.aws.client("stepfunctions").list_state_machines()["stateMachines"]
    assert {machine["name"] for machine in machines} >= {"Greeting", "Briefing", "Items", "Short"}
    made.terraform.destroy(**variables)
    assert account_contents(made.aws) == before
