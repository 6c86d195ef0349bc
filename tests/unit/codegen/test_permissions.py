"""Permissions are decided as IAM decides them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import botocore.parsers
import pytest

from laminar_codegen.rehearsal.aws.role_checks import RoleChecks
from laminar_codegen.rehearsal.permissions import (
    Call,
    Facts,
    Guard,
    Need,
    Roles,
    UnknownCallError,
    UnknownStatementError,
    decide,
    needs,
    read_policy,
)
from laminar_codegen.rehearsal.permissions.decisions import context_of
from laminar_codegen.rehearsal.permissions.refusals import refuse_access
from tests.support.fake_iam import ROLE, FakeIam, policy

OBJECT = Need("s3:GetObject", "arn:aws:s3:::bucket/team/abc")


def statement(effect: str = "Allow", **parts: Any) -> dict[str, Any]:
    return {"Sid": "Own", "Effect": effect, "Action": "s3:GetObject", "Resource": "*", **parts}


def allowed(need: Need, *statements: Mapping[str, Any], context: Mapping[str, str | None] | None = None) -> bool:
    return decide(need, read_policy("p", policy(*statements)), context=context).allowed


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"Action": "S3:getobject"}, True),
        ({"Action": ["s3:Put*", "s3:Get*"]}, True),
        ({"Action": "s3:Get?bject"}, True),
        ({"Action": "s3:GetObjectTagging"}, False),
        ({"Action": "*"}, True),
        ({"Resource": "arn:aws:s3:::bucket/*"}, True),
        ({"Resource": "arn:aws:s3:::bucket/TEAM/*"}, False),
        ({"Resource": "arn:aws:s3:::bucket"}, False),
        ({"Resource": ["arn:aws:s3:::other/*", "arn:aws:s3:::bucket/team/a?c"]}, True),
        ({"Resource": "arn:aws:s3:::bucket/team/[a]bc"}, False),
        ({"Resource": "arn:*:bucket/team/abc"}, False),
        ({"Resource": "arn:aws:s3:::bucket/${aws:PrincipalAccount}/*"}, False),
        ({"Resource": "arn:aws:s3:::bucket/${team}/*"}, True),
        ({"Resource": "arn:aws:s3:::bucket/${absent, 'team'}/*"}, True),
        ({"Condition": {"StringEquals": {"team": ["a", "team"]}}}, True),
        ({"Condition": {"StringNotEquals": {"Team": "team"}}}, False),
        ({"Condition": {"StringEqualsIfExists": {"absent": "x"}}}, True),
    ],
)
def test_statements(parts: dict[str, Any], *, expected: bool) -> None:
    """A statement is about what its patterns say, in the case that they have, while its conditions hold."""
    context = {"aws:principalaccount": "123456789012", "team": "team", "absent": None}
    assert allowed(OBJECT, statement(**parts), context=context) is expected


def test_all_but() -> None:
    """``NotAction`` and ``NotResource`` are about everything else."""
    others = {"Effect": "Allow", "NotAction": "s3:Put*", "NotResource": "arn:aws:s3:::bucket/secret/*"}
    assert allowed(OBJECT, others)
    assert not allowed(Need("s3:PutObject", OBJECT.resource), others)
    assert not allowed(Need("s3:GetObject", "arn:aws:s3:::bucket/secret/a"), others)


def test_a_denial_wins() -> None:
    """An explicit denial counts more than what allows, and is named."""
    decision = decide(OBJECT, read_policy("team", policy(statement(), statement("Deny", Sid="NotThis"))))
    assert not decision.allowed
    assert decision.reason == "with an explicit deny in the identity-based policy team/NotThis"


def test_a_boundary_limits() -> None:
    """What a boundary does not allow is not allowed; a boundary alone allows nothing."""
    own, boundary = read_policy("p", policy(statement())), read_policy("b", policy(statement(Action="batch:*")))
    assert decide(OBJECT, own, boundary).reason == "no permissions boundary allows the s3:GetObject action"
    assert decide(OBJECT, own, own).allowed
    assert decide(OBJECT, (), own).reason == "no identity-based policy allows the s3:GetObject action"


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_what_cannot_be_evaluated_is_refused(effect: str) -> None:
    """An unknown condition is neither taken to hold nor not to hold: the refusal names it."""
    unknown = statement(effect, Condition={"StringEquals": {"aws:PrincipalTag/team": "a"}})
    statements = [unknown] if effect == "Allow" else [statement(), unknown]
    decision = decide(OBJECT, read_policy("p", policy(*statements)))
    assert not decision.allowed
    assert decision.reason.startswith("the rehearsal cannot evaluate a condition of the statement p/Own")
    assert "aws:PrincipalTag/team" in decision.reason


@pytest.mark.parametrize(
    "document",
    [
        "{}",
        "no JSON",
        policy({"Effect": "Maybe", "Action": "*"}),
        policy(statement(Actions="s3:*")),
        policy({"Effect": "Allow"}),
    ],
)
def test_policies_that_cannot_be_read(document: Any) -> None:
    """A policy that IAM would not take is an error that names it."""
    with pytest.raises(UnknownStatementError, match="policy team "):
        read_policy("team", document)


BATCH = "arn:aws:batch:eu-west-1:123456789012"
LOGS = "arn:aws:logs:eu-west-1:123456789012:log-group"


def call(service: str, operation: str, **parameters: Any) -> Call:
    return Call(
        principal=ROLE, service=service, region="eu-west-1", operation=operation, parameters=parameters, place="Work[3]"
    )


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (call("s3", "HeadObject", Bucket="b", Key="k"), ["s3:GetObject arn:aws:s3:::b/k"]),
        (call("s3", "UploadPart", Bucket="b", Key="k"), ["s3:PutObject arn:aws:s3:::b/k"]),
        (call("s3", "ListObjectsV2", Bucket="b", Prefix="x"), ["s3:ListBucket arn:aws:s3:::b"]),
        (call("s3", "DeleteObjects", Bucket="b"), ["s3:DeleteObject arn:aws:s3:::b/*"]),
        (
            call("batch", "SubmitJob", jobQueue="q", jobDefinition="d:1", tags={"a": "b"}),
            [
                f"batch:SubmitJob {BATCH}:job-queue/q",
                f"batch:SubmitJob {BATCH}:job-definition/d:1",
                f"batch:SubmitJob {BATCH}:job/new",
                f"batch:TagResource {BATCH}:job-queue/q",
                f"batch:TagResource {BATCH}:job-definition/d:1",
                f"batch:TagResource {BATCH}:job/new",
            ],
        ),
        (call("batch", "DescribeJobs", jobs=["1"]), ["batch:DescribeJobs *"]),
        (call("batch", "TerminateJob", jobId="1"), [f"batch:TerminateJob {BATCH}:job/1"]),
        (
            call("lambda", "Invoke", FunctionName="f"),
            ["lambda:InvokeFunction arn:aws:lambda:eu-west-1:123456789012:function:f"],
        ),
        (
            call("logs", "PutLogEvents", logGroupName="g", logStreamName="s"),
            [f"logs:PutLogEvents {LOGS}:g:log-stream:s"],
        ),
        (
            call("ssm", "GetParameters", Names=["/a/b"]),
            ["ssm:GetParameters arn:aws:ssm:eu-west-1:123456789012:parameter/a/b"],
        ),
        (call("states", "StartExecution", stateMachineArn="arn:m"), ["states:StartExecution arn:m"]),
        (call("states", "SendTaskSuccess", taskToken="t"), ["states:SendTaskSuccess arn:machine-of-t"]),
        (call("sts", "GetCallerIdentity"), []),
    ],
    ids=lambda value: value.operation if isinstance(value, Call) else None,
)
def test_needs(made: Call, expected: list[str]) -> None:
    """Each call needs what the Service Authorization Reference says."""
    facts = Facts(machine_of=lambda token: f"arn:machine-of-{token}")
    assert [f"{need.action} {need.resource}" for need in needs(made, facts)] == expected


def test_a_bucket_with_a_key() -> None:
    """S3 uses the key of a bucket in the name of who reads and writes."""
    facts = Facts(key_of={"b": "arn:key"}.get)
    found = {
        operation: [need.action for need in needs(call("s3", operation, Bucket="b", Key="k"), facts)]
        for operation in ("GetObject", "PutObject", "UploadPart")
    }
    assert found == {
        "GetObject": ["s3:GetObject", "kms:Decrypt"],
        "PutObject": ["s3:PutObject", "kms:GenerateDataKey"],
        "UploadPart": ["s3:PutObject", "kms:GenerateDataKey", "kms:Decrypt"],
    }


@pytest.mark.parametrize("made", [call("s3", "PutBucketPolicy", Bucket="b"), call("glacier", "ListVaults")])
def test_an_unknown_call_is_an_error(made: Call) -> None:
    """A call of which it is not known what it needs is not taken as allowed."""
    with pytest.raises(UnknownCallError, match=made.operation):
        needs(made)


SUBMIT = statement(Sid="Submit", Action=["batch:SubmitJob", "batch:TerminateJob"])
SUBMITTED = call("batch", "SubmitJob", jobQueue="q", jobDefinition="d")


def test_the_guard_decides_and_remembers() -> None:
    """The guard names role, action, resource and place of what it refuses, and what was granted and not used."""
    guard = Guard(Roles(FakeIam(SUBMIT, statement(Resource="arn:aws:s3:::b/*"))))
    assert guard.decide(SUBMITTED) is None
    assert [str(grant) for grant in guard.idle_grants()] == [
        "role task: batch:TerminateJob (own/Submit)",
        "role task: s3:GetObject (own/Own)",
    ]
    refused = call("s3", "PutObject", Bucket="b", Key="k")
    refusal = guard.decide(refused)
    assert refusal is not None
    assert refusal.message == (
        "User: arn:aws:sts::123456789012:assumed-role/task/rehearsal is not authorized to perform: s3:PutObject on "
        "resource: arn:aws:s3:::b/k because no identity-based policy allows the s3:PutObject action"
    )
    guard.decide(refused)
    (kept,) = guard.refusals
    assert str(kept) == (
        "role task may not s3:PutObject on arn:aws:s3:::b/k (Work[3]): no identity-based policy allows the "
        "s3:PutObject action"
    )


def test_the_guard_refuses_unknown_calls() -> None:
    """A call of which it is not known what it needs is refused. A role of elsewhere is named, and not limited."""
    guard = Guard(Roles(FakeIam(statement(Action="*"))))
    unknown = guard.decide(call("s3", "PutBucketPolicy", Bucket="b"))
    assert unknown is not None
    assert "PutBucketPolicy needs is not known here" in unknown.reason
    other = Call(principal=f"{ROLE}-2", service="sts", region="eu-west-1", operation="X", parameters={})
    assert guard.check(other, [OBJECT]) is None
    assert guard.unknown == (f"{ROLE}-2",)


def test_boundaries_and_changes_of_roles() -> None:
    """A role is read once, and again when it may have changed."""
    iam = FakeIam(SUBMIT, boundary=policy(statement()))
    roles = Roles(iam)
    guard = Guard(roles)
    refusal = guard.decide(SUBMITTED)
    assert refusal is not None
    assert refusal.reason == "no permissions boundary allows the batch:SubmitJob action"
    guard.decide(SUBMITTED)
    assert iam.reads == 1
    iam.boundary = None
    roles.forget()
    assert guard.decide(SUBMITTED) is None


def test_trust() -> None:
    """A service may take a role on if its trust policy says so, for what its conditions say."""
    guard = Guard(Roles(FakeIam()))
    given = {"source": "arn:aws:ecs:eu-west-1:123456789012:task/x", "region": "eu-west-1"}
    assert guard.trust(ROLE, "ecs-tasks.amazonaws.com", **given) is None
    assert "does not let states.amazonaws.com assume it" in str(guard.trust(ROLE, "states.amazonaws.com", **given))
    elsewhere = {**given, "source": "arn:aws:ecs:eu-west-1:999999999999:task/x"}
    assert guard.trust(ROLE, "ecs-tasks.amazonaws.com", **elsewhere) is not None


@pytest.mark.parametrize(
    ("service", "protocol", "code"),
    [
        ("s3", "rest-xml", "AccessDenied"),
        ("iam", "query", "AccessDenied"),
        ("batch", "rest-json", "AccessDeniedException"),
        ("states", "json", "AccessDeniedException"),
        ("logs", "json", "AccessDeniedException"),
    ],
)
def test_refusals_are_spelled_as_services_do(service: str, protocol: str, code: str) -> None:
    """SDKs read a refusal as that of the service."""
    answer = refuse_access(service, 'not <authorized> & "refused"')
    status = int(answer.status.split()[0])
    response = {"status_code": status, "headers": _Headers(answer.headers), "body": answer.body}
    parsed = botocore.parsers.create_parser(protocol).parse(response, None)
    assert parsed["Error"]["Code"] == code
    assert parsed["Error"]["Message"] == 'not <authorized> & "refused"'
    assert status == (400 if protocol == "json" else 403)
    assert json.dumps(parsed["Error"])


class _Headers(dict[str, str]):
    def __init__(self, headers: tuple[tuple[str, str], ...]) -> None:
        super().__init__({name.lower(): value for name, value in headers})


@pytest.mark.parametrize(
    ("trusted", "actions", "expected"),
    [
        ("lambda.amazonaws.com", "ec2:*", None),
        ("states.amazonaws.com", "ec2:*", "The role defined for the function cannot be assumed by Lambda."),
        (
            "lambda.amazonaws.com",
            "ec2:Describe*",
            "The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
        ),
    ],
)
def test_the_role_of_a_function_in_a_vpc(trusted: str, actions: str, expected: str | None) -> None:
    """AWS Lambda assumes it when the function is made, and makes network interfaces in its name."""
    guard = Guard(Roles(FakeIam(statement(Action=actions), trusts=trusted)))
    network = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    made = Call(
        principal=ROLE,
        service="lambda",
        region="eu-west-1",
        operation="CreateFunction",
        parameters={"FunctionName": "f", "Role": ROLE, "VpcConfig": network},
    )
    refused = RoleChecks(guard)(made)
    assert (refused and refused[1]) == expected


def test_the_code_of_a_function_does_not_have_the_rights_of_its_network() -> None:
    """A denial by the function's ARN is about calls of its code, not about what AWS Lambda does in its name."""
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    own = statement("Deny", Action="ec2:*", Condition={"ArnLike": {"lambda:SourceFunctionArn": [arn]}})
    policies = read_policy("p", policy(statement(Action="ec2:*"), own))
    for service, expected in (("ec2", False), ("lambda", True)):
        call = Call(principal=ROLE, service=service, region="eu-west-1", operation="Do", place="function f")
        assert decide(Need("ec2:DescribeSubnets", "*"), policies, context=context_of(call)).allowed is expected


@pytest.mark.parametrize(
    ("tags", "allowed"),
    [({"laminar:flow": "F"}, True), ({"laminar:flow": "F", "owner": "me"}, False), ({}, True)],
)
def test_a_role_gives_no_other_tags_than_those_of_jobs(tags: dict[str, str], *, allowed: bool) -> None:
    """The condition is about each key of a request."""
    condition = {"ForAllValues:StringEquals": {"aws:TagKeys": ["laminar:flow", "laminar:layer"]}}
    policies = read_policy("p", policy(statement(Action="batch:*", Condition=condition)))
    submitted = call("batch", "SubmitJob", jobQueue="q", jobDefinition="d:1", tags=tags)
    for need in needs(submitted):
        assert decide(need, policies, context=context_of(submitted)).allowed is allowed
