"""The resources of each golden document are what CloudFormation's schemas of their types take, by cfn-lint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import account_of, document_of
from laminar_codegen.rehearsal.document.configuration import read_text
from laminar_codegen.rehearsal.document.deploying import deploy_configuration
from laminar_codegen.rehearsal.document.given import Given
from tests.support.cloudformation import TYPES, complaints
from tests.support.golden import CASES, compilation_of

#: Types that CloudFormation does not have, and why.
UNKNOWN = {"terraform_data": "Terraform's own: nothing is made in AWS"}
#: Complaints that are none, and why.
KNOWN: dict[str, str] = {}
_META = frozenset({"//", "count", "depends_on", "dynamic", "for_each", "lifecycle"})


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(workspace=Workspace(directory=tmp_path_factory.mktemp("schemas"))) as opened:
        yield opened


@pytest.fixture(scope="module")
def resolved(aws: EmbeddedAws) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Give the resources of each document: type and arguments, in which nothing is left to evaluate."""
    return {case: [*_resources(case, aws)] for case in CASES}


def _resources(case: str, aws: EmbeddedAws) -> Iterator[tuple[str, dict[str, Any]]]:
    text = document_of(compilation_of(case))
    written = json.loads(text)["resource"]
    aws.reset()
    for made in deploy_configuration(read_text(text), Given(), account_of(aws), print).resources:
        label = made.address.split(".")[1].partition("[")[0]
        body = written[made.type][label]
        names = {*body, *body.get("dynamic", {})} - _META
        yield made.type, {name: made.attributes.get(name) for name in names}


def test_each_resource(resolved: dict[str, list[tuple[str, dict[str, Any]]]]) -> None:
    """The schemas have nothing against it, or it is known why not."""
    found = {
        complaint
        for resources in resolved.values()
        for type_, arguments in resources
        if type_ not in UNKNOWN
        for complaint in complaints(type_, arguments)
    }
    assert found == KNOWN.keys()


def test_each_type(resolved: dict[str, list[tuple[str, dict[str, Any]]]]) -> None:
    """All types that are emitted are compared."""
    assert {type_ for resources in resolved.values() for type_, _ in resources} == {*TYPES, *UNKNOWN}


@pytest.mark.parametrize(
    ("type_", "name", "value", "complaint"),
    [
        ("aws_cloudwatch_log_group", "retention_in_days", 2, "aws_cloudwatch_log_group RetentionInDays: "),
        ("aws_batch_job_definition", "platform_capabilities", ["MOON"], "PlatformCapabilities.0: "),
        ("aws_iam_role", "colour", "blue", "aws_iam_role Colour: "),
        ("aws_lambda_function", "timeout", 0, "aws_lambda_function Timeout: "),
    ],
)
def test_a_wrong_value(
    resolved: dict[str, list[tuple[str, dict[str, Any]]]], type_: str, name: str, value: Any, complaint: str
) -> None:
    """The schemas can have something against a resource."""
    arguments = next(given for resources in resolved.values() for kind, given in resources if kind == type_)
    assert any(complaint in found for found in complaints(type_, {**arguments, name: value}))
