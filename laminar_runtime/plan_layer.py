"""The planner: an AWS Lambda function that a state machine asks what only Python can know before a layer starts.

It is made of the flow's own image. Its `handler` starts the container's command with ``LAMINAR_PLAN_FILE`` set; the
flow then answers, where it would otherwise run the layer: see `laminar_runtime.planner`.

When the jobs of a fan-out have ended it is asked for the layer's record, for which it starts nothing: it looks whether
each split left its commit. A job may end well without: AWS Batch goes by the exit code of a process.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from laminar_runtime import container_command, indexes, task_environment, types
from laminar_runtime.configurations import datastores
from laminar_runtime.exceptions import ExecutionError, SubmissionError, UnfinishedError
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.task_environment import TaskContext

__all__ = ["handler", "record"]

#: The errors that the state machine, or who resumes an execution, goes by: it has the names of their classes.
_KNOWN: tuple[type[ExecutionError], ...] = (SubmissionError, UnfinishedError)
#: Characters of the list of splits in an error.
_SHOWN = 100


def handler(request: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Answer the state machine: the entry point of the planner's Lambda function.

    Args:
        request: ``{"execution": id, "layer": name}``, and more if an attempt failed: see
            `laminar_runtime.planner.planner.answer`. With ``"record": {"splits": number}`` as well, the record of a
            fan-out is asked for, whose jobs have ended.

    Returns:
        How the layer is to run, as plain values: see `laminar_runtime.planner.LayerPlan`. Nothing once its record is
        written.

    Raises:
        UnfinishedError: If the record is asked for, and a split has not finished; or if a layer has not finished that
            the layer depends on.
        SubmissionError: If a submission hook failed, and the layer has an attempt left.
        ExecutionError: If the layer cannot be planned, with what the flow printed.
    """
    task = TaskContext(
        execution=request["execution"], flow=os.environ[task_environment.FLOW_NAME], layer=request["layer"]
    )
    if "record" in request:
        asked_for = types.unwrap(TaskContext.parse(task.environment()))
        key = LayerKey(asked_for.flow, asked_for.execution, asked_for.layer)
        record(_datastore(), key, splits=request["record"]["splits"])
        return {}
    with tempfile.TemporaryDirectory(prefix="laminar-") as folder:
        asked, answered = Path(folder, "request.json"), Path(folder, "plan.json")
        asked.write_text(json.dumps(request), encoding="utf-8")
        files = {task_environment.PLAN_REQUEST: str(asked), task_environment.PLAN_FILE: str(answered)}
        ended = container_command.run({**task.environment(), **files})
        if ended.code != 0 or not answered.exists():
            why = ended.reason or ended.last or f"exit code {ended.code}, and no plan written"
            named = (error for error in _KNOWN if why.startswith(f"{error.__name__}: "))
            kind = next(named, ExecutionError)
            raise kind(f"layer '{task.layer}' of flow '{task.flow}' cannot be planned: {why}")
        plan: dict[str, Any] = json.loads(answered.read_text(encoding="utf-8"))
        return plan


def record(datastore: datastores.DataStore, key: LayerKey, *, splits: int) -> None:
    """Say that a fan-out finished, if each of its splits did.

    Args:
        datastore: The flow's datastore.
        key: The layer.
        splits: The number of its splits.

    Raises:
        UnfinishedError: If a split has not finished.
    """
    known = datastore.ledger.read_record(key)
    if known is None or known.splits != splits:
        left = sorted({*range(splits)} - datastore.ledger.finished_splits(key, splits=splits))
        if left:
            raise UnfinishedError(_unfinished(key, splits, left))
        datastore.ledger.write_record(key, splits=splits)


def _unfinished(key: LayerKey, splits: int, left: list[int]) -> str:
    spelled = indexes.spell(left)
    shown = spelled if len(spelled) <= _SHOWN else f"{spelled[:_SHOWN].rpartition(',')[0]},..."
    which = "its only split" if splits == 1 else f"split{'s' * (len(left) > 1)} {shown} of 0 to {splits - 1}"
    return (
        f"layer '{key.layer}' of flow '{key.flow}' has not finished in execution {key.execution}: {which} ended with "
        "exit code 0 before the layer's code did, as by exec, exit(0) in a C library, or a command that hides the exit "
        "code of its task. Mend that, and resume the execution"
    )


def _datastore() -> datastores.DataStore:
    """The flow's datastore as the environment has it: whose code would say more of it is not loaded."""
    root, asked = os.environ[task_environment.DATASTORE_ROOT], os.environ.get
    if not root.startswith("s3://"):
        return datastores.Local(root)
    encryption, key = asked(task_environment.DATASTORE_ENCRYPTION), asked(task_environment.DATASTORE_KMS_KEY_ID)
    return datastores.AWS.S3(root, encryption=encryption, kms_key_id=key)
