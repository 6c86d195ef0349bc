"""Ctrl-C while a command imports: its own modules, or the flow's file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

#: A process whose import of a module presses Ctrl-C. A shell may have started the tests with Ctrl-C ignored.
COMMAND = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
where, name, *words = sys.argv[1:]
class Finder:
    def find_spec(self, module, path=None, target=None):
        if module == where:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
sys.argv = [name, *words]
from laminar_codegen.command import entry
sys.exit(getattr(entry, name)())
"""
FLOW = """
import pressed_here
"""


@pytest.mark.parametrize("where", ["laminar_runtime.execution", "argparse", "pressed_here"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("laminar", ["run", "flow.py"]),
        ("laminar", ["logs", "flow.py"]),
        ("laminar_codegen", ["flow.py"]),
        ("laminar_codegen", ["rehearse", "flow.py"]),
    ],
)
def test_it_ends_with_one_line(where: str, name: str, words: list[str], tmp_path: Path) -> None:
    """No traceback of Python, no output, and the exit code of a shell."""
    (tmp_path / "flow.py").write_text(FLOW)
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND, where, name, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == f"{name.replace('_', '-')}: stopped\n"
