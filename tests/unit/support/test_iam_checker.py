"""The evaluator of IAM policies takes permissions as IAM does."""

from __future__ import annotations

from typing import Any

import pytest

from laminar_codegen.rehearsal.aws import ApiCall
from tests.support.iam_checker import Need, Statement, UnknownCallError, denials, needs

ROLE = "arn:aws:iam::123456789012:role/any"


def statement(action: str, resource: str, *conditions: tuple[str, str, tuple[str, ...]]) -> Statement:
    return Statement(ROLE, "Sid", (action,), (resource,), conditions)


def call(service: str, operation: str, status: int = 200, **parameters: Any) -> ApiCall:
    return ApiCall(
        principal=ROLE,
        service=service,
        region="eu-west-1",
        operation=operation,
        parameters=parameters,
        status=status,
    )


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:GetObject", "arn:aws:s3:::bucket/*", True),
        ("S3:getobject", "arn:aws:s3:::bucket/a?c", True),
        ("s3:Get*", "*", True),
        ("s3:GetObject", "arn:aws:s3:::bucket/ABC", False),
        ("s3:GetObject", "arn:aws:s3:::bucket", False),
        ("s3:PutObject", "arn:aws:s3:::bucket/*", False),
        ("s3:GetObject", "arn:aws:s3:::bucket/[a]bc", False),
    ],
)
def test_wildcards(action: str, resource: str, *, allowed: bool) -> None:
    """Actions are without regard to case, resources are not; only * and ? stand for others."""
    assert statement(action, resource).allows(Need("s3:GetObject", "arn:aws:s3:::bucket/abc")) is allowed


@pytest.mark.parametrize(
    ("test", "prefix", "allowed"),
    [
        ("StringLike", "a/b", True),
        ("StringLike", "b/a", False),
        ("StringEquals", "a/b", False),
        ("StringEquals", "a/*", True),
        ("StringLike", None, False),
        ("StringLikeIfExists", None, True),
    ],
)
def test_conditions(test: str, prefix: str | None, *, allowed: bool) -> None:
    """A condition on what the request does not have does not hold, unless it says so."""
    given = {} if prefix is None else {"s3:prefix": prefix}
    listing = statement("s3:ListBucket", "*", (test, "s3:prefix", ("a/*",)))
    assert listing.allows(Need("s3:ListBucket", "arn:aws:s3:::bucket", given)) is allowed


def test_an_unknown_condition_is_an_error() -> None:
    """What the evaluator does not know it does not pass over."""
    with pytest.raises(ValueError, match="DateLessThan"):
        statement("*", "*", ("DateLessThan", "key", ("2020",))).allows(Need("s3:GetObject", "*", {"key": "2019"}))


def test_an_unknown_call_is_an_error() -> None:
    """A call of which it is not known what it needs is not taken as allowed."""
    with pytest.raises(UnknownCallError, match="DeleteBucket"):
        list(needs(call("s3", "DeleteBucket", Bucket="bucket"), {}))


def test_what_is_missing_needs_listing() -> None:
    """To be told that an object is missing one must be allowed to list its bucket, whatever the prefix."""
    reading = statement("s3:GetObject", "arn:aws:s3:::bucket/*")
    found, missing = (call("s3", "GetObject", status, Bucket="bucket", Key="key") for status in (200, 404))
    by_prefix = statement("s3:ListBucket", "arn:aws:s3:::bucket", ("StringLike", "s3:prefix", ("*",)))
    assert denials([found], [reading], {}) == []
    (denial,) = denials([found, missing, missing], [reading, by_prefix], {})
    assert str(denial) == f"{ROLE} called GetObject, but has no s3:ListBucket on arn:aws:s3:::bucket"
    assert denials([missing], [reading, statement("s3:ListBucket", "arn:aws:s3:::bucket")], {}) == []


def test_statements_are_of_one_role() -> None:
    """What another role may do does not help."""
    other = Statement("arn:aws:iam::123456789012:role/other", "Sid", ("*",), ("*",))
    submitted = call("batch", "SubmitJob", jobQueue="queue", jobDefinition="definition:1")
    assert {denial.need.resource for denial in denials([submitted], [other], {})} == {
        f"arn:aws:batch:eu-west-1:123456789012:{resource}"
        for resource in ("job-queue/queue", "job-definition/definition:1", "job/new")
    }
