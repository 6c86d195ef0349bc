"""The capacity that jobs of AWS Batch run on, in the embedded AWS."""

from __future__ import annotations

from laminar_codegen.rehearsal.aws import EmbeddedAws


def job_queue(aws: EmbeddedAws) -> tuple[str, str]:
    """Create a job queue and a role for its jobs, and return their ARNs."""
    role = aws.client("iam").create_role(RoleName="task", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    batch = aws.client("batch")
    batch.create_compute_environment(computeEnvironmentName="spare", type="UNMANAGED", serviceRole=role)
    order = [{"order": 1, "computeEnvironment": "spare"}]
    queue = batch.create_job_queue(jobQueueName="spare", state="ENABLED", priority=1, computeEnvironmentOrder=order)
    return queue["jobQueueArn"], role
