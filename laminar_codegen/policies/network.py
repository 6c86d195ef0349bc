"""The permissions of functions in a VPC: AWS Lambda makes their network interfaces, in the name of their role.

They are those of AWS's managed policy AWSLambdaVPCAccessExecutionRole, on interfaces of this account only. A function's
own code needs none of them, and is denied all:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
"""

from __future__ import annotations

from collections.abc import Iterator

from laminar_codegen.ir.asl import PARTITION
from laminar_codegen.ir.expressions import Joined, Value
from laminar_codegen.policies.statement import REGION, Statement, regional

__all__ = ["network_access"]

_MANAGE = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
)
#: These actions have no resources to name.
_DESCRIBE = ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")


def network_access(functions: tuple[Value, ...]) -> Iterator[Statement]:
    """Yield the statements of the role of functions in a VPC.

    Args:
        functions: The ARNs of the functions.
    """
    # The subnets of a shared VPC are in the account of their owner.
    shared = tuple(Joined("arn:", PARTITION, ":ec2:", REGION, f":*:{kind}/*") for kind in ("security-group", "subnet"))
    yield Statement("ManageInterfaces", _MANAGE, (regional("ec2", "network-interface/*"),))
    yield Statement("UseSubnets", ("ec2:CreateNetworkInterface",), shared)
    yield Statement("DescribeNetwork", _DESCRIBE, ("*",))
    own = ("ArnLike", "lambda:SourceFunctionArn", functions)
    denied = tuple(sorted((*_MANAGE, *_DESCRIBE, "ec2:DetachNetworkInterface")))
    yield Statement("KeepCodeFromNetwork", denied, ("*",), (own,), effect="Deny")
