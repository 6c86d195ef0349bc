"""Answers, before a layer starts, what only Python can know: whether it runs, and into how many splits it fans out.

The local scheduler finds that out by itself. For a deployed flow the state machine asks the planner, an AWS Lambda
function made of the flow's own image, whose `handler` starts the container's command with ``LAMINAR_PLAN_FILE`` set;
the flow then plans the layer and writes the answer to that file, where it would otherwise run the layer.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import attrs

from laminar_runtime import fanout, settings
from laminar_runtime.artifacts import LayerKey
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.layers import DEFAULT_COMMAND, ForEach
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.settings import TaskContext

__all__ = ["LayerPlan", "handler", "plan_layer"]

#: The most children that an AWS Batch array job has:
#: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html
MAX_SPLITS = 10_000

#: The variable that tells the planner how its image starts a task.
COMMAND = "LAMINAR_COMMAND"


@attrs.frozen
class LayerPlan:
    """How a layer is to run.

    Args:
        splits: The number of its splits, from 0.
        run: Whether it is to run; if not, it is skipped.
    """

    splits: int
    run: bool = True


def plan_layer(datastore: DataStore, key: LayerKey, foreach: ForEach) -> LayerPlan:
    """Plan a layer whose dependencies have ended.

    Args:
        datastore: The flow's datastore.
        key: The layer.
        foreach: Its fan-out.

    Raises:
        ExecutionError: If a layer that it fans out over has not finished.
    """
    return LayerPlan(splits=fanout.count(datastore, key, foreach))


def answer(datastore: DataStore, key: LayerKey, foreach: ForEach, *, run: bool) -> None:
    """Plan a layer and write the plan to the file that the planner asked for.

    Args:
        datastore: The flow's datastore.
        key: The layer.
        foreach: Its fan-out.
        run: Whether the layer is to run.

    Raises:
        ExecutionError: If it has more splits than an array job can have.
    """
    plan = plan_layer(datastore, key, foreach) if run else LayerPlan(splits=0, run=False)
    if plan.splits > MAX_SPLITS:
        msg = (
            f"layer '{key.layer}' has {plan.splits} splits, and an AWS Batch array job takes at most {MAX_SPLITS}: "
            "give each split several elements"
        )
        raise ExecutionError(msg)
    Path(os.environ[settings.PLAN_FILE]).write_text(json.dumps(attrs.asdict(plan)), encoding="utf-8")


def handler(request: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Answer the state machine: the entry point of the planner's Lambda function.

    Args:
        request: ``{"execution": id, "layer": name}``.

    Returns:
        ``{"splits": number, "run": whether the layer is to run}``.

    Raises:
        ExecutionError: If the layer cannot be planned, with what the flow printed.
    """
    task = TaskContext(execution=request["execution"], flow=os.environ[settings.FLOW_NAME], layer=request["layer"])
    words = shlex.split(os.environ.get(COMMAND, DEFAULT_COMMAND))
    command = [sys.executable if words[0] in {"python", "python3"} else words[0], *words[1:]]
    with tempfile.TemporaryDirectory(prefix="laminar-") as folder:
        plan = Path(folder, "plan.json")
        environment = {**os.environ, **task.environment(), settings.PLAN_FILE: str(plan)}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        print(ended.stdout, ended.stderr, sep="", end="", flush=True)
        if ended.returncode != 0 or not plan.exists():
            last = ended.stderr.strip().rpartition("\n")[2] or f"exit code {ended.returncode}, and no plan written"
            raise ExecutionError(f"layer '{task.layer}' of flow '{task.flow}' cannot be planned: {last}")
        answered: dict[str, Any] = json.loads(plan.read_text(encoding="utf-8"))
        return answered
