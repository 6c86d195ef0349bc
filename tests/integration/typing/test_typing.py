"""Flows are clean under mypy and pyright in their strict modes, and mistakes are not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
MYPY = ("mypy", "--strict", "--python-version", "3.11", "--cache-dir", str(ROOT / ".mypy_cache"))
PYRIGHT = ("pyright", "--pythonpath", sys.executable, "--project")


def checked(*command: str) -> None:
    """Run a type checker, which is to find nothing."""
    # It would print a note on newer versions.
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", "MYPYPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that is checked: the files beside this one, and README's first example."""
    path = tmp_path_factory.mktemp("typing")
    for name in ("joins.py", "surface.py", "pyrightconfig.json"):
        (path / name).write_text((HERE / name).read_text(encoding="utf-8"), encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(# main\.py\n.*?)```", readme, flags=re.DOTALL)
    assert found is not None
    (path / "main.py").write_text(found[1], encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["joins.py", "surface.py", "main.py"])
def test_mypy(folder: Path, name: str) -> None:
    """Under ``mypy --strict``, which also reports comments that ignore nothing."""
    checked(*MYPY, str(folder / name))


def test_pyright(folder: Path) -> None:
    """Under pyright in its strict mode."""
    checked(*PYRIGHT, str(folder))
