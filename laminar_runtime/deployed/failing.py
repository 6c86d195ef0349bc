"""Why an execution of a deployed flow did not succeed: as data, and as the error of a wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from laminar_runtime.causes.texts import is_refused
from laminar_runtime.exceptions import AbortedError, ExecutionError, ExecutionFailedError, TimeLimitError

if TYPE_CHECKING:
    from laminar_runtime.deployed.deployment import Deployment
    from laminar_runtime.failures.record import Failures

__all__ = ["SHOWN", "error_of", "read_failures", "resume_command"]

#: How many failures an error has.
SHOWN = 10


def read_failures(  # noqa: PLR0913 - what is asked of whom
    deployment: Deployment,
    execution: str,
    described: Any,
    flow: str = "",
    most: int = SHOWN,
    *,
    only: tuple[str, int | None] = ("", None),
) -> Failures:
    """Return why an execution that has ended did not succeed.

    Args:
        deployment: The deployment.
        execution: The execution's id.
        described: Its description.
        flow: The flow's name; empty if unknown.
        most: How many failures are read. All are counted.
        only: The layer and the index of the split that are asked for; empty and None for all.
    """
    from laminar_runtime.causes.executions import Reader
    from laminar_runtime.causes.objects import S3Objects
    from laminar_runtime.storage.failures import Only

    flows = (flow,) if flow and not deployment.flows else deployment.flows
    objects = S3Objects(deployment.clients("s3"), deployment.datastore_root)
    reader = Reader(deployment.clients, objects, execution, flows, most, only=Only(*only))
    error, cause = described.get("error", ""), described.get("cause", "")
    return reader.read(described["executionArn"], described["status"], error, cause)


def error_of(deployment: Deployment, execution: str, described: Any, flow: str = "") -> ExecutionError:
    """Return the error of an execution that did not succeed.

    Args:
        deployment: The deployment.
        execution: The execution's id.
        described: Its description.
        flow: The flow's name; empty if unknown.
    """
    from laminar_runtime.causes.time_limits import find_time_limit
    from laminar_runtime.failures.console import execution_link

    arn, status = described["executionArn"], described["status"]
    failures, link = read_failures(deployment, execution, described, flow), execution_link(arn)
    if (limited := find_time_limit(deployment.client(), arn)) is not None:
        parts = (_limit_message(deployment.name, execution, *limited), str(failures), link)
        error = TimeLimitError("\n".join(filter(None, parts)))
        error.failures = failures
        return error
    # The first line is what a log shows: it has the first failure.
    reasons = str(failures) if failures.shown[0].layer else str(failures).partition(": ")[2]
    fix = f"Resume it with: {resume_command(deployment.name, execution)}"
    if is_refused(described.get("error", ""), described.get("cause", "")) or _refuses(failures, deployment):
        fix = "Start another one, with other parameters and another id: this one keeps its own, so no resume helps"
    lines = (f"execution {execution} of '{deployment.name}' ended {status}: {reasons}", link, fix)
    kind = AbortedError if status == "ABORTED" else ExecutionFailedError
    return kind("\n".join(filter(None, lines)), execution=execution, status=status, failures=failures, link=link)


def _refuses(failures: Failures, deployment: Deployment) -> bool:
    """Return whether the first job has refused parameters: of a chain, that of the first flow, which gets the input."""
    first = {"", *deployment.flows[:1]} if deployment.flows else {one.flow for one in failures}
    return any(one.flow in first and is_refused(one.error_class, one.reason) for one in failures)


def _limit_message(name: str, execution: str, arn: str, seconds: int | None) -> str:
    within = "in time" if seconds is None else f"within {seconds} seconds, the timeout of the flow"
    return (
        f"execution {execution} of '{name}' did not end {within}, and its layers were stopped: {arn} timed "
        "out. If it needs more time, give the flow more, Flow(timeout=...), and deploy it again. Then resume it "
        f"with {resume_command(name, execution)}, which has the whole time again"
    )


def resume_command(name: str, execution: str) -> str:
    """Return the command that resumes an execution.

    Args:
        name: The name of the deployment.
        execution: The execution's id.
    """
    import shlex

    return f"laminar resume {shlex.quote(name)} {execution}"
