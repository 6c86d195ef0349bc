"""The folder in which the jobs of the embedded AWS run."""

from __future__ import annotations

from pathlib import Path

from laminar_codegen.rehearsal.aws import Workspace


def test_workspace_commands(tmp_path: Path) -> None:
    """`python` as the first word is the workspace's interpreter; all other words stay as they are."""
    workspace = Workspace(tmp_path, python="/any/python")
    assert workspace.command(["python", "main.py", "x"]) == ("/any/python", "main.py", "x")
    assert workspace.command(["sh", "python"]) == ("sh", "python")
    assert workspace.command(["python3", "main.py"]) == ("/any/python", "main.py")
