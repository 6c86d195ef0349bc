"""The parameters of an execution in its datastore: stored once, by a call, a linker or the input of a state machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime.exceptions import DamagedError, ExecutionError, FlowError, MissingError
from laminar_runtime.identifiers import check_execution_id, new_attempt
from laminar_runtime.introspection import naming
from laminar_runtime.introspection.attributes import quote, refusal
from laminar_runtime.layer import Parameters
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import input_key

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = ["link", "offer", "store", "take_input"]


def store(execution: Execution, artifacts: Mapping[str, Any]) -> None:
    """Store the parameters of an execution, in place of others if it has not finished.

    Args:
        execution: The execution.
        artifacts: The parameters.

    Raises:
        FlowError: If the name of a parameter is reserved, or the id is not valid.
        ExecutionError: If the execution has finished with other parameters.
    """
    if offer(execution, artifacts):
        return
    if execution.finished:
        where = f"execution {execution.id} of flow '{execution.flow_name}'"
        raise ExecutionError(f"{where} has finished with other parameters: run the flow with another id")
    _replace(execution, artifacts)


def offer(execution: Execution, artifacts: Mapping[str, Any]) -> bool:
    """Store the parameters of an execution, unless it has some. Of concurrent calls, one succeeds.

    Args:
        execution: The execution.
        artifacts: The parameters.

    Returns:
        Whether the execution has these parameters now.

    Raises:
        FlowError: If the name of a parameter is reserved, or the id is not valid.
    """
    check_execution_id(execution.key("").execution)
    key, ledger = execution.key(Parameters.__name__), execution.datastore.ledger
    commit = _write(execution, artifacts)
    if ledger.commit(key, index=0, commit=commit, fans_out=False):
        return True
    kept = ledger.attributes(key, index=0, record=None)
    return kept == commit.archives.keys() and all(
        ledger.read_archive(key, index=0, name=name) == archive for name, archive in commit.archives.items()
    )


def link(execution: Execution, artifacts: Mapping[str, Any]) -> None:
    """Store the parameters that a linker made. A resume replaces those of the last run.

    Args:
        execution: The execution.
        artifacts: The parameters.

    Raises:
        FlowError: If the name of a parameter is reserved, or the id is not valid.
    """
    if not offer(execution, artifacts) and execution.retry and not execution.finished:
        _replace(execution, artifacts)


def take_input(execution: Execution) -> bool:
    """Store the input of the state machine as parameters, unless the execution has parameters.

    Args:
        execution: The execution.

    Returns:
        Whether there was an input.

    Raises:
        DamagedError: If the input is not JSON.
        FlowError: If the input does not have the form ``{"parameters": {...}}``.
    """
    key, datastore = execution.key(Parameters.__name__), execution.datastore
    if datastore.ledger.read_record(key) is not None:
        return False
    try:
        content = datastore.read_input(key.flow, key.execution)
    except MissingError:
        return False
    try:
        document = json.loads(content)
    except (RecursionError, ValueError) as error:
        place = datastore.uri(path=input_key(key.flow, key.execution))
        msg = f"{place} is damaged: it is not JSON ({error}). Start another execution with the same input"
        raise DamagedError(msg) from error
    given = document.get("parameters", {}) if isinstance(document, dict) else None
    if not isinstance(given, dict):
        msg = (
            f'the input of execution {execution.id} does not have the form {{"parameters": {{...}}}}: start another '
            "execution with such an input"
        )
        raise FlowError(msg)
    offer(execution, given)
    return True


def _replace(execution: Execution, artifacts: Mapping[str, Any]) -> None:
    commit = _write(execution, artifacts)
    execution.datastore.ledger.write_record(execution.key(Parameters.__name__), splits=1, commit=commit)


def _write(execution: Execution, artifacts: Mapping[str, Any]) -> Commit:
    """Write the values of parameters, and return their commit, which is not stored yet."""
    flow = execution.flow_name
    for name in sorted(artifacts):
        if (reason := naming.flaw(name)) is not None:
            raise FlowError(f"flow '{flow}' cannot have the parameter {quote(name)}: the name {reason}")
    if reserved := [name for name in sorted(artifacts) if refusal(Parameters, name) is not None]:
        raise FlowError(f"flow '{flow}' cannot have parameters with reserved names: {', '.join(reserved)}. Rename them")
    key, attempt = execution.key(Parameters.__name__), new_attempt(1)
    archives = {
        name: execution.datastore.write(key, index=0, name=name, values=[value], sharded=False, attempt=attempt)
        for name, value in artifacts.items()
    }
    return Commit(attempt, archives)
