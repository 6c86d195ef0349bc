"""What is there already is adopted by import blocks, as the guide to deployments shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import Platform

ROOT = Path(__file__).parents[2]

IMPORTS = """
import {
  to = aws_cloudwatch_log_group.tasks
  id = "/aws/batch/Report"
}

import {
  to = aws_iam_role.task[0]
  id = "Report-task"
}
"""


def test_a_log_group_and_a_role_are_imported(platform: Callable[[Path], Platform]) -> None:
    """They are not made again, and what they have is kept; all else is created."""
    made = platform(ROOT / "tests" / "golden" / "one_layer" / "flow.py")
    trust = {"Version": "2012-10-17", "Statement": []}
    role = made.aws.client("iam").create_role(RoleName="Report-task", AssumeRolePolicyDocument=json.dumps(trust))
    logs = made.aws.client("logs")
    logs.create_log_group(logGroupName="/aws/batch/Report")
    logs.create_log_stream(logGroupName="/aws/batch/Report", logStreamName="kept")
    (made.terraform.directory / "adopt.tf").write_text(IMPORTS, encoding="utf-8")
    made.terraform.init()
    given = {**made.variables, "name": "Report"}
    actions = {change.address: change.actions for change in made.terraform.plan(**given).changes}
    assert actions["aws_iam_role.task[0]"] == ("update",)
    assert actions["aws_cloudwatch_log_group.tasks"] == ("update",)
    assert {*actions.values()} == {("create",), ("update",)}
    made.terraform.apply(**given)
    assert made.terraform.plan(**given).empty
    assert made.aws.client("iam").get_role(RoleName="Report-task")["Role"]["RoleId"] == role["Role"]["RoleId"]
    (stream,) = logs.describe_log_streams(logGroupName="/aws/batch/Report")["logStreams"]
    assert stream["logStreamName"] == "kept"
