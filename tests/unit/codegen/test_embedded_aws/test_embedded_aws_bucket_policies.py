"""The operators in the conditions of a policy."""

from __future__ import annotations

from typing import Any

import pytest

from laminar_codegen.rehearsal.permissions.conditions import UnknownConditionError, holds


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"Null": {"s3:x-amz-acl": "true"}}, True),
        ({"Null": {"aws:SecureTransport": "true"}}, False),
        ({"Bool": {"s3:x-amz-acl": "true"}}, False),
        ({"BoolIfExists": {"s3:x-amz-acl": "true"}}, True),
        ({"StringNotLike": {"s3:x-amz-acl": "*"}}, True),
        ({"StringLike": {"aws:SecureTransport": ["f*", "t?ue"]}}, True),
        ({"StringEqualsIgnoreCase": {"aws:securetransport": "TRUE"}}, True),
        ({"StringNotEqualsIgnoreCase": {"aws:securetransport": "TRUE"}}, False),
    ],
)
def test_operators(condition: dict[str, Any], *, expected: bool) -> None:
    """Operators are those of IAM; a key that a request does not have is no value."""
    assert holds(condition, {"aws:securetransport": "true", "s3:x-amz-acl": None}) is expected


def test_unknown_operators() -> None:
    """An operator that is not known is an error, and so is such a key."""
    for condition in ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"DateLessThan": {"aws:securetransport": "1"}}):
        with pytest.raises(UnknownConditionError):
            holds(condition, {"aws:securetransport": "true"})
