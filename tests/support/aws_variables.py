"""Environments of processes that ask for AWS's credentials."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import botocore.session
import pytest
from botocore.loaders import create_loader

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-west-1"}

#: botocore's models of AWS are read once for all sessions of a process: that of S3 takes a tenth of a second.
_models = functools.cache(create_loader)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and an environment without a word on AWS."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name == "REQUESTS_CA_BUNDLE" or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(botocore.session, "create_loader", _models)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


def set_variables(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    """Set variables of the environment.

    Args:
        monkeypatch: What takes them back after the test.
        variables: Their values, by their names.
    """
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
