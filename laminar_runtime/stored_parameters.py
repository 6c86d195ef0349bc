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
from laminar_runtime.storage.archives import Archive
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import STORED, input_key

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution
    from laminar_runtime.flow import Flow

__all__ = [
    "adopt",
    "convert",
    "convert_again",
    "differ",
    "link",
    "offer",
    "spell",
    "store",
    "take",
    "take_first",
    "take_input",
    "write",
]


def convert(flow: Flow, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Convert parameters to the types that a flow declares, and add defaults. Untyped parameters stay as they are.

    Args:
        flow: The flow.
        given: The parameters.

    Raises:
        FlowError: If parameters are missing, unknown, or of another type. The message names all of them.
    """
    if not flow.declared:
        return given
    # Imported here, so that a flow with untyped parameters does not need cattrs.
    from laminar_runtime.inputs import conversion
    from laminar_runtime.inputs.declarations import fields_of

    return conversion.convert(fields_of(flow.classes[Parameters.__name__], flow.name), given, flow.name)


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
    return adopt(execution, write(execution, artifacts))


def adopt(execution: Execution, commit: Commit) -> bool:
    """Commit parameters that were written, unless the execution has some. Of concurrent calls, one succeeds.

    Args:
        execution: The execution.
        commit: Their commit.

    Returns:
        Whether the execution has these parameters now.
    """
    key, ledger = execution.key(Parameters.__name__), execution.datastore.ledger
    return ledger.commit(key, index=0, commit=commit, fans_out=False) or _has(execution, commit)


def _has(execution: Execution, commit: Commit) -> bool:
    """Return whether the parameters of an execution are the same as written ones."""
    key, ledger = execution.key(Parameters.__name__), execution.datastore.ledger
    kept = ledger.attributes(key, index=0, record=None)
    return kept == commit.archives.keys() and all(
        ledger.read_archive(key, index=0, name=name) == archive for name, archive in commit.archives.items()
    )


def differ(execution: Execution, commit: Commit) -> bool:
    """Return whether an execution has other parameters than written ones. One without any has no others.

    Args:
        execution: The execution.
        commit: The commit of the written ones.
    """
    key, ledger = execution.key(Parameters.__name__), execution.datastore.ledger
    return ledger.read_record(key) is not None and not _has(execution, commit)


def spell(commit: Commit) -> dict[str, Any]:
    """Return the commit of parameters as the input of a state machine has it: with the digests of all of them.

    Args:
        commit: Their commit.
    """
    archives = {name: archive.plain() for name, archive in commit.archives.items() if isinstance(archive, Archive)}
    return {"attempt": commit.attempt, "archives": archives}


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
        DamagedError: If the input is not JSON, or its commit is damaged.
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
    take(execution, document)
    return True


def take(execution: Execution, document: Any) -> None:
    """Store the parameters that the input of a state machine has, unless the execution has parameters.

    Args:
        execution: The execution.
        document: The input.

    Raises:
        DamagedError: If its commit of parameters is damaged.
        FlowError: If it does not have the form ``{"parameters": {...}}``.
    """
    given = document.get("parameters", {}) if isinstance(document, dict) else None
    if not isinstance(given, dict):
        msg = (
            f'the input of execution {execution.id} does not have the form {{"parameters": {{...}}}}: start another '
            "execution with such an input"
        )
        raise FlowError(msg)
    if isinstance(document.get(STORED), dict):
        adopt(execution, _read_commit(execution, document[STORED]))
    else:
        offer(execution, given)


def _read_commit(execution: Execution, document: Mapping[str, Any]) -> Commit:
    """Return the commit of parameters that the input of a state machine has."""
    try:
        return Commit.parse(document, None)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        msg = f"the input of execution {execution.id} is damaged: its '{STORED}' lacks {error}"
        raise DamagedError(msg) from error


def take_first(execution: Execution, layer: str) -> None:
    """Take the input before a layer that no layer precedes: wrong parameters of typed flows fail the first job.

    Args:
        execution: The execution.
        layer: The layer's name.

    Raises:
        DamagedError: If the input is not JSON.
        FlowError: If parameters are missing, unknown, or of another type.
    """
    flow = execution.flow
    if flow.declared and flow.dependencies_of(layer) <= {Parameters.__name__}:
        take_input(execution)


def convert_again(execution: Execution) -> None:
    """Convert the stored parameters of an execution to the types that its flow declares now, before a resume.

    Args:
        execution: The execution.

    Raises:
        FlowError: If they do not fit: a parameter is new and required, or has another type now.
    """
    flow, key, ledger = execution.flow, execution.key(Parameters.__name__), execution.datastore.ledger
    if not flow.declared or ledger.read_record(key) is None or execution.finished:
        return
    # Imported here, as for `convert`.
    from laminar_runtime.inputs.declarations import fields_of

    layer, stored = execution.layer(Parameters), ledger.attributes(key, index=0, record=None)
    names = [field.name for field in fields_of(flow.classes[layer.name], flow.name) if field.name in stored]
    try:
        converted = convert(flow, {name: getattr(layer, name) for name in names})
    except FlowError as error:
        fix = f"give others with flow.execution('{execution.id}').parameters(...), then resume it"
        raise FlowError(
            f"execution {execution.id} cannot be resumed with the parameters of its start: {error}. {fix}"
        ) from None
    if not offer(execution, converted):
        _replace(execution, converted)


def _replace(execution: Execution, artifacts: Mapping[str, Any]) -> None:
    commit = write(execution, artifacts)
    execution.datastore.ledger.write_record(execution.key(Parameters.__name__), splits=1, commit=commit)


def write(execution: Execution, artifacts: Mapping[str, Any]) -> Commit:
    """Write the values of parameters, and return their commit, which is not stored yet.

    Args:
        execution: The execution.
        artifacts: The parameters.

    Raises:
        FlowError: If the name of a parameter is reserved, or a parameter does not fit what the flow declares.
    """
    flow, artifacts = execution.flow_name, convert(execution.flow, artifacts)
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
