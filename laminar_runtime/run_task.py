"""Runs a task in an AWS Lambda function made of the flow's own image: of layers whose executor is `AWS.Lambda`.

The state machine invokes the function for each task. Its `handler` starts the container's command with the environment
that a job of AWS Batch would have, so the same code runs the layer.
"""

from __future__ import annotations

import os
import signal
import uuid
from typing import TYPE_CHECKING, Any

from laminar_runtime import container_command, task_environment, types
from laminar_runtime.exceptions import TaskError
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.task_environment import TaskContext

if TYPE_CHECKING:
    from laminar_runtime.configurations.datastores import DataStore

__all__ = ["handler", "variables_of"]

#: Characters of a reason that are told. Step Functions takes errors of 32,768 characters:
#: https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskFailedEventDetails.html
_LONGEST = 8_192


def handler(request: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Run a task: the entry point of the Lambda function of a layer.

    Args:
        request: ``{"execution": id, "layer": name}``, with ``"attempt": number`` if it is not the first, and of a split
            with what its job would be told: ``"indexes"``, of which it is the ``"child"``, and ``"splits"``.

    Returns:
        Nothing: what a task leaves is in the datastore.

    Raises:
        TaskError: If the task fails, as a class named after the error of the flow's own code, such as ``ValueError``.
            Step Functions names the failure of the state after it. A process that ends with exit code 0 fails too,
            unless its task left its commit.
    """
    variables = variables_of(request)
    ended = container_command.run(variables)
    environment = {**os.environ, **variables}
    if ended.code != 0 or not _finished(environment):
        raise _error(environment, ended)
    return {}


def variables_of(request: dict[str, Any]) -> dict[str, str]:
    """What asks for the task in its environment, beside what the function has in its own.

    Args:
        request: What the function is invoked with.
    """
    variables = {
        task_environment.EXECUTION_ID: request["execution"],
        task_environment.LAYER_NAME: request["layer"],
        task_environment.INVOCATION: uuid.uuid4().hex,
    }
    if "attempt" in request:
        variables[task_environment.LAYER_ATTEMPT] = str(request["attempt"])
    if "indexes" in request:
        variables |= {
            task_environment.LAYER_INDEXES: request["indexes"],
            task_environment.BATCH_INDEX: str(request["child"]),
            task_environment.LAYER_SPLITS: str(request["splits"]),
        }
    return variables


def _error(environment: dict[str, str], ended: container_command.Ended) -> TaskError:
    """The error of a failed task, its class named after the error that the task reported, if it did."""
    task = _task(environment)
    kind = ended.reason.partition(":")[0]
    named: type[TaskError] = type(kind, (TaskError,), {}) if kind.isidentifier() else TaskError
    how = f"exit code {ended.code}" if ended.code >= 0 else f"signal {signal.Signals(-ended.code).name}"
    if ended.code == 0:
        how += " before its layer did"
    printed = f", after it printed: {ended.last}" if ended.last else ""
    reason = ended.reason or f"its process ended with {how}{printed}"
    return named(
        reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}... (all of it is in the log)",
        flow=task.flow,
        execution=task.execution,
        layer=task.layer,
        index=task.index,
        splits=task.splits,
        attempt=ended.attempt or task.attempt,
    )


def _finished(environment: dict[str, str]) -> bool:
    """Whether a task left its commit: its process may have ended with exit code 0 before its layer did."""
    ledger, task = _datastore(environment).ledger, _task(environment)
    key = LayerKey(task.flow, task.execution, task.layer)
    found = ledger.read_commit(key, index=0) if task.splits == 1 else ledger.read_split(key, index=task.index)
    return found is not None


def _task(environment: dict[str, str]) -> TaskContext:
    """Which task an environment asks for. Its index may stand in a plan, and what reads that is loaded on use."""
    from laminar_runtime.splits import fanout

    return fanout.resolve_index(_datastore(environment), types.unwrap(TaskContext.parse(environment)))


def _datastore(environment: dict[str, str]) -> DataStore:
    from laminar_runtime.configurations import datastores

    return datastores.from_root(environment[task_environment.DATASTORE_ROOT], datastores.Local())
