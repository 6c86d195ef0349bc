"""What README and its pages show works as it stands there. The code blocks that need no AWS run by tests/pages.py."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.aws.api_calls import ApiCall
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: The page about applications that use a deployed flow.
USE = (ROOT / "docs" / "how-to" / "use-a-deployed-flow.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with README's first example as ``main.py``."""
    (example,) = re.findall(r"```python\n(# main\.py\n.*?)```", README, flags=re.DOTALL)
    (tmp_path / "main.py").write_text(example, encoding="utf-8")
    return tmp_path


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)


def test_rehearsed_without_its_parameter(folder: Path) -> None:
    """A rehearsal that lacks a parameter fails, names the state that failed, and says what is missing."""
    ended = command(folder, "-m", "laminar_codegen", "rehearse", "main.py")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "ended FAILED: layer 'Guests' of flow 'Greetings' failed on attempt 1: " in ended.stderr
    assert "flow 'Greetings' was called without the parameter 'names'" in ended.stderr


#: What the page does not show: an execution that fails, and is resumed twice.
FAILING = """
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.exceptions import ExecutionError
from main import Greetings

flow = Greetings(scheduler=AWS.StepFunctions())
failing = flow()
for _ in range(2):
    try:
        failing.wait(timeout=120)
    except ExecutionError:
        print("failed")
    failing = flow.execution(str(failing.id)).resume()
"""


def action(call: ApiCall) -> set[str]:
    """Yield the permissions that a role needs for a call."""
    if call.service != "s3":
        return {f"{call.service}:{call.operation}"}
    kinds = {"GetObject": "s3:GetObject", "HeadObject": "s3:GetObject", "PutObject": "s3:PutObject"}
    # Without permission to list the bucket, S3 answers 403 for a missing object.
    listing = {"s3:ListBucket"} if call.operation == "ListObjectsV2" or call.status == 404 else set()
    return listing | ({kinds[call.operation]} if call.operation in kinds else set())


def test_what_the_role_of_an_application_may_do(folder: Path) -> None:
    """An application that starts a flow, waits, reads results and resumes calls what the table says, and all of it."""
    (table,) = re.findall(r"\n\| permission \|.*\n\| ---.*\n((?:\|.*\n)+)", USE)
    (application,) = re.findall(r"```python\n(.*?)```", USE, flags=re.DOTALL)
    granted = {name for row in table.splitlines() for name in re.findall(r"`(\w+:\w+)`", row.split("|")[1])}
    (folder / "application.py").write_text(application + FAILING, encoding="utf-8")
    image = folder / "image"
    image.mkdir()
    calls: list[ApiCall] = []
    with EmbeddedAws(workspace=Workspace(directory=lay_out(folder / "main.py", image)), calls=calls.append) as aws:
        deploy(compile_flow(str(folder / "main.py")), aws)
        role = "arn:aws:iam::123456789012:role/application"
        given = {**os.environ, **aws.environment_of(role)}
        ended = subprocess.run(
            [sys.executable, "application.py"], cwd=folder, env=given, capture_output=True, text=True, check=False
        )
        assert ended.stdout == "['hello Ada', 'hello Grace']\nfailed\nfailed\n", ended.stderr
    called = {name for call in calls if call.principal == role for name in action(call)}
    assert called == granted
