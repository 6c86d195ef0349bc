"""The planner: an AWS Lambda function that a state machine asks what only Python can know before a layer starts.

It is made of the flow's own image. Its `handler` starts the container's command with ``LAMINAR_PLAN_FILE`` set; the
flow then answers, where it would otherwise run the layer: see `laminar_runtime.planner`.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from laminar_runtime import container_command, settings
from laminar_runtime.exceptions import ExecutionError, SubmissionError
from laminar_runtime.settings import TaskContext

__all__ = ["handler"]


def handler(request: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Answer the state machine: the entry point of the planner's Lambda function.

    Args:
        request: ``{"execution": id, "layer": name}``, and more if an attempt failed: see
            `laminar_runtime.planner.answer`.

    Returns:
        How the layer is to run, as plain values: see `laminar_runtime.planner.LayerPlan`.

    Raises:
        SubmissionError: If a submission hook failed, and the layer has an attempt left.
        ExecutionError: If the layer cannot be planned, with what the flow printed.
    """
    task = TaskContext(execution=request["execution"], flow=os.environ[settings.FLOW_NAME], layer=request["layer"])
    with tempfile.TemporaryDirectory(prefix="laminar-") as folder:
        asked, answered = Path(folder, "request.json"), Path(folder, "plan.json")
        asked.write_text(json.dumps(request), encoding="utf-8")
        files = {settings.PLAN_REQUEST: str(asked), settings.PLAN_FILE: str(answered)}
        ended = container_command.run({**task.environment(), **files})
        if ended.code != 0 or not answered.exists():
            why = ended.reason or ended.last or f"exit code {ended.code}, and no plan written"
            # The state machine goes by the name of the class: it asks again after a submission hook that failed.
            kind = SubmissionError if why.startswith(f"{SubmissionError.__name__}: ") else ExecutionError
            raise kind(f"layer '{task.layer}' of flow '{task.flow}' cannot be planned: {why}")
        plan: dict[str, Any] = json.loads(answered.read_text(encoding="utf-8"))
        return plan
