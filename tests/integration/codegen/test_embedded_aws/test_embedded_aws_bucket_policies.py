"""What a bucket's policy denies, it denies while its conditions hold, and to whom it says."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from embedded_aws_bench import BUCKET

from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace

ROLE = "arn:aws:iam::123456789012:role/flow"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    directory = tmp_path_factory.mktemp("workspace")
    with EmbeddedAws(workspace=Workspace(directory, python=sys.executable)) as opened:
        opened.client("s3").create_bucket(Bucket=BUCKET)
        opened.client("s3").put_object(Bucket=BUCKET, Key="there", Body=b"text")
        yield opened


@pytest.fixture(scope="module")
def role(aws: EmbeddedAws) -> Any:
    """A client with a role's credentials."""
    found = aws.environment_of(ROLE)
    return boto3.client(
        "s3",
        endpoint_url=aws.endpoint_url,
        region_name=aws.region,
        aws_access_key_id=found["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
    )


def answer(client: Any, operation: str, **arguments: Any) -> str:
    """Return what comes of a call: nothing, or the code of an error."""
    try:
        getattr(client, operation)(Bucket=BUCKET, Key="there", **arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.fixture
def deny(aws: EmbeddedAws) -> Iterator[Callable[..., None]]:
    """Give a function that gives the bucket a policy of one statement, which denies."""

    def put(**statement: Any) -> None:
        body = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
        policy = {"Version": "2012-10-17", "Statement": {"Sid": "Ours", **body, **statement}}
        aws.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    yield put
    aws.client("s3").delete_bucket_policy(Bucket=BUCKET)


@pytest.mark.parametrize(
    ("condition", "denied"),
    [
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"Bool": {"aws:SecureTransport": True}}, True),
        ({"NumericLessThan": {"s3:TlsVersion": ["1.2"]}}, False),
        ({"NumericLessThan": {"s3:TlsVersion": 1.4}}, True),
        ({"ArnNotLike": {"aws:PrincipalArn": ROLE}}, False),
        ({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/other"}}, True),
        ({"StringNotEquals": {"s3:x-amz-acl": "private"}}, True),
        # That one condition does not hold is enough, whatever the others are.
        ({"StringEquals": {"aws:SourceVpc": "vpc-1"}, "Bool": {"aws:SecureTransport": "false"}}, False),
    ],
)
def test_a_denial_has_conditions(
    condition: dict[str, Any], *, denied: bool, role: Any, deny: Callable[..., None]
) -> None:
    """What is denied on a condition is denied if it holds, and only then."""
    deny(Condition=condition)
    assert answer(role, "get_object") == ("AccessDenied" if denied else "")
    assert answer(role, "put_object", Body=b"text") == ("AccessDenied" if denied else "")


@pytest.mark.parametrize(
    ("statement", "denied"),
    [
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": ["arn:aws:iam::123456789012:role/other", ROLE]}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:role/other"}}, False),
        ({"Principal": {"Service": "logging.s3.amazonaws.com"}}, False),
        ({"Action": ["s3:PutObject", "s3:getobject"]}, True),
        ({"Action": "s3:PutObject"}, False),
        ({"Resource": f"arn:aws:s3:::{BUCKET}/other/*"}, False),
    ],
)
def test_a_denial_is_of_something(
    statement: dict[str, Any], *, denied: bool, role: Any, deny: Callable[..., None]
) -> None:
    """A statement is of its principals, actions and resources."""
    deny(**statement)
    assert answer(role, "get_object") == ("AccessDenied" if denied else "")
    assert answer(role, "head_object") == ("403" if denied else "")


def test_headers_of_a_request(role: Any, deny: Callable[..., None]) -> None:
    """The common condition that what is stored is encrypted by a certain key looks at the request's header."""
    deny(Action="s3:PutObject", Condition={"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}})
    assert answer(role, "put_object", Body=b"text") == "AccessDenied"
    assert answer(role, "put_object", Body=b"text", ServerSideEncryption="aws:kms") == ""


def test_what_is_not_known_is_reported(role: Any, deny: Callable[..., None]) -> None:
    """A condition that nobody can evaluate here is an error that names it, not an answer."""
    deny(Condition={"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})
    with pytest.raises(ClientError, match=r"cannot evaluate a condition of the statement Ours .* aws:SourceVpce"):
        role.get_object(Bucket=BUCKET, Key="there")
