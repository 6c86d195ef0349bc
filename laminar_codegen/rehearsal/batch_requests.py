"""What a SubmitJob request means together with its job definition, checked as Batch checks it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs

from laminar_codegen.limits import ARRAY_CHILDREN, JOB_ATTEMPTS, JOB_TIMEOUT
from laminar_runtime.limits import SCHEDULING_PRIORITY
from laminar_runtime.splits.job_container import EC2_MEMORY, FARGATE_MEMORY

MINIMUM_TIMEOUT_SECONDS = JOB_TIMEOUT[0]
FARGATE = "FARGATE"
#: The tag of a queue that is made for a rehearsal: its first job decides whether it has a fair-share policy.
UNDECIDED = "laminar:undecided"
#: In place of a platform: it is not known, and sizes that one of them has are taken.
ANY = "ANY"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_ARRAY_SIZES = range(ARRAY_CHILDREN[0], ARRAY_CHILDREN[1] + 1)
_ATTEMPTS = range(1, JOB_ATTEMPTS + 1)
_MAX_RULES = 5
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
_CONDITIONS = {
    "onExitCode": re.compile(r"(?=.{1,512}$)[0-9]*\*?"),
    "onReason": re.compile(r"(?=.{1,512}$)[0-9A-Za-z.:\s]*\*?", re.DOTALL),
    "onStatusReason": re.compile(r"(?=.{1,512}$)[0-9A-Za-z.:\s]*\*?", re.DOTALL),
}
_MAX_DEPENDENCIES = 20
_SHARE = re.compile(r"[A-Za-z0-9]{1,255}\*?")
_PRIORITIES = range(SCHEDULING_PRIORITY[0], SCHEDULING_PRIORITY[1] + 1)
_MAX_REQUEST_BYTES = 30 * 1024
_RESERVED_PREFIX = "AWS_BATCH"
_REFERENCE = "Ref::"
_MIB_OF_FARGATE = {f"{cpu:g}": amounts for cpu, amounts in FARGATE_MEMORY.items()}

Json = Mapping[str, Any]
DependencyType = Literal["N_TO_N", "SEQUENTIAL"]


class RefusedError(Exception):
    """What AWS Batch refuses with a ClientException."""


@attrs.frozen
class ExitRule:
    """One rule of evaluateOnExit; a condition that is not given holds."""

    retry: bool
    exit_code: str = "*"
    reason: str = "*"
    status_reason: str = "*"

    def matches(self, exit_code: int | None, reason: str | None, status_reason: str) -> bool:
        """Whether an attempt's end fulfils all conditions."""
        return (
            _glob(self.exit_code, "" if exit_code is None else str(exit_code))
            and _glob(self.reason, reason or "")
            and _glob(self.status_reason, status_reason)
        )


@attrs.frozen
class RetryStrategy:
    """How often a job is tried, and after which ends."""

    attempts: int = 1
    rules: tuple[ExitRule, ...] = ()

    def retries(self, attempt: int, exit_code: int | None, reason: str | None, status: str) -> bool:
        """Whether another attempt follows a failed one.

        The first rule that matches decides; without a match there is another attempt.
        """
        if attempt >= self.attempts:
            return False
        matching = (rule.retry for rule in self.rules if rule.matches(exit_code, reason, status))
        return next(matching, True)


@attrs.frozen
class Dependency:
    """A job to wait for; without an id: an array job's own preceding child."""

    job_id: str | None
    kind: DependencyType | None


@attrs.frozen
class Queue:
    """Where a job was submitted to."""

    arn: str
    name: str
    compute_environment: str
    #: Whether it has a fair-share policy, None if that is not known.
    fair_share: bool | None = None


@attrs.frozen(kw_only=True)
class JobRequest:
    """A checked request. `shown` is what DescribeJobs shows of it besides what happened."""

    name: str
    definition: str
    queue: Queue
    account: str
    region: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    retry: RetryStrategy
    timeout: int | None
    array_size: int | None
    dependencies: tuple[Dependency, ...]
    container: Json
    overrides: Json
    shown: Json


def _check_share(queue: Queue, share: str | None, priority: int | None) -> None:
    """Refuse a share on a queue without a fair-share policy, and a job without a share or a priority on one with it.

    The message about priorities is that of AWS: https://github.com/hashicorp/terraform-provider-aws/issues/31226
    """
    if queue.fair_share is None:
        return
    if share is not None and not _SHARE.fullmatch(share):
        raise RefusedError(f"A share identifier has up to 255 letters and digits: {share!r}")
    if share is not None and not queue.fair_share:
        raise RefusedError(f"Job queue {queue.name} has no scheduling policy, and takes no share identifier")
    if share is None and queue.fair_share:
        raise RefusedError(f"Job queue {queue.name} has a scheduling policy: a share identifier is required")
    if share is not None and priority is None:
        raise RefusedError("Either schedulingPriority in job definition or schedulingPriorityOverride is required.")
    if priority is not None and priority not in _PRIORITIES:
        raise RefusedError(f"A scheduling priority is from 0 to {_PRIORITIES[-1]}, not {priority}")


def make_request(submitted: Json, definition: Json, queue: Queue, *, account: str, region: str) -> JobRequest:
    """Combine a SubmitJob request with the described job definition that it names."""
    if len(json.dumps(submitted)) > _MAX_REQUEST_BYTES:
        raise RefusedError(f"A request has at most {_MAX_REQUEST_BYTES} bytes")
    overrides = submitted.get("containerOverrides") or {}
    container = _merge_container(definition, overrides)
    parameters = {**definition.get("parameters", {}), **(submitted.get("parameters") or {})}
    retry = submitted.get("retryStrategy") or definition.get("retryStrategy") or {}
    timeout = submitted.get("timeout") or definition.get("timeout") or {}
    check_retry(retry)
    check_timeout(timeout)
    priority = submitted.get("schedulingPriorityOverride", definition.get("schedulingPriority"))
    _check_share(queue, submitted.get("shareIdentifier"), priority)
    shown = {
        "jobDefinition": definition["jobDefinitionArn"],
        "jobQueue": queue.arn,
        "dependsOn": submitted.get("dependsOn") or [],
        "parameters": parameters,
        "tags": submitted.get("tags") or {},
        "propagateTags": bool(submitted.get("propagateTags", definition.get("propagateTags") or False)),
        "platformCapabilities": definition.get("platformCapabilities") or [],
        "retryStrategy": {"attempts": 1, "evaluateOnExit": [], **retry},
        **({"timeout": timeout} if timeout else {}),
        **({"shareIdentifier": submitted["shareIdentifier"]} if "shareIdentifier" in submitted else {}),
        **({"schedulingPriority": priority} if priority is not None else {}),
    }
    return JobRequest(
        name=check_name(submitted.get("jobName"), "Job name"),
        definition=definition["jobDefinitionName"],
        queue=queue,
        account=account,
        region=region,
        command=substitute(container["command"], parameters),
        environment={entry["name"]: entry["value"] for entry in container["environment"]},
        retry=_retry_strategy(retry),
        timeout=timeout.get("attemptDurationSeconds"),
        array_size=_array_size(submitted.get("arrayProperties") or {}),
        dependencies=_dependencies(submitted.get("dependsOn") or []),
        container=container,
        overrides=overrides,
        shown=shown,
    )


def check_name(name: Any, what: str) -> str:
    """Return a job's or a job definition's name."""
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise RefusedError(
            f"{what} should match valid pattern: a letter or number first, up to 128 letters, "
            f"numbers, hyphens and underscores: {name!r}"
        )
    return name


def check_environment(entries: Sequence[Json]) -> None:
    """Variables are pairs of text; one prefix is reserved."""
    for entry in entries:
        name, value = entry.get("name"), entry.get("value")
        if not isinstance(name, str) or not isinstance(value, str):
            raise RefusedError(f"Environment variables must be text: {dict(entry)}")
        if name.startswith(_RESERVED_PREFIX):
            raise RefusedError(f"Environment variables cannot start with {_RESERVED_PREFIX}: {name}")


def check_resources(requirements: Sequence[Json], capabilities: Sequence[str]) -> None:
    """Check what a container asks for, together with what a submission overrides of it."""
    wanted = {}
    for requirement in requirements:
        if not isinstance(requirement.get("value"), str):
            raise RefusedError(f"Resource requirements must be text: {dict(requirement)}")
        wanted[requirement["type"]] = requirement["value"]
    if FARGATE in capabilities:
        _check_size(wanted)
    elif ANY not in capabilities:
        _check_numbers(wanted)


def _check_size(wanted: Mapping[str, str]) -> None:
    if "GPU" in wanted:
        raise RefusedError("GPUs are not available on Fargate")
    vcpu, memory = wanted.get("VCPU"), wanted.get("MEMORY")
    offered = _MIB_OF_FARGATE.get(_shortest(vcpu or ""), ())
    if memory is None or not memory.isdecimal() or int(memory) not in offered:
        raise RefusedError(f"Fargate resource requirements ({vcpu} vCPU, {memory} MiB) not valid.")


def _shortest(number: str) -> str:
    """`1.0` and `1` are the same number of processors."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def _check_numbers(wanted: Mapping[str, str]) -> None:
    for kind, minimum in (("VCPU", 1), ("MEMORY", EC2_MEMORY), ("GPU", 1)):
        value = wanted.get(kind)
        if value is not None and not (_shortest(value).isdecimal() and int(_shortest(value)) >= minimum):
            raise RefusedError(f"{kind} must be a whole number of at least {minimum} on EC2, not {value}")


def check_retry(strategy: Json) -> None:
    """Between 1 and 10 attempts, at most 5 rules."""
    attempts = strategy.get("attempts", 1)
    if attempts not in _ATTEMPTS:
        raise RefusedError(f"Retry attempts must be between 1 and 10, not {attempts}")
    rules = strategy.get("evaluateOnExit") or []
    if len(rules) > _MAX_RULES:
        raise RefusedError(f"evaluateOnExit takes at most {_MAX_RULES} rules, not {len(rules)}")
    if rules and "attempts" not in strategy:
        raise RefusedError("evaluateOnExit needs attempts")
    for rule in rules:
        if str(rule.get("action")).upper() not in ("RETRY", "EXIT"):
            raise RefusedError(f"The action of evaluateOnExit must be RETRY or EXIT: {rule}")
        for name, pattern in _CONDITIONS.items():
            if pattern.fullmatch(rule.get(name, "*")) is None:
                raise RefusedError(f"{name} of evaluateOnExit takes other texts than {rule[name]!r}")


def check_timeout(timeout: Json) -> None:
    """At least a minute."""
    seconds = timeout.get("attemptDurationSeconds")
    if seconds is not None and seconds < MINIMUM_TIMEOUT_SECONDS:
        raise RefusedError(f"attemptDurationSeconds must be at least {MINIMUM_TIMEOUT_SECONDS}, not {seconds}")


def substitute(command: Sequence[str], parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Fill `Ref::name` words; a reference without a parameter stays as it is."""
    return tuple(
        parameters.get(word.removeprefix(_REFERENCE), word) if word.startswith(_REFERENCE) else word for word in command
    )


def _merge_container(definition: Json, overrides: Json) -> dict[str, Any]:
    container = dict(definition.get("containerProperties") or {})
    check_environment(overrides.get("environment") or [])
    container["command"] = overrides.get("command") or container.get("command") or []
    container["environment"] = _by_key(container, overrides, "environment", "name")
    container["resourceRequirements"] = _by_key(container, overrides, "resourceRequirements", "type")
    check_resources(container["resourceRequirements"], definition.get("platformCapabilities") or [])
    return container


def _by_key(below: Json, above: Json, field: str, key: str) -> list[Json]:
    entries = [*(below.get(field) or []), *(above.get(field) or [])]
    return list({entry[key]: entry for entry in entries}.values())


def _retry_strategy(strategy: Json) -> RetryStrategy:
    return RetryStrategy(
        strategy.get("attempts", 1),
        tuple(
            ExitRule(
                rule["action"].upper() == "RETRY",
                rule.get("onExitCode", "*"),
                rule.get("onReason", "*"),
                rule.get("onStatusReason", "*"),
            )
            for rule in strategy.get("evaluateOnExit") or []
        ),
    )


def _array_size(properties: Json) -> int | None:
    size: int | None = properties.get("size")
    if size is not None and size not in _ARRAY_SIZES:
        raise RefusedError(f"Array size must be between {_ARRAY_SIZES.start} and {_ARRAY_SIZES[-1]}, not {size}")
    return size


def _dependencies(entries: Sequence[Json]) -> tuple[Dependency, ...]:
    if len(entries) > _MAX_DEPENDENCIES:
        raise RefusedError(f"A job depends on at most {_MAX_DEPENDENCIES} jobs")
    return tuple(Dependency(entry.get("jobId"), entry.get("type")) for entry in entries)


def _glob(pattern: str, text: str) -> bool:
    """Batch's globs: exact, or a prefix before a trailing asterisk."""
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
