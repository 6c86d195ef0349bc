"""What README shows works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.embedded_aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.embedded_aws.api_calls import ApiCall
from laminar_codegen.rehearsal.embedded_aws.clients import access_key
from laminar_codegen.rehearsal.image import lay_out

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with README's first example as ``main.py``."""
    (example,) = re.findall(r"```python\n(# main\.py\n.*?)```", README, flags=re.DOTALL)
    (tmp_path / "main.py").write_text(example, encoding="utf-8")
    return tmp_path


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)


def test_run_here(folder: Path) -> None:
    """The example runs by ``python main.py``."""
    ended = command(folder, "main.py")
    assert ended.stdout == "['hello Ada', 'hello Grace', 'hello Mary']\n", ended.stderr


def test_rehearsed(folder: Path) -> None:
    """The example is rehearsed with the parameter that README gives."""
    ended = command(folder, "-m", "laminar_codegen", "rehearse", "main.py", "--param", 'names=["Ada", "Grace"]')
    assert ended.returncode == 0, ended.stderr
    assert "Book.pages = ['hello Ada', 'hello Grace']" in ended.stdout


def test_rehearsed_without_its_parameter(folder: Path) -> None:
    """A rehearsal that lacks a parameter fails, names the state that failed, and says what is missing."""
    ended = command(folder, "-m", "laminar_codegen", "rehearse", "main.py")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "ended FAILED in state 'Guests'" in ended.stderr
    assert "flow 'Greetings' was called without the parameter 'names'" in ended.stderr


APPLICATION = """
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.exceptions import ExecutionError
from main import Book, Greetings

flow = Greetings(scheduler=AWS.StepFunctions())
print(flow(names=["Ada", "Grace"]).wait(timeout=120).layer(Book).pages)
failing = flow()
for _ in range(2):
    try:
        failing.wait(timeout=120)
    except ExecutionError:
        print("failed")
    failing = flow.execution(str(failing.id)).resume()
"""


def action(call: ApiCall) -> set[str]:
    """What a role must be allowed for a call."""
    if call.service != "s3":
        return {f"{call.service}:{call.operation}"}
    kinds = {"GetObject": "s3:GetObject", "HeadObject": "s3:GetObject", "PutObject": "s3:PutObject"}
    # Who may not list the bucket is told 403 of what is missing.
    listing = {"s3:ListBucket"} if call.operation == "ListObjectsV2" or call.status == 404 else set()
    return listing | ({kinds[call.operation]} if call.operation in kinds else set())


def test_what_the_role_of_an_application_may_do(folder: Path) -> None:
    """An application that starts a flow, waits, reads results and resumes calls what the table says, and all of it."""
    (table,) = re.findall(r"\n\| its role may \|.*\n\| ---.*\n((?:\|.*\n)+)", README)
    granted = {name for row in table.splitlines() for name in re.findall(r"`(\w+:\w+)`", row.split("|")[1])}
    (folder / "application.py").write_text(APPLICATION, encoding="utf-8")
    image = folder / "image"
    image.mkdir()
    calls: list[ApiCall] = []
    with EmbeddedAws(workspace=Workspace(directory=lay_out(folder / "main.py", image)), calls=calls.append) as aws:
        deploy(compile_flow(str(folder / "main.py")), aws)
        role = "arn:aws:iam::123456789012:role/application"
        given = {**os.environ, **aws.environment, "AWS_ACCESS_KEY_ID": access_key(role)}
        ended = subprocess.run(
            [sys.executable, "application.py"], cwd=folder, env=given, capture_output=True, text=True, check=False
        )
        assert ended.stdout == "['hello Ada', 'hello Grace']\nfailed\nfailed\n", ended.stderr
    called = {name for call in calls if call.principal == role for name in action(call)}
    assert called == granted
