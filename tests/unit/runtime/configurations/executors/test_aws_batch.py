"""What the AWS.Batch executor refuses."""

from __future__ import annotations

import pytest

from laminar_runtime.configurations import executors
from laminar_runtime.exceptions import FlowError


def test_queue_and_role_belong_together() -> None:
    """One without the other is refused, and so is an unknown platform."""
    with pytest.raises(FlowError, match="needs both job_queue_arn and job_role_arn, or neither"):
        executors.AWS.Batch("arn:aws:batch:us-east-1:123456789012:job-queue/flows")
    with pytest.raises(FlowError, match=r"the platform of AWS\.Batch must be 'FARGATE' or 'EC2', not 'ec2'"):
        executors.AWS.Batch(platform="ec2")  # type: ignore[arg-type]
