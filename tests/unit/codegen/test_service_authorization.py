"""AWS's Service Authorization Reference has nothing against the policies: policy-sentry ships it as data.

An action that does not exist, a resource that an action does not take, and a condition key that it does not have are
errors that IAM accepts in silence: the permission is just never there.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data
from policy_sentry.querying.conditions import get_condition_keys_for_service

from tests.support.golden import CASES, compilation_of
from tests.support.policies import policies

#: Complaints that are wrong, by the place where AWS says so.
KNOWN: Mapping[str, str] = {}
#: Parts of formats of ARNs: ``${JobId}``.
_PART = re.compile(r"\$\{\w+\}")


def complaints(statement: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the reference has against a statement."""
    for action in statement["Action"]:
        formats = _formats(action)
        if not formats:
            yield f"there is no action {action}"
            continue
        for resource in statement["Resource"]:
            if not any(_fits(resource, form) for form in formats):
                yield f"{action} takes no resource like {resource}"
        for key in _keys(statement):
            if not any(_is_key(key, known) for known in _conditions(action)):
                yield f"{action} has no condition key {key}"


@functools.cache
def _rows(action: str) -> tuple[Mapping[str, Any], ...]:
    service, _, name = action.partition(":")
    found = get_action_data(service, name)
    return tuple(found[service]) if found else ()


def _formats(action: str) -> set[str]:
    return {row["resource_arn_format"] for row in _rows(action)}


def _conditions(action: str) -> set[str]:
    service = action.partition(":")[0]
    return {*get_condition_keys_for_service(service), *(key for row in _rows(action) for key in row["condition_keys"])}


def _fits(resource: str, form: str) -> bool:
    """Return whether a pattern of a policy can be about resources of a form."""
    if form == "*" or resource == "*":
        return form == resource == "*"
    # Kinds and names are words, or patterns of them: what stands in a policy may be shorter than the form.
    expression = ".*".join(re.escape(part) for part in _PART.split(form))
    return re.fullmatch(expression, resource) is not None


def _keys(statement: Mapping[str, Any]) -> set[str]:
    return {key for tested in statement.get("Condition", {}).values() for key in tested}


def _is_key(key: str, known: str) -> bool:
    expression = ".*".join(re.escape(part) for part in re.split(r"\$\{\w+\}|<\w+>", known))
    # AWS Lambda adds this key to each request of a function's code:
    # https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    return (
        key.startswith("aws:")
        or key == "lambda:SourceFunctionArn"
        or re.fullmatch(expression, key, re.IGNORECASE) is not None
    )


@pytest.mark.parametrize("case", CASES)
def test_golden_policies(case: str) -> None:
    """All statements of all roles of a document are ones that the reference has."""
    found = {
        f"{role}, {statement['Sid']}: {complaint}"
        for role, policy in policies(compilation_of(case)).items()
        for statement in policy["Statement"]
        for complaint in complaints(statement)
    }
    assert found <= KNOWN.keys(), sorted(found - KNOWN.keys())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"Action": ["batch:SubmitJobs"]}, "there is no action batch:SubmitJobs"),
        ({"Action": ["batch:DescribeJobs"]}, "batch:DescribeJobs takes no resource like arn:aws:batch:"),
        ({"Resource": ["arn:aws:batch:eu-west-1:1:queue/q"]}, "batch:SubmitJob takes no resource like arn:aws:batch:"),
        ({"Condition": {"StringLike": {"batch:Colour": ["red"]}}}, "batch:SubmitJob has no condition key batch:Colour"),
    ],
)
def test_a_wrong_statement_is_complained_of(change: Mapping[str, Any], complaint: str) -> None:
    """The judge can complain of each part of a statement."""
    statement = {"Action": ["batch:SubmitJob"], "Resource": ["arn:aws:batch:eu-west-1:1:job-queue/q"], **change}
    (found,) = complaints(statement)
    assert found.startswith(complaint)


def test_goldens_have_all_kinds() -> None:
    """The policies that are judged have each role and each service."""
    found = [policy for case in CASES for policy in policies(compilation_of(case)).items()]
    actions = {action for _, policy in found for statement in policy["Statement"] for action in statement["Action"]}
    services = {action.partition(":")[0] for action in actions}
    assert services >= {
        "batch",
        "ecr",
        "elasticfilesystem",
        "events",
        "kms",
        "lambda",
        "logs",
        "s3",
        "secretsmanager",
        "ssm",
        "states",
        "xray",
    }
    assert {role for role, _ in found} >= {"state_machine", "task", "execution", "planner", "function", "schedule"}
