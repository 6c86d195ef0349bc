"""Validators of where the tasks of a deployed layer run: the names of queues and roles, the share of a job queue."""

from __future__ import annotations

import re
from typing import Any

from laminar_runtime import _records
from laminar_runtime.exceptions import FlowError
from laminar_runtime.limits import SCHEDULING_PRIORITY
from laminar_runtime.variables import Variable

__all__ = ["check_priority", "check_queue", "check_role", "check_share"]

#: The names begin those of variables of Terraform, and end those of roles, which have at most 64 characters:
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_NAME = re.compile("[a-z][a-z0-9_]{0,31}")
#: The queues of kinds of capacity have these names already.
_CAPACITIES = frozenset({"ec2", "ec2_spot", "fargate_spot", "gpu", "gpu_spot"})
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
_SHARE = re.compile("[A-Za-z0-9]{1,255}")


def check_queue(instance: object, attribute: _records.Field, value: Any) -> None:
    """Validate the name of a job queue.

    Raises:
        FlowError: If it is not valid, or is that of a kind of capacity.
    """
    check_role(instance, attribute, value)
    if value in _CAPACITIES:
        msg = (
            f"an executor cannot have queue={value!r}: {value}_job_queue_arn is the queue of a kind of capacity. Leave "
            "queue out to use that one, or choose another name"
        )
        raise FlowError(msg)


def check_role(_: object, attribute: _records.Field, value: Any) -> None:
    """Validate the name of a role, or of a job queue.

    Raises:
        FlowError: If it is not valid.
    """
    if value is not None and not (isinstance(value, str) and _NAME.fullmatch(value)):
        msg = (
            f"an executor's {attribute.name} must be a name of 1 to 32 lower-case letters, digits and underscores, a "
            f"letter first, not {value!r}"
        )
        raise FlowError(msg)


def check_share(_: object, __: _records.Field, value: Any) -> None:
    """Validate the identifier of a share.

    Raises:
        FlowError: If AWS Batch does not accept it.
    """
    if value is None or isinstance(value, Variable):
        return
    if not (isinstance(value, str) and _SHARE.fullmatch(value)):
        raise FlowError(f"the share_identifier of AWS.Batch must be of 1 to 255 letters and digits, not {value!r}")


def check_priority(_: object, __: _records.Field, value: Any) -> None:
    """Validate the priority of jobs in their share.

    Raises:
        FlowError: If AWS Batch does not accept it.
    """
    least, most = SCHEDULING_PRIORITY
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise FlowError(f"the priority of AWS.Batch must be a whole number from {least} to {most}, not {value!r}")
