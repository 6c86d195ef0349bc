"""Runs the real command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs


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
