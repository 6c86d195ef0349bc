"""The npm package asl-validator, asked about many definitions at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

__all__ = ["problems"]

_FOLDER = Path(__file__).parent


def problems(definitions: Sequence[Any]) -> list[str]:
    """Return what the validator has against each definition, "" for nothing.

    It is installed by ``make test``. Where it is not, the test is skipped, but for CI, where it fails.

    Args:
        definitions: The definitions.
    """
    node = shutil.which("node")
    if node is None or not (_FOLDER / "node_modules").is_dir():
        why = "asl-validator is not installed: 'make test' installs it, with npm of Node.js"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    ended = subprocess.run(
        [node, "validate.js"],
        cwd=_FOLDER,
        input=json.dumps(definitions),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(ended.stdout)
    return found
