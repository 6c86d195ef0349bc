"""Starts executions: once for an id, and never with other parameters than those of the first start.

Step Functions decides which of several starters with one id is the first. The parameters are in the input; or the input
has their commit, which names them by their digests in the datastore. So who comes second changes nothing.

If the flow declares types of its parameters, and their schema is short enough, the SSM parameter of the deployment has
it. Then parameters in JSON are checked here, before anything starts, without the flow's code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.causes.texts import parse_object
from laminar_runtime.deployed.clients import calls
from laminar_runtime.deployed.descriptions import title
from laminar_runtime.exceptions import DeploymentError, ExecutionError, FlowError, StartedBeforeError
from laminar_runtime.limits import MOST_TAGS, STATE_BYTES
from laminar_runtime.storage import runs
from laminar_runtime.storage.layout import STARTED_BY, STORED, TAGS

if TYPE_CHECKING:
    from laminar_runtime.deployed.deployment import Deployment

__all__ = ["Start", "refusal", "start", "start_or_read"]

#: The tags that each job has besides.
_OWN_TAGS = 3


@_records.frozen(kw_only=True)
class Start:
    """What an execution is started with.

    Args:
        parameters: The flow's parameters, as JSON values; None if they are in the datastore, or there are none.
        stored: The commit of the parameters in the datastore; None if they are not there.
        tags: Tags of the jobs of the execution.
        by: What starts it.
    """

    parameters: Mapping[str, Any] | None = None
    stored: Mapping[str, Any] | None = None
    tags: Mapping[str, str] = _records.field(factory=dict)
    by: str = _records.field(factory=runs.current_starter)

    def document(self) -> dict[str, Any]:
        """Return the input of the execution."""
        given: dict[str, Any] = {} if self.stored is None else {STORED: self.stored}
        if self.parameters is not None:
            given["parameters"] = dict(self.parameters)
        return {**given, **({TAGS: dict(self.tags)} if self.tags else {}), STARTED_BY: self.by}


def start(deployment: Deployment, execution: str, given: Start) -> None:
    """Start an execution with parameters in JSON, unless it was started before.

    Args:
        deployment: The deployment.
        execution: The execution's id.
        given: What it is started with.

    Raises:
        FlowError: If the parameters or the tags are not valid.
        StartedBeforeError: If it was started before with other parameters.
        DeploymentError: If it cannot be started.
    """
    before = start_or_read(deployment, execution, given)
    if before is None:
        return
    own = json.loads(json.dumps(given.document()))
    if STORED in before or own.get("parameters", {}) != before.get("parameters", {}):
        raise refusal(deployment.name, execution)


def refusal(name: str, execution: str) -> StartedBeforeError:
    """Return the error of a start with other parameters than those of the first one.

    Args:
        name: The name of the deployment, or of the flow.
        execution: The execution's id.
    """
    return StartedBeforeError(
        f"execution {execution} of '{name}' was started before with other parameters, which it keeps: resume it, or "
        "start an execution with another id"
    )


def start_or_read(deployment: Deployment, execution: str, given: Start) -> dict[str, Any] | None:
    """Start an execution, or read what it was started with before.

    Args:
        deployment: The deployment.
        execution: The execution's id.
        given: What it is started with.

    Returns:
        The input of the execution that was started before; None if this call started it.

    Raises:
        FlowError: If the parameters or the tags are not valid.
        DeploymentError: If it cannot be started.
    """
    written, client = _write(deployment, execution, given), deployment.client()
    with calls(f"{title(deployment, execution)} cannot be started", DeploymentError):
        try:
            client.start_execution(stateMachineArn=deployment.state_machine_arn, name=execution, input=written)
        except client.exceptions.ExecutionAlreadyExists:
            pass
        else:
            return None
    with calls(f"{title(deployment, execution)} was started before, and cannot be described", ExecutionError):
        described = client.describe_execution(executionArn=deployment.execution_arn(execution))
    return parse_object(described.get("input", "{}"))


def _write(deployment: Deployment, execution: str, given: Start) -> str:
    """Return the input of an execution as JSON, all problems at once."""
    flaws = [*_flaws(given.tags)] if given.tags else []
    flaws += _parameter_flaws(deployment.schema, given.parameters) if deployment.schema and given.stored is None else []
    written = ""
    try:
        written = json.dumps(given.document(), allow_nan=False)
    except (RecursionError, TypeError, ValueError) as error:
        flaws.append(f"its parameters are not JSON: {error}")
    if (size := len(written.encode())) > STATE_BYTES:
        flaws.append(f"its input has {size:,} bytes, but at most {STATE_BYTES:,} are allowed: pass a key")
    if flaws:
        raise FlowError(f"{title(deployment, execution)} cannot be started: {'; '.join(flaws)}")
    return written


def _parameter_flaws(schema: str, parameters: Mapping[str, Any] | None) -> list[str]:
    """Return what the flow would refuse of parameters, by the schema that its deployment has of them."""
    # Imported here, as other starts need no check.
    from laminar_runtime.inputs.json_schema import problems_of

    try:
        plain = json.loads(json.dumps(dict(parameters or {}), allow_nan=False))
    except (RecursionError, TypeError, ValueError):
        return []  # said already
    return problems_of(json.loads(schema), plain)


def _flaws(tags: Mapping[str, str]) -> Iterator[str]:
    """Yield what AWS Batch would refuse of tags."""
    # Imported here, as most starts have no tags.
    from laminar_runtime.configurations.container_texts import find_tag_flaw

    given: Mapping[Any, Any] = tags
    for name, text in given.items():
        if not (isinstance(name, str) and isinstance(text, str)):
            yield f"the tag {name!r} is {text!r}, not text"
        elif flaw := find_tag_flaw(name, text):
            yield flaw
    if len(tags) > MOST_TAGS - _OWN_TAGS:
        yield f"it has {len(tags)} tags, but a job has at most {MOST_TAGS}, {_OWN_TAGS} of which say what it is"
