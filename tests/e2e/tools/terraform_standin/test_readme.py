"""The commands of the stand-in's README work as they are written."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.terraform_harness import terraform_executable

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[4]


def test_the_commands_of_the_readme(tmp_path: Path) -> None:
    """A shell that runs them applies a bucket to an embedded AWS."""
    terraform_executable()
    text = (ROOT / "tools" / "terraform_standin" / "README.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        # Elsewhere than in the repository, where it would leave the files behind.
        "PYTHONPATH": str(ROOT),
        "PORT": port,
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Apply complete! Resources: 1 added" in done.stdout
    assert (tmp_path / "build" / "stack" / "terraform.tfstate").exists()
