"""What AWS charges in us-east-1, in dollars, in 2026: for the estimates of the compiler, of rehearsals and of handles.

Spot capacity and EC2 have no fixed prices.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FARGATE", "INVOCATION", "LAMBDA", "REGION", "TRANSITION", "fargate", "function"]

#: The region of the prices.
REGION = "us-east-1"
#: A state transition beyond the free 4,000 of a month: https://aws.amazon.com/step-functions/pricing/
TRANSITION = 0.000025
#: A second of a virtual CPU and of a GB on Fargate, by the processors: https://aws.amazon.com/fargate/pricing/
FARGATE: Mapping[str, tuple[float, float]] = {
    "x86_64": (0.04048 / 3600, 0.004445 / 3600),
    "arm64": (0.03238 / 3600, 0.00356 / 3600),
}
#: A GB-second on AWS Lambda, by the processors: https://aws.amazon.com/lambda/pricing/
LAMBDA: Mapping[str, float] = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
#: An invocation of a function, on the same page.
INVOCATION = 0.2 / 1_000_000
_MIB = 1024


def fargate(seconds: float, *, vcpus: float, memory_mib: float, architecture: str) -> float:
    """Return the price of a job on Fargate. The start of its container and its disk are left out.

    Args:
        seconds: How long its container ran.
        vcpus: Its virtual CPUs.
        memory_mib: Its memory in MiB.
        architecture: Its processors, ``x86_64`` or ``arm64``.

    Example:
        >>> round(fargate(3600, vcpus=1, memory_mib=2048, architecture="arm64"), 5)
        0.0395
    """
    of_cpu, of_memory = FARGATE[architecture]
    return seconds * (vcpus * of_cpu + memory_mib / _MIB * of_memory)


def function(seconds: float, *, memory_mib: float, architecture: str) -> float:
    """Return the price of an invocation of a function.

    Args:
        seconds: How long it ran.
        memory_mib: Its memory in MiB.
        architecture: Its processors, ``x86_64`` or ``arm64``.

    Example:
        >>> round(function(10, memory_mib=1024, architecture="x86_64"), 7)
        0.0001669
    """
    return seconds * memory_mib / _MIB * LAMBDA[architecture] + INVOCATION
