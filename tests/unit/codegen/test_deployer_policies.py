"""The policies of who deploys: what they have is valid, short and about the deployment only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from laminar_codegen.limits import MANAGED_POLICY_CHARACTERS
from laminar_codegen.policies.deployer import deployer_policies
from laminar_codegen.targets.registry import calls_of_kinds
from tests.support.golden import CASES, compilation_of
from tests.unit.codegen.test_service_authorization import complaints


def policies_of(case: str) -> dict[str, dict[str, Any]]:
    compilation = compilation_of(case)
    return deployer_policies(compilation.document, compilation.deployment, calls_of_kinds())


def statements_of(case: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for phase, policy in policies_of(case).items():
        yield from ((phase, statement) for statement in policy["Statement"])


@pytest.mark.parametrize("case", CASES)
def test_the_reference_has_nothing_against_them(case: str) -> None:
    """Each action exists, and takes each resource and condition that its statement has."""
    found = {f"{phase}: {complaint}" for phase, statement in statements_of(case) for complaint in complaints(statement)}
    assert found == set()


@pytest.mark.parametrize("case", CASES)
def test_each_is_a_managed_policy(case: str) -> None:
    """Each is short enough, and its statements have different names of letters and digits."""
    for policy in policies_of(case).values():
        assert len(json.dumps(policy, separators=(",", ":"))) <= MANAGED_POLICY_CHARACTERS
        names = [statement["Sid"] for statement in policy["Statement"]]
        assert len({*names}) == len(names)
        assert all(name.isalnum() for name in names)


@pytest.mark.parametrize(("case", "asked"), [("volumes", True), ("lambda", False)])
def test_who_connects_a_function_to_a_file_system(case: str, asked: bool) -> None:  # noqa: FBT001
    """AWS Lambda looks for its mount targets in the name of who deploys."""
    found = [phase for phase, one in statements_of(case) if "elasticfilesystem:DescribeMountTargets" in one["Action"]]
    assert found == (["apply"] if asked else [])


def test_nothing_of_other_deployments() -> None:
    """Each action on a resource is on those of the deployment; what it passes goes to the services of its roles."""
    others = {
        (phase, statement["Sid"], resource)
        for phase, statement in statements_of("digits")
        for resource in statement["Resource"]
        if "Digits" not in resource
    }
    assert {(phase, name) for phase, name, _ in others} == {
        ("plan", "Account"),
        ("plan", "Datastore"),
        ("apply", "Images"),
    }
    passed = {
        service
        for _, statement in statements_of("digits")
        if "iam:PassRole" in statement["Action"]
        for service in statement["Condition"]["StringEquals"]["iam:PassedToService"]
    }
    assert passed == {"ecs-tasks.amazonaws.com", "lambda.amazonaws.com", "states.amazonaws.com"}


def test_only_a_plan_changes_nothing() -> None:
    """A role that plans reads."""
    for case in CASES:
        actions = {action for phase, found in statements_of(case) if phase == "plan" for action in found["Action"]}
        assert {action.partition(":")[2][:3] for action in actions} <= {"Get", "Lis", "Des", "Val"}


def test_roles_have_their_path() -> None:
    """A flow whose roles have a path has it in the policies, as the default of its variable."""
    arns = {arn for _, statement in statements_of("environments") for arn in statement["Resource"] if ":role" in arn}
    assert arns == {"arn:aws:iam::*:role/teams/data/Environments-*"}


def test_networks_are_looked_up_by_who_has_them() -> None:
    """Only who creates functions in a VPC may describe networks."""
    having = {case for case in CASES for _, statement in statements_of(case) if statement["Sid"] == "Network"}
    assert "environments" in having
    assert "digits" not in having
