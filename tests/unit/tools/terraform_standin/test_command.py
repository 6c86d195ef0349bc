"""The command ``python -m tools.terraform_standin``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.terraform_standin.__main__ import main


def test_without_grpc_nothing_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An environment that cannot serve Terraform is named before Terraform blames the plugin."""
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.setattr(sys, "argv", ["terraform_standin", "install", str(tmp_path / "mirror")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, (tmp_path / "mirror").exists()) == (2, False)
    assert "pip install 'laminar-terraform[test]'" in capsys.readouterr().err
