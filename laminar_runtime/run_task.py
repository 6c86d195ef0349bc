"""The Lambda function of a layer whose executor is `AWS.Lambda`. It uses the flow's own image.

The state machine invokes the function for each task. Its `handler` starts the container's command with the environment
of an AWS Batch job, so the same code runs the layer.
"""

from __future__ import annotations

import os
import signal
import uuid
from typing import TYPE_CHECKING, Any

from laminar_runtime import container_command, task_environment, types
from laminar_runtime.exceptions import TaskError
from laminar_runtime.task_environment import TaskContext

if TYPE_CHECKING:
    from laminar_runtime.configurations.datastores import DataStore

__all__ = ["handler", "variables_of"]

#: The most characters of a reason in an error. Step Functions allows 32,768 characters for an error:
#: https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskFailedEventDetails.html
_LONGEST = 8_192


def handler(request: dict[str, Any], context: object = None) -> dict[str, Any]:
    """Run a task: the entry point of the Lambda function of a layer.

    Args:
        request: ``{"execution": id, "layer": name}``. From the second attempt on it has ``"attempt": number``. For a
            split it has ``"indexes"``, ``"child"``, the position of the split in the indexes, and ``"splits"``.
        context: The context of the invocation, which has the id of its request.

    Returns:
        An empty object: the results of a task are in the datastore.

    Raises:
        TaskError: If the task fails. Its class is named after the error of the flow's own code, for example
            ``ValueError``, because Step Functions uses the name of the class as the name of the error. A process that
            ends with exit code 0 fails, too, if its task has no commit.
    """
    variables = variables_of(request)
    if requested := getattr(context, "aws_request_id", ""):
        variables[task_environment.INVOCATION] = requested
    ended = container_command.run(variables)
    environment = {**os.environ, **variables}
    if ended.code != 0 or not _has_commit(environment):
        error = _error(environment, ended)
        if not ended.reason:  # the task left no record, as its process was killed
            from laminar_runtime.tasks import failure_records

            failure_records.leave_ending(environment, error.reason, ended.code)
        raise error
    return {}


def variables_of(request: dict[str, Any]) -> dict[str, str]:
    """Return the environment variables of a task, without the variables of the Lambda function itself.

    Args:
        request: The input of the Lambda function.
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
    """Return the error of a failed task. Its class is named after the error that the task reported, if any."""
    task = _task(environment)
    kind = ended.reason.partition(":")[0]
    named: type[TaskError] = type(kind, (TaskError,), {}) if kind.isidentifier() else TaskError
    how = f"exit code {ended.code}" if ended.code >= 0 else f"signal {signal.Signals(-ended.code).name}"
    if ended.code == 0:
        how += " before its layer finished"
    printed = f"; the last line of its output: {ended.last}" if ended.last else ""
    reason = ended.reason or f"its process ended with {how}{printed}"
    return named(
        reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}... (the log has all of it)",
        flow=task.flow,
        execution=task.execution,
        layer=task.layer,
        index=task.index,
        splits=task.splits,
        attempt=ended.attempt or task.attempt,
    )


def _has_commit(environment: dict[str, str]) -> bool:
    """Return whether a task has a commit: its process may end with exit code 0 before its layer finishes."""
    ledger, task = _datastore(environment).ledger, _task(environment)
    found = ledger.read_commit(task.key, index=0) if task.splits == 1 else ledger.read_split(task.key, index=task.index)
    return found is not None


def _task(environment: dict[str, str]) -> TaskContext:
    """Return the task of an environment. Its index may be in a plan; the module that reads plans is loaded on use."""
    from laminar_runtime.splits import fanout

    return fanout.resolve_index(_datastore(environment), types.unwrap(TaskContext.parse(environment)))


def _datastore(environment: dict[str, str]) -> DataStore:
    from laminar_runtime.configurations import datastores

    return datastores.from_root(environment[task_environment.DATASTORE_ROOT], datastores.Local())
