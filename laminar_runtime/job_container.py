"""What AWS Batch is told of a container: the same whether a job definition says it or a job overrides it."""

from __future__ import annotations

import functools
from collections.abc import Sequence

__all__ = ["FARGATE_MEMORY", "ec2_size", "fargate_size", "job_command", "job_resources"]

#: The least memory of a job on EC2 in MiB: the same page as below.
_EC2_MEMORY = 4
#: More virtual CPUs and MiB than any instance has: what is above is a slip, or no number.
_EC2_PROCESSORS, _EC2_MOST_MEMORY = 9_999, 99_999_999

#: What memory, in MiB, Fargate offers for each number of virtual CPUs:
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html
FARGATE_MEMORY: dict[float, tuple[int, ...]] = {
    0.25: (512, 1024, 2048),
    0.5: tuple(range(1024, 4096 + 1, 1024)),
    1: tuple(range(2048, 8192 + 1, 1024)),
    2: tuple(range(4096, 16384 + 1, 1024)),
    4: tuple(range(8192, 30720 + 1, 1024)),
    8: tuple(range(16384, 61440 + 1, 4096)),
    16: tuple(range(32768, 122880 + 1, 8192)),
    32: (61440, 122880, 249856),
}


@functools.cache
def fargate_size(cpu: float, memory: int) -> tuple[float, int] | None:
    """The smallest size of Fargate that holds a container.

    Args:
        cpu: Virtual CPUs.
        memory: Memory in MiB.

    Returns:
        The size's virtual CPUs and memory, None if none is large enough. Fewest virtual CPUs come first.

    Example:
        >>> fargate_size(1, 1500)
        (1, 2048)
        >>> fargate_size(0.5, 6000)
        (1, 6144)
    """
    sizes = ((size, amount) for size, amounts in FARGATE_MEMORY.items() for amount in amounts)
    return next(((size, amount) for size, amount in sizes if size >= cpu and amount >= memory), None)


def ec2_size(cpu: float, memory: int) -> tuple[float, int] | None:
    """The size of a container on EC2: what it asks for.

    Args:
        cpu: Virtual CPUs.
        memory: Memory in MiB.

    Returns:
        Both, or None if the virtual CPUs are not whole, the memory is less than 4 MiB, or no instance has so much.

    Example:
        >>> ec2_size(3, 5000)
        (3, 5000)
    """
    whole = 1 <= cpu <= _EC2_PROCESSORS and cpu == int(cpu)
    return (cpu, memory) if whole and _EC2_MEMORY <= memory <= _EC2_MOST_MEMORY else None


def job_resources(cpu: float, memory: int, gpu: int = 0) -> dict[str, str]:
    """The resource requirements of a container, by their types, sorted.

    Args:
        cpu: Virtual CPUs.
        memory: Memory in MiB.
        gpu: GPUs.

    Example:
        >>> job_resources(0.25, 512)
        {'MEMORY': '512', 'VCPU': '0.25'}
    """
    return {**({"GPU": str(gpu)} if gpu else {}), "MEMORY": str(memory), "VCPU": f"{cpu:g}"}


def job_command(words: Sequence[str], workdir: str | None) -> list[str]:
    """The command of a container.

    Args:
        words: The words of the command.
        workdir: The working directory, None for the image's own.

    Example:
        >>> job_command(["python", "main.py"], None)
        ['python', 'main.py']
    """
    if workdir is None:
        return [*words]
    # Batch cannot be told a working directory. The words are arguments of the shell's, never part of its script.
    return ["sh", "-c", 'cd "$0" && exec "$@"', workdir, *words]
