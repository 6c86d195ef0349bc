"""The command rehearses documents in HCL, and those that call modules, by Terraform."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.terraform_standin.installing import CONFIGURATION

ROOT = Path(__file__).parents[2]
FLOW = """
import os
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container

class F(Flow): ...

@F.register(container=Container(secrets={"TOKEN": "ssm:/team/token"}))
class A(Layer):
    def __call__(self) -> None:
        self.x = len(os.environ["TOKEN"])

if flow := F():
    flow()
"""


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    whole = [sys.executable, "-m", "laminar_codegen", *words]
    return subprocess.run(whole, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CONFIGURATION, str(mirror))
    # The provider is a module of this repository.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    # Jobs have it, too, whoever made the job definition.
    monkeypatch.setenv("TOKEN", "t")
    (tmp_path / "flow.py").write_text(FLOW, encoding="utf-8")
    return tmp_path


def test_hcl(folder: Path) -> None:
    """Documents in HCL are applied in a copy, and a change by hand has its effect; the folder stays as it is."""
    written = command(folder, "compile", "--emit", "hcl", "--output", "infrastructure", "flow.py")
    assert written.returncode == 0, written.stderr
    before = {file.name: file.read_text() for file in (folder / "infrastructure").iterdir()}
    words = ("rehearse", "--document", "infrastructure", "flow.py", "--var", "name=Daily")
    ended = command(folder, *words)
    assert ended.returncode == 0, ended.stderr
    assert "A.x = 1" in ended.stdout
    assert {file.name: file.read_text() for file in (folder / "infrastructure").iterdir()} == before
    main = folder / "infrastructure" / "main.tf"
    assert "python" in before["main.tf"]
    main.write_text(before["main.tf"].replace('"python"', '"no-such-program"'), encoding="utf-8")
    ended = command(folder, *words)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "CannotStartContainerError" in ended.stderr


def test_a_module(folder: Path) -> None:
    """A document that calls the module `flow`, which is beside it, is applied with it."""
    shutil.copytree(ROOT / "terraform_modules", folder / "modules")
    (folder / "infrastructure").mkdir()
    document = command(folder, "compile", "--module", "../../modules/flow", "flow.py")
    (folder / "infrastructure" / "report").mkdir()
    (folder / "infrastructure" / "report" / "main.tf.json").write_text(document.stdout, encoding="utf-8")
    ended = command(folder, "rehearse", "--document", "infrastructure/report", "flow.py")
    assert ended.returncode == 0, ended.stderr
    assert "A.x = 1" in ended.stdout


def test_what_terraform_refuses(folder: Path) -> None:
    """Terraform's own words are shown."""
    (folder / "infrastructure").mkdir()
    (folder / "infrastructure" / "main.tf").write_text('output "a" {\n  value = local.missing\n}\n', encoding="utf-8")
    ended = command(folder, "rehearse", "--document", "infrastructure", "flow.py")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "terraform apply failed" in ended.stderr
    assert 'A local value with the name "missing" has not been declared' in ended.stderr
