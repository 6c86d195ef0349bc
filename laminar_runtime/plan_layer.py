"""The planner: an AWS Lambda function that a state machine asks what only Python can know before a layer starts.

It is made of the flow's own image. Its `handler` starts the container's command with ``LAMINAR_PLAN_FILE`` set; the
flow then answers, where it would otherwise run the layer: see `laminar_runtime.planner`.
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

from laminar_runtime import settings
from laminar_runtime.configurations.layers import DEFAULT_COMMAND
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.settings import TaskContext

__all__ = ["COMMAND", "handler"]

#: The variable that tells the planner how its image starts a task.
COMMAND = "LAMINAR_COMMAND"


def handler(request: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Answer the state machine: the entry point of the planner's Lambda function.

    Args:
        request: ``{"execution": id, "layer": name}``, and more if an attempt failed: see
            `laminar_runtime.planner.answer`.

    Returns:
        How the layer is to run, as plain values: see `laminar_runtime.planner.LayerPlan`.

    Raises:
        ExecutionError: If the layer cannot be planned, with what the flow printed.
    """
    flow = os.environ[settings.FLOW_NAME]
    words = shlex.split(os.environ.get(COMMAND, DEFAULT_COMMAND))
    command = [sys.executable if words[0] in {"python", "python3"} else words[0], *words[1:]]
    task = TaskContext(execution=request["execution"], flow=flow, layer=request["layer"])
    with tempfile.TemporaryDirectory(prefix="laminar-") as folder:
        asked, answered = Path(folder, "request.json"), Path(folder, "plan.json")
        asked.write_text(json.dumps(request), encoding="utf-8")
        files = {settings.PLAN_REQUEST: str(asked), settings.PLAN_FILE: str(answered)}
        environment = {**os.environ, **task.environment(), **files}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        print(ended.stdout, ended.stderr, sep="", end="", flush=True)
        if ended.returncode != 0 or not answered.exists():
            last = ended.stderr.strip().rpartition("\n")[2] or f"exit code {ended.returncode}, and no plan written"
            raise ExecutionError(f"layer '{task.layer}' of flow '{task.flow}' cannot be planned: {last}")
        plan: dict[str, Any] = json.loads(answered.read_text(encoding="utf-8"))
        return plan
