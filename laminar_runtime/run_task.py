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
            split it has ``"indexes"``, ``"child"``, the position of the split in the indexes, and ``"splits"``. If the
            layer's `Retry` names failures, it has ``"retry"``: see `laminar_runtime.tasks.invocations`.
        context: The context of the invocation, which has the id of its request, and knows how long it may run.

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
    environment = {**os.environ, **variables}
    if "retry" in request:
        _run_attempt(request["retry"], environment, variables, context)
        return {}
    ended = container_command.run(variables)
    if ended.code != 0 or not _has_commit(environment):
        raise _error(environment, ended)
    return {}


def _run_attempt(
    retry: dict[str, Any], environment: dict[str, str], variables: dict[str, str], context: object
) -> None:
    """Run a task whose failures the layer's `Retry` names, and say by the name of an error whether it runs again."""
    from laminar_runtime.tasks import invocations  # few layers name failures

    ended = container_command.run(variables, invocations.time_limit(retry, context))
    if (ended.code == 0 or ended.limit is not None) and _has_commit(environment):
        return
    ended = invocations.count_attempt(ended, _datastore(environment), _task(environment))
    counted = {**environment, task_environment.LAYER_ATTEMPT: str(ended.attempt)}
    raise _error(counted, ended, invocations.FAILED_ATTEMPT if invocations.repeats(retry, ended) else "")


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


def _error(environment: dict[str, str], ended: container_command.Ended, name: str = "") -> TaskError:
    """Return the error of a failed task, and leave its record if the task could not.

    Args:
        environment: The variables of the task.
        ended: How it ended.
        name: The name of the error's class. By default it is that of the error that the task reported, if any.
    """
    task = _task(environment)
    kind = name or ended.reason.partition(":")[0]
    named: type[TaskError] = type(kind, (TaskError,), {}) if name or kind.isidentifier() else TaskError
    reason = ended.reason or _reason(ended)
    error = named(
        reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}... (the log has all of it)",
        flow=task.flow,
        execution=task.execution,
        layer=task.layer,
        index=task.index,
        splits=task.splits,
        attempt=ended.attempt or task.attempt,
    )
    if not ended.reason:
        from laminar_runtime.tasks import failure_records

        failure_records.leave_ending(environment, error.reason, ended.code, late=ended.limit is not None)
    return error


def _reason(ended: container_command.Ended) -> str:
    """Return why a task failed that reported no error."""
    if ended.limit is not None:
        return f"it did not end within {ended.limit:g} seconds and was stopped"
    how = f"exit code {ended.code}" if ended.code >= 0 else f"signal {signal.Signals(-ended.code).name}"
    if ended.code == 0:
        how += " before its layer finished"
    printed = f"; the last line of its output: {ended.last}" if ended.last else ""
    return f"its process ended with {how}{printed}"


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
