"""What executors run on in these tests: a stand-in for ``docker``."""

from __future__ import annotations

import os
import sys

import pytest

from tests.support.harness import Folder

STAND_IN = f"""\
#!{sys.executable}
import json, os, subprocess, sys
words = sys.argv[1:]
with open(os.environ["DOCKER_CALLS"], "a") as calls:
    calls.write(json.dumps(words) + "\\n")
if words[0] == "run":
    flags = [word for word in words if word.startswith("--")]
    image, *command = [word for word in words[1:] if not word.startswith("--")]
    names = [flag.removeprefix("--env=") for flag in flags if flag.startswith("--env=")]
    environment = {{name: os.environ[name] for name in names}}
    files = [flag.removeprefix("--env-file=") for flag in flags if flag.startswith("--env-file=")]
    given = dict(line.rstrip("\\n").split("=", 1) for file in files for line in open(file))
    environment = {{**given, **environment, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}}
    sys.exit(subprocess.run([sys.executable, *command[1:]], env=environment, cwd=os.environ["DOCKER_IMAGE"]).returncode)
"""


@pytest.fixture
def docker(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A folder with flow files, and the stand-in first on the PATH."""
    programs = folder.path / "bin"
    programs.mkdir()
    (programs / "docker").write_text(STAND_IN)
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_CALLS", str(folder.path / "calls"))
    monkeypatch.setenv("DOCKER_IMAGE", str(folder.path))
    monkeypatch.setenv("DOCKER_SECRET", "hidden")
    monkeypatch.setenv("TOKEN", "of the launching process")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very secret")
    return folder
