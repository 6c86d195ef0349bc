"""The embedded AWS reports what roles call: state machines, jobs and functions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from embedded_aws_bench import BUCKET, ROLE, SUBMIT, Bench, make_queue

from laminar_codegen.rehearsal.aws import ApiCall, EmbeddedAws, Workspace

JOB, EXECUTION = (f"arn:aws:iam::123456789012:role/{name}" for name in ("of the job", "of its execution"))
PROGRAM = """
import boto3

s3 = boto3.client("s3")
s3.put_object(Bucket="bench", Key="a key/with + and %", Body=b'{"not": "reported"}')
s3.put_object(Bucket="bench", Key="plain", Body=b"text")
s3.list_objects_v2(Bucket="bench", Prefix="a key/")
upload = s3.create_multipart_upload(Bucket="bench", Key="parts")["UploadId"]
s3.upload_part(Bucket="bench", Key="parts", PartNumber=1, UploadId=upload, Body=b"part")
s3.copy_object(Bucket="bench", Key="copy", CopySource="bench/plain")
try:
    s3.head_object(Bucket="bench", Key="missing")
except s3.exceptions.ClientError as error:
    print(error)
"""

Reported = tuple[str, str, int, dict[str, Any]]


@pytest.fixture(scope="module")
def calls() -> list[ApiCall]:
    return []


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, calls: list[ApiCall]) -> Iterator[Bench]:
    directory = tmp_path_factory.mktemp("workspace")
    with EmbeddedAws(workspace=Workspace(directory, python=sys.executable), calls=calls.append) as aws:
        make_queue(aws)
        aws.client("s3").create_bucket(Bucket=BUCKET)
        yield Bench(aws, directory)


def reported(calls: list[ApiCall], role: str, *names: str) -> list[Reported]:
    """Return the reported calls of a role, with these of the parameters."""
    return [
        (call.service, call.operation, call.status, {name: call.parameters.get(name) for name in names})
        for call in calls
        if call.principal == role
    ]


def test_a_job_and_who_started_it(bench: Bench, calls: list[ApiCall]) -> None:
    """Each call has the role that made it, its operation and what it was on; the owner's own calls are not reported."""
    definition = bench.aws.client("batch").register_job_definition(
        jobDefinitionName="calls",
        type="container",
        containerProperties={
            "image": "any",
            "command": bench.program(PROGRAM),
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
            "jobRoleArn": JOB,
            "executionRoleArn": EXECUTION,
        },
    )["jobDefinitionArn"]
    calls.clear()
    arguments = {"JobName": "job", "JobQueue": "queue", "JobDefinition": definition}
    bench.run({"A": {"Type": "Task", "Resource": SUBMIT, "Arguments": arguments, "End": True}})
    assert {call.principal for call in calls} == {ROLE, JOB, EXECUTION}
    assert {call.region for call in calls} == {"us-east-1"}
    assert reported(calls, ROLE, "jobDefinition") == [
        ("batch", "SubmitJob", 200, {"jobDefinition": definition}),
        ("batch", "DescribeJobs", 200, {"jobDefinition": None}),
    ]
    assert reported(calls, JOB, "Bucket", "Key", "Prefix", "PartNumber", "CopySource", "Body") == [
        ("s3", operation, status, dict.fromkeys(("Key", "Prefix", "PartNumber", "CopySource", "Body")) | parameters)
        for operation, status, parameters in (
            ("PutObject", 200, {"Bucket": BUCKET, "Key": "a key/with + and %"}),
            ("PutObject", 200, {"Bucket": BUCKET, "Key": "plain"}),
            ("ListObjectsV2", 200, {"Bucket": BUCKET, "Prefix": "a key/"}),
            ("CreateMultipartUpload", 200, {"Bucket": BUCKET, "Key": "parts"}),
            ("UploadPart", 200, {"Bucket": BUCKET, "Key": "parts", "PartNumber": "1"}),
            ("CopyObject", 200, {"Bucket": BUCKET, "Key": "copy", "CopySource": "bench/plain"}),
            ("HeadObject", 404, {"Bucket": BUCKET, "Key": "missing"}),
        )
    ]
    logged = ("logs", "CreateLogStream", 200, {"logGroupName": "/aws/batch/job"})
    assert reported(calls, EXECUTION, "logGroupName") == [logged, ("logs", "PutLogEvents", *logged[2:])]
