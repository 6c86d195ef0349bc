"""An embedded AWS in a process of its own, so that its memory and its processor time are not the benchmark's.

``python -m benchmarks.embedded FOLDER`` serves one until its standard input ends; FOLDER is what jobs run in.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from benchmarks import servers

__all__ = ["BUCKET", "Account", "serving"]

#: The bucket that is there.
BUCKET = "benchmarks"


@attrs.frozen
class Account:
    """Where the embedded AWS is.

    Args:
        environment: The variables by which SDKs find it.
        queue: The ARN of a job queue of Fargate capacity.
        role: The ARN of a role.
    """

    environment: Mapping[str, str]
    queue: str
    role: str

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return self.environment["AWS_ENDPOINT_URL"]


@contextlib.contextmanager
def serving(folder: Path, *, jobs: bool = False) -> Iterator[Account]:
    """Serve an embedded AWS while the ``with`` block runs.

    Args:
        folder: The working directory of jobs.
        jobs: Whether there is a job queue.
    """
    with servers.start("benchmarks.embedded", str(folder), *(["--jobs"] if jobs else [])) as line:
        yield Account(**json.loads(line))


def _main(folder: str, *, jobs: bool) -> None:
    from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace

    with EmbeddedAws(workspace=Workspace(directory=Path(folder))) as aws:
        aws.client("s3").create_bucket(Bucket=BUCKET)
        role = aws.client("iam").create_role(RoleName="benchmarks", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        queue = ""
        if jobs:
            ec2, batch = aws.client("ec2"), aws.client("batch")
            resources = {
                "type": "FARGATE",
                "maxvCpus": 16,
                "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
                "securityGroupIds": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
            }
            batch.create_compute_environment(
                computeEnvironmentName="benchmarks", type="MANAGED", serviceRole=role, computeResources=resources
            )
            order = [{"order": 1, "computeEnvironment": "benchmarks"}]
            queue = batch.create_job_queue(
                jobQueueName="benchmarks", state="ENABLED", priority=1, computeEnvironmentOrder=order
            )["jobQueueArn"]
        account = Account(dict(aws.environment), queue, role)
        print(json.dumps(attrs.asdict(account)), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _main(sys.argv[1], jobs="--jobs" in sys.argv)
