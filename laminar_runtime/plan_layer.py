"""The planner: the Lambda function that decides before a layer starts what only Python code can decide.

Where an organisation has no Lambda it is a job of AWS Batch: `main` leaves the answer in the datastore, from which the
state machine reads it.

It uses the flow's own image. Its `handler` starts the container's command with ``LAMINAR_PLAN_FILE`` set. The flow then
plans the layer instead of running it: see `laminar_runtime.planner`.

When the jobs of a fan-out have ended, the planner also writes the layer's record. It starts no command for that, but
checks that each split has a commit. A job may succeed without one, because AWS Batch only sees the exit code.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from laminar_runtime import container_command, indexes, task_environment, types
from laminar_runtime.configurations import datastores
from laminar_runtime.configurations.failures import tolerable
from laminar_runtime.exceptions import ExecutionError, SubmissionError, UnfinishedError
from laminar_runtime.limits import STATE_BYTES
from laminar_runtime.storage.layout import LayerKey, answer_key
from laminar_runtime.task_environment import TaskContext

__all__ = ["handler", "main", "record"]

#: The errors that the state machine, or a resume, handles by the names of their classes.
_KNOWN: tuple[type[ExecutionError], ...] = (SubmissionError, UnfinishedError)
#: The most characters of the list of splits in an error.
_SHOWN = 100


def handler(request: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Answer the state machine: the entry point of the planner's Lambda function.

    Args:
        request: ``{"execution": id, "layer": name}``, and more after a failed attempt: see
            `laminar_runtime.planner.planner.answer`. With ``"record": {"splits": number}`` the planner writes the
            record of a fan-out whose jobs have ended. If the fan-out tolerates failures, there are ``"tolerated"``, as
            in `ForEach`, and ``"error"``, an error of the jobs or null.

    Returns:
        The plan of the layer as plain values: see `laminar_runtime.planner.LayerPlan`. An empty object if the record
        was written.

    Raises:
        UnfinishedError: If a split of the record has not finished, or a layer that this layer depends on has not
            finished.
        SubmissionError: If a submission hook failed, and the layer has an attempt left.
        ExecutionError: If the layer cannot be planned, with the flow's output.
    """
    task = TaskContext(
        execution=request["execution"], flow=os.environ[task_environment.FLOW_NAME], layer=request["layer"]
    )
    if "record" in request:
        parsed = types.unwrap(TaskContext.parse(task.environment()))
        record(_datastore(), parsed.key, drive=parsed.drive, **request["record"])
        return {}
    with tempfile.TemporaryDirectory(prefix="laminar-") as folder:
        request_file, plan_file = Path(folder, "request.json"), Path(folder, "plan.json")
        request_file.write_text(json.dumps(request), encoding="utf-8")
        files = {task_environment.PLAN_REQUEST: str(request_file), task_environment.PLAN_FILE: str(plan_file)}
        ended = container_command.run({**task.environment(), **files})
        if ended.code != 0 or not plan_file.exists():
            why = ended.reason or ended.last or f"the command ended with exit code {ended.code} and wrote no plan"
            named = (error for error in _KNOWN if why.startswith(f"{error.__name__}: "))
            kind = next(named, ExecutionError)
            raise kind(f"layer '{task.layer}' of flow '{task.flow}' cannot be planned: {why}")
        plan: dict[str, Any] = json.loads(plan_file.read_text(encoding="utf-8"))
        return plan


def main() -> int:
    """Answer the question of the environment: the entry point of a planner that is a job of AWS Batch.

    Returns:
        The exit code. With `task_environment.ASK_AGAIN` a submission hook failed, and the layer has an attempt left;
        with `task_environment.UNFINISHED` a split or a layer before this one has not finished.
    """
    question: dict[str, Any] = json.loads(os.environ[task_environment.PLAN_QUESTION])
    task = types.unwrap(TaskContext.parse(os.environ))
    store, before = _datastore(), question.get("plan")
    # An environment is small, and a plan may be large: the question names the job that made it.
    known = {} if before is None else {"plan": json.loads(store.transport.get(_answer_key(task, before)))}
    request = {"execution": os.environ[task_environment.EXECUTION_ID], "layer": task.layer, **question, **known}
    try:
        text = json.dumps(handler(request), separators=(",", ":"))
        _check_length(task.layer, text)
    except ExecutionError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        codes = {SubmissionError: task_environment.ASK_AGAIN, UnfinishedError: task_environment.UNFINISHED}
        return codes.get(type(error), 1)
    finally:
        # The command ran, and this process has no task of its own: see `laminar_runtime.tasks.task_process`.
        os.environ[task_environment.TAKEN] = str(os.getpid())
    store.transport.put(_answer_key(task, os.environ[task_environment.BATCH_JOB]), text.encode())
    return 0


def _answer_key(task: TaskContext, job: str) -> str:
    return answer_key(task.flow, task.execution, job)


def _check_length(layer: str, text: str) -> None:
    """Check that a state may read an answer: in its result it is text in JSON, with a mark before each quote.

    Raises:
        ExecutionError: If it is too long.
    """
    length, most = len(json.dumps(text)), STATE_BYTES - 16_384
    if length > most:
        msg = (
            f"the plan of layer '{layer}' has {length} bytes, but Step Functions reads at most {most}: its hooks must "
            "choose fewer sizes"
        )
        raise ExecutionError(msg)


def record(  # noqa: PLR0913 - by name
    datastore: datastores.DataStore,
    key: LayerKey,
    *,
    splits: int,
    drive: str = "",
    tolerated: float | None = None,
    error: Mapping[str, str] | None = None,
) -> None:
    """Write the record of a fan-out, if each of its splits has finished, or no more failed than it tolerates.

    A split that never began has not failed: its job could not be submitted, its image is missing, or all children that
    could have claimed it are dead.

    Args:
        datastore: The flow's datastore.
        key: The layer.
        splits: The number of its splits.
        drive: The resume or redrive of the execution; empty before the first one.
        tolerated: How many of them may fail, as in `ForEach`.
        error: An error of its jobs, if it tolerates failures and some job failed.

    Raises:
        UnfinishedError: If more splits have not finished, or some did not begin. A resume runs them.
    """
    known = datastore.ledger.read_record(key)
    if known is not None and known.splits == splits:
        return
    left = sorted({*range(splits)} - datastore.ledger.finished_splits(key, splits=splits))
    if left and tolerated is None:
        raise UnfinishedError(_unfinished_message(key, splits, left))
    begun = set(map(int, datastore.transport.names(key.beginnings(drive)))) if left else set()
    if not begun.issuperset(left) or len(left) > tolerable(tolerated, splits):
        why = error or _error_of_a_split(datastore, key)
        raise UnfinishedError(_failed_message(key, splits, left, begun, tolerated, why))
    datastore.ledger.write_record(key, splits=splits, failed=left)


def _error_of_a_split(datastore: datastores.DataStore, key: LayerKey) -> dict[str, str]:
    """Return an error that a split left: its job may be one of an earlier attempt, which the planner made."""
    from laminar_runtime.storage import failures

    found = failures.read(datastore.transport, key, most=1)
    return {"Cause": found.shown[0].reason} if found.shown else {}


def _names_of(splits: int, left: list[int]) -> str:
    spelled = indexes.spell(left)
    shown = spelled if len(spelled) <= _SHOWN else f"{spelled[:_SHOWN].rpartition(',')[0]},..."
    return "its only split" if splits == 1 else f"split{'s' * (len(left) > 1)} {shown} of 0 to {splits - 1}"


def _failed_message(  # noqa: PLR0913, PLR0917 - what is known of a failure
    key: LayerKey, splits: int, left: list[int], begun: set[int], tolerated: float | None, error: Mapping[str, str]
) -> str:
    cause = error.get("Cause") or error.get("Error") or "unknown cause"
    unbegun = [index for index in left if index not in begun]
    allowed = f"tolerated_failures={tolerated} allows {tolerable(tolerated, splits)}"
    if unbegun:
        allowed = f"{len(unbegun)} of these did not begin ({_names_of(splits, unbegun)}), which no fan-out tolerates"
    return (
        f"layer '{key.layer}' of flow '{key.flow}' failed in execution {key.execution}: {len(left)} of its splits did "
        f"not finish ({_names_of(splits, left)}), and {allowed}: {cause}. A resume runs them again"
    )


def _unfinished_message(key: LayerKey, splits: int, left: list[int]) -> str:
    which = _names_of(splits, left)
    return (
        f"layer '{key.layer}' of flow '{key.flow}' has not finished in execution {key.execution}: {which} ended with "
        "exit code 0 before the layer's code ended. Possible causes are exec, exit(0) in a C library, or a command "
        "that hides the exit code of its task. Fix the cause, and resume the execution"
    )


def _datastore() -> datastores.DataStore:
    """Return the flow's datastore from the environment only, because the flow's code is not loaded here."""
    root, asked = os.environ[task_environment.DATASTORE_ROOT], os.environ.get
    if not root.startswith("s3://"):
        return datastores.Local(root)
    encryption, key = asked(task_environment.DATASTORE_ENCRYPTION), asked(task_environment.DATASTORE_KMS_KEY_ID)
    return datastores.AWS.S3(root, encryption=encryption, kms_key_id=key)


if __name__ == "__main__":
    sys.exit(main())
