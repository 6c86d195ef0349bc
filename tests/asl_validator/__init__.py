"""The npm packages asl-validator and jsonata, asked about many definitions or expressions at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

__all__ = ["evaluate", "problems"]

_FOLDER = Path(__file__).parent


def problems(definitions: Sequence[Any]) -> list[str]:
    """Return what the validator has against each definition, "" for nothing.

    It is installed by ``make test``. Where it is not, the test is skipped, but for CI, where it fails.

    Args:
        definitions: The definitions.
    """
    found: list[str] = _ask("validate.js", definitions)
    return found


def evaluate(expressions: Sequence[tuple[str, Any]]) -> list[dict[str, Any]]:
    """Return what the reference implementation of JSONata makes of each expression: its value, nothing, or its error.

    It is the npm package jsonata, installed with the validator.

    Args:
        expressions: The expressions, each with the values of its variables.
    """
    asked = [{"expression": expression, "values": values} for expression, values in expressions]
    found: list[dict[str, Any]] = _ask("evaluate.js", asked)
    return found


def _ask(script: str, asked: Any) -> Any:
    node = shutil.which("node")
    if node is None or not (_FOLDER / "node_modules").is_dir():
        why = "asl-validator is not installed: 'make test' installs it, with npm of Node.js"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    ended = subprocess.run(
        [node, script],
        cwd=_FOLDER,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ended.stdout)
