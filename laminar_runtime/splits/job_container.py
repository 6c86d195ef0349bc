"""What AWS Batch is told of a container: the same whether a job definition says it or a job overrides it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from laminar_runtime.limits import JOB_ATTEMPTS

__all__ = [
    "EC2_MEMORY",
    "FARGATE_MEMORY",
    "FINAL",
    "SPOT_ATTEMPTS",
    "STARTS",
    "ec2_size",
    "fargate_size",
    "job_command",
    "job_resources",
    "retry_strategy",
]

#: The least memory of a job on EC2 in MiB: the same page as below.
EC2_MEMORY = 4
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

#: How often the container of a job is started at most until it runs, and how often on spot capacity, which may be taken
#: back: as often as AWS Batch allows.
STARTS, SPOT_ATTEMPTS = 4, JOB_ATTEMPTS
#: The exit code of a task whose layer failed and has no attempt left.
FINAL = 79
_FINAL = {"onExitCode": str(FINAL), "action": "EXIT"}
#: The end of a container that ran, as AWS Batch tells it.
_RAN = {"onStatusReason": "Essential container in task exited*", "action": "EXIT"}
#: How it tells of an image that is not there, or that may not be had: on Fargate, after one try in former versions and
#: after seven now, and on EC2. A pull that timed out has another number of tries, or other words. A pattern is the
#: beginning of a text, and cannot hold brackets or apostrophes, so what newer agents on EC2 say cannot be told apart.
#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
_NO_IMAGE = [
    {"onReason": f"CannotPullContainerError: {beginning}*", "action": "EXIT"}
    for beginning in (
        "pull image manifest has been retried 1",
        "pull image manifest has been retried 7",
        "Error response from daemon: manifest",
        "Error response from daemon: pull access denied",
    )
]


def retry_strategy(*, spot: bool, attempts: int = 1) -> dict[str, Any]:
    """When AWS Batch runs a job again by itself: if its container did not run, or was taken away.

    The rules name the other ends, of which there are few: a container that ran to its end, and an image that is not
    there. After any end that no rule names a job is run again, such as a network interface that was not made, a pull
    that timed out, a host that was lost, spot capacity that was taken back:
    https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html

    Args:
        spot: Whether it runs on spot capacity.
        attempts: How often Batch is to run it if it fails by itself. Batch has one count for all reasons, so there are
            more starts than that; the task counts its attempts, and ends with `FINAL` when none is left.

    Returns:
        The strategy, as the API of AWS Batch takes it.

    Example:
        >>> retry_strategy(spot=False)["attempts"], retry_strategy(spot=False)["evaluateOnExit"][0]
        (4, {'onStatusReason': 'Essential container in task exited*', 'action': 'EXIT'})
        >>> retry_strategy(spot=False, attempts=3)["attempts"], retry_strategy(spot=True, attempts=3)["attempts"]
        (6, 10)
    """
    if attempts == 1:
        return {"attempts": SPOT_ATTEMPTS if spot else STARTS, "evaluateOnExit": [_RAN, *_NO_IMAGE]}
    starts = SPOT_ATTEMPTS if spot else min(attempts + STARTS - 1, SPOT_ATTEMPTS)
    return {"attempts": starts, "evaluateOnExit": [_FINAL, *_NO_IMAGE]}


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
    return (cpu, memory) if whole and EC2_MEMORY <= memory <= _EC2_MOST_MEMORY else None


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
    return [*_IN_FOLDER, workdir, *words]


#: How a shell runs words in a folder, the first of them.
_IN_FOLDER = ("sh", "-c", 'cd "$0" && exec "$@"')


def without_workdir(words: Sequence[str]) -> Sequence[str]:
    """The command of a container where the image's working directory has another place.

    Args:
        words: The words of `job_command`.

    Example:
        >>> without_workdir(job_command(["python", "main.py"], "/app"))
        ['python', 'main.py']
    """
    start = len(_IN_FOLDER)
    return words[start + 1 :] if tuple(words[:start]) == _IN_FOLDER else words
