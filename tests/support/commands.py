"""Runs the real command in a process of its own, and the flows that it is given."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs

#: A flow of one layer, by the name of its class.
FLOW = """
from laminar_runtime import Flow, Layer

class {flow}(Flow): ...

@{flow}.register
class A(Layer):
    def __call__(self) -> None: ...
"""
#: A flow whose scheduler calls the module of a registry.
CALLS = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.schedulers import AWS

class Report(Flow): ...

@Report.register
class A(Layer):
    def __call__(self) -> None: ...

flow = Report(scheduler=AWS.StepFunctions(module="team/flow/aws", module_version="~> 1.0"))

if __name__ == "__main__" and flow:
    flow()
"""


@attrs.frozen
class Ended:
    """The end of a command."""

    code: int
    output: bytes
    errors: str


def codegen(*arguments: str, cwd: Path, environment: Mapping[str, str] | None = None) -> Ended:
    """Run ``python -m laminar_codegen`` in a folder, with some variables of the environment set."""
    done = subprocess.run(
        [sys.executable, "-m", "laminar_codegen", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
        capture_output=True,
        check=False,
        timeout=120,
    )
    return Ended(done.returncode, done.stdout, done.stderr.decode())
