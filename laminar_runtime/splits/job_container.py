"""The container of an AWS Batch job, in the form that job definitions and overrides share."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Sequence
from typing import Any

from laminar_runtime.configurations.containers import DEFAULT_WORKDIR, Container
from laminar_runtime.configurations.failures import FINAL, OUT_OF_MEMORY, RECLAIMED, TIMED_OUT
from laminar_runtime.exceptions import LayerError
from laminar_runtime.limits import EXIT_RULES, JOB_ATTEMPTS

__all__ = [
    "EC2_MEMORY",
    "FARGATE_MEMORY",
    "SPOT_ATTEMPTS",
    "STARTS",
    "deployed_size",
    "ec2_size",
    "fargate_size",
    "job_command",
    "job_overrides",
    "job_resources",
    "retry_strategy",
    "rules_on",
]

#: The least memory of a job on EC2 in MiB. The source is the same as below.
EC2_MEMORY = 4
#: More virtual CPUs and MiB than any instance has. A larger number is a mistake.
_EC2_PROCESSORS, _EC2_MOST_MEMORY = 9_999, 99_999_999

#: The memory sizes in MiB that Fargate offers for each number of virtual CPUs:
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

#: The most starts of a job whose container does not run; and the most on spot capacity, which AWS may reclaim: the
#: maximum of AWS Batch.
STARTS, SPOT_ATTEMPTS = 4, JOB_ATTEMPTS
_FINAL = {"onExitCode": str(FINAL), "action": "EXIT"}
#: The status reason of a container that ran to its end.
_RAN = {"onStatusReason": "Essential container in task exited*", "action": "EXIT"}
#: The reasons for an image that does not exist or must not be pulled: on Fargate after one try (earlier versions) or
#: seven tries (now), and on EC2. A pull that timed out has another number of tries, or another text. A pattern matches
#: the beginning of a text, and cannot contain brackets or apostrophes, so it cannot match the texts of newer agents:
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


def retry_strategy(*, spot: bool, attempts: int = 1, on: Sequence[object] = (), ec2: bool = False) -> dict[str, Any]:
    """Return the retry strategy of a job: AWS Batch starts it again if its container did not run or was taken away.

    The rules name the few ends after which it does not: a container that ran to its end, and an image that does not
    exist. After any other end the job is started again, for example after a missing network interface, a pull that
    timed out, a lost host, or reclaimed spot capacity:
    https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html

    Args:
        spot: Whether the job runs on spot capacity.
        attempts: The attempts of AWS Batch if the layer itself fails. AWS Batch has one count for all reasons, so it
            makes more starts than that. The task counts its own attempts, and ends with `FINAL` when none is left.
        on: The failures of the layer after which it runs again, as in `Retry.on`; empty for all.
        ec2: Whether the job runs on EC2.

    Returns:
        The retry strategy for the API of AWS Batch.

    Example:
        >>> retry_strategy(spot=False)["attempts"], retry_strategy(spot=False)["evaluateOnExit"][0]
        (4, {'onStatusReason': 'Essential container in task exited*', 'action': 'EXIT'})
        >>> retry_strategy(spot=False, attempts=3)["attempts"], retry_strategy(spot=True, attempts=3)["attempts"]
        (6, 10)
    """
    if attempts == 1:
        return {"attempts": SPOT_ATTEMPTS if spot else STARTS, "evaluateOnExit": [_RAN, *_NO_IMAGE]}
    starts = SPOT_ATTEMPTS if spot else min(attempts + STARTS - 1, SPOT_ATTEMPTS)
    rules = rules_on(on, spot=spot, ec2=ec2) if on else [_FINAL]
    return {"attempts": starts, "evaluateOnExit": [*rules, *_NO_IMAGE][:EXIT_RULES]}


def rules_on(on: Sequence[object], *, spot: bool, ec2: bool) -> list[dict[str, str]]:
    """Return the rules by which AWS Batch starts a job again after some failures of its layer. The first match decides.

    After an error that is not among the failures, the task ends with `FINAL`, after one of them with 1. A container
    that never ran is started again in any case, and so is one whose spot capacity was reclaimed.

    Args:
        on: The failures, as in `Retry.on`.
        spot: Whether the job runs on spot capacity.
        ec2: Whether the job runs on EC2: its host may be lost.

    Returns:
        The rules. They may be more than AWS Batch accepts.
    """
    codes = [item for item in on if isinstance(item, int)]
    classes = any(isinstance(item, type) for item in on)
    codes = list(dict.fromkeys([*codes, 1] if classes else codes))
    again = [{"onExitCode": str(code), "action": "RETRY"} for code in codes]
    memory = [{"onReason": "OutOfMemoryError*", "action": "RETRY"}] if OUT_OF_MEMORY in on else []
    late = [] if TIMED_OUT in on else [{"onStatusReason": "Job attempt duration exceeded timeout*", "action": "EXIT"}]
    # The texts of lost hosts have brackets, which no pattern has.
    lost = [] if spot or not ec2 or RECLAIMED in on else [{"onStatusReason": "Host EC2*", "action": "EXIT"}]
    return [*late, *memory, *again, _RAN, *lost]


@functools.cache
def fargate_size(cpu: float, memory: int) -> tuple[float, int] | None:
    """Return the smallest size of Fargate for a container: first with the fewest virtual CPUs, then the least memory.

    Args:
        cpu: Virtual CPUs.
        memory: Memory in MiB.

    Returns:
        The size's virtual CPUs and memory; None if no size is large enough.

    Example:
        >>> fargate_size(1, 1500)
        (1, 2048)
        >>> fargate_size(0.5, 6000)
        (1, 6144)
    """
    sizes = ((size, amount) for size, amounts in FARGATE_MEMORY.items() for amount in amounts)
    return next(((size, amount) for size, amount in sizes if size >= cpu and amount >= memory), None)


def ec2_size(cpu: float, memory: int) -> tuple[float, int] | None:
    """Return the size of a container on EC2, which is what it requests.

    Args:
        cpu: Virtual CPUs.
        memory: Memory in MiB.

    Returns:
        Both; None if the virtual CPUs are not whole, the memory is below 4 MiB, or no instance is large enough.

    Example:
        >>> ec2_size(3, 5000)
        (3, 5000)
    """
    whole = 1 <= cpu <= _EC2_PROCESSORS and cpu == int(cpu)
    return (cpu, memory) if whole and EC2_MEMORY <= memory <= _EC2_MOST_MEMORY else None


def deployed_size(container: Container, platform: str) -> tuple[float, int]:
    """Return the size of a deployed job.

    Args:
        container: Its container.
        platform: ``FARGATE`` or ``EC2``.

    Raises:
        LayerError: If the platform has no such size.
    """
    if platform == "EC2":
        size, offer = ec2_size(container.cpu, container.memory), "EC2 needs whole vCPUs"
    else:
        size, most = fargate_size(container.cpu, container.memory), max(FARGATE_MEMORY)
        offer = f"Fargate offers at most {most:g} vCPU / {FARGATE_MEMORY[most][-1]} MiB"
    if size is None:
        raise LayerError(f"requests {container.cpu:g} vCPU / {container.memory} MiB: {offer}")
    return size


def job_overrides(container: Container, size: tuple[float, int]) -> dict[str, Any]:
    """Return what a job overrides of its container, as the state machine submits it.

    Args:
        container: The container.
        size: The job's size.
    """
    workdir = None if container.workdir == DEFAULT_WORKDIR else container.workdir
    resources = job_resources(*size, container.gpu)
    return {
        "command": job_command(shlex.split(container.command), workdir),
        "resources": [{"Type": kind, "Value": value} for kind, value in resources.items()],
    }


def job_resources(cpu: float, memory: int, gpu: int = 0) -> dict[str, str]:
    """Return the resource requirements of a container by their types, sorted.

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
    """Return the command of a container.

    Args:
        words: The words of the command.
        workdir: The working directory; None for that of the image.

    Example:
        >>> job_command(["python", "main.py"], None)
        ['python', 'main.py']
    """
    if workdir is None:
        return [*words]
    # AWS Batch has no setting for a working directory. The words are arguments of the shell, not part of its script.
    return [*_IN_FOLDER, workdir, *words]


#: The shell command that changes to a folder, its first argument, and runs the other arguments.
_IN_FOLDER = ("sh", "-c", 'cd "$0" && exec "$@"')


def without_workdir(words: Sequence[str]) -> Sequence[str]:
    """Return the words of a command without the change of the working directory.

    Args:
        words: The words that `job_command` returned.

    Example:
        >>> without_workdir(job_command(["python", "main.py"], "/app"))
        ['python', 'main.py']
    """
    start = len(_IN_FOLDER)
    return words[start + 1 :] if tuple(words[:start]) == _IN_FOLDER else words
