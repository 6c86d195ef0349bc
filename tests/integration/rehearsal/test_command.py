"""The command ``rehearse``: documents that were changed by hand, and what is shown of an execution."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest

HEAD = """
import os

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import Container, Retry

class F(Flow): ...

"""
END = "\nif flow := F():\n    flow()\n"
ONE = """
SECRET = "arn:aws:secretsmanager:eu-west-1:999999999999:secret:db-AbCdEf:token::"

@F.register(container=Container(secrets={"TOKEN": SECRET}))
class A(Layer):
    def __call__(self) -> None:
        print("to be seen")
        self.x = os.environ["TOKEN"]
"""
SKIPPING = """
@F.register
class A(Layer):
    def __call__(self) -> None:
        self.x = 1

@F.register
class S(Layer):
    def __call__(self, a: A) -> None: ...

    @hooks.entry
    def never(self, a: A) -> bool:
        return False

@F.register
class T(Layer):
    def __call__(self, s: S) -> None: ...

@F.register(retry=Retry(attempts=2, delay=0.01))
class B(Layer):
    def __call__(self, a: A) -> None:
        if not os.path.exists("again"):
            open("again", "w").close()
            raise ValueError("the first time")
        print("the second time")
"""
UNREADABLE = """
class Hidden:
    def __reduce__(self):
        return exec, ("raise RuntimeError('not here')",)

@F.register
class A(Layer):
    def __call__(self) -> None:
        self.hidden, self.x = Hidden(), 1
"""


def write(folder: Path, script: str) -> None:
    (folder / "flow.py").write_text(f"{HEAD}{script}{END}", encoding="utf-8")


def command(folder: Path, *words: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    whole = [sys.executable, "-m", "laminar_codegen", *words]
    given = {**os.environ, **(variables or {})}
    return subprocess.run(whole, cwd=folder, capture_output=True, text=True, check=False, env=given)


def test_a_document_that_was_changed_by_hand(tmp_path: Path) -> None:
    """What stands in the folder is rehearsed, its variables and all, and a mistake in it is found."""
    write(tmp_path, ONE)
    infrastructure = tmp_path / "infrastructure"
    assert command(tmp_path, "compile", "--output", "infrastructure", "flow.py").returncode == 0
    (infrastructure / "terraform.tfvars.json").write_text('{"name": "Daily"}', encoding="utf-8")
    file = infrastructure / "main.tf.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    definition = next(iter(document["resource"]["aws_batch_job_definition"].values()))
    definition["color"] = "blue"
    file.write_text(json.dumps(document), encoding="utf-8")
    words = ("rehearse", "--document", "infrastructure", "flow.py", "--quiet")
    ended = command(tmp_path, *words, variables={"TOKEN": "a secret"})
    assert ended.returncode == 0, ended.stderr
    assert "A.x = 'a secret'" in ended.stdout
    assert re.search(r"warning: main\.tf\.json: aws_batch_job_definition\.\w+: argument color is not", ended.stderr)
    assert "to be seen" not in ended.stderr
    definition["timeout"] = {"attempt_duration_seconds": 5}
    file.write_text(json.dumps(document), encoding="utf-8")
    ended = command(tmp_path, *words)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "RegisterJobDefinition is refused: ClientException: attemptDurationSeconds" in ended.stderr


def test_jobs_that_are_no_tasks(tmp_path: Path) -> None:
    """A job that does not say which task it runs fails; of one that ends well and runs none it is said."""
    write(
        tmp_path,
        ONE.replace('@F.register(container=Container(secrets={"TOKEN": SECRET}))', "@F.register").replace(
            'os.environ["TOKEN"]', "1"
        ),
    )
    document = command(tmp_path, "compile", "flow.py").stdout
    (tmp_path / "main.tf.json").write_text(document.replace("LAMINAR_LAYER_NAME", "LAMINAR_LAYER"), encoding="utf-8")
    ended = command(tmp_path, "rehearse", "--document", "main.tf.json", "flow.py")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "this job does not say which task it runs: its environment has no LAMINAR_LAYER_NAME" in ended.stderr
    assert '"python", "main.py"' in " ".join(document.split())
    (tmp_path / "other.py").write_text("", encoding="utf-8")
    (tmp_path / "main.tf.json").write_text(document.replace('"main.py"', '"other.py"'), encoding="utf-8")
    ended = command(tmp_path, "rehearse", "--document", "main.tf.json", "flow.py")
    assert ended.returncode == 0, ended.stderr
    assert re.search(
        "warning: execution .* SUCCEEDED, but these layers did not finish: A. What the document starts", ended.stderr
    )


def test_what_is_shown(tmp_path: Path) -> None:
    """Output with layer and attempt, the user's own paths, what was skipped and why, and what the execution took."""
    write(tmp_path, SKIPPING)
    ended = command(tmp_path, "rehearse", "flow.py")
    assert ended.returncode == 0, ended.stderr
    assert "[B] ValueError: the first time\n" in ended.stderr
    assert "[B attempt 2] the second time\n" in ended.stderr
    assert f'File "{tmp_path / "flow.py"}", line ' in ended.stderr
    assert "laminar-image-" not in ended.stderr
    assert "S: skipped, as its entry hook never returned false\n" in ended.stderr
    assert "T: skipped, as S did not finish\n" in ended.stderr
    assert re.search(r"^\d+ transitions, \d+ events, \$0\.000\d{3} for the orchestration$", ended.stderr, re.MULTILINE)
    assert re.search(r"^\$0\.0\d{5} for the compute, if tasks take as long as here$", ended.stderr, re.MULTILINE)


def test_an_artifact_that_cannot_be_read(tmp_path: Path) -> None:
    """The execution succeeded: the exit code is 0, and a warning names the artifact."""
    write(tmp_path, UNREADABLE)
    ended = command(tmp_path, "rehearse", "flow.py", "--save", "results")
    assert ended.returncode == 0, ended.stderr
    assert "warning: 'hidden' of layer 'A' cannot be read: " in ended.stderr
    assert "A.x = 1  -> results/A/x.json" in ended.stdout


def test_an_embedded_aws_that_is_kept(tmp_path: Path) -> None:
    """It runs on until it is interrupted, and is found by what is printed."""
    write(tmp_path, SKIPPING.partition("\n@F.register\nclass S")[0])
    whole = [sys.executable, "-m", "laminar_codegen", "rehearse", "--keep", "flow.py"]
    with subprocess.Popen(whole, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line == "  }\n":
                break
        printed = "".join(lines)
        variables = dict(re.findall(r"^  export (\w+)=(.*)$", printed, re.MULTILINE))
        machine = re.search(r"--state-machine-arn (\S+)", printed)
        assert machine, printed
        executions = client(variables, "stepfunctions").list_executions(stateMachineArn=machine[1])["executions"]
        assert [execution["status"] for execution in executions] == ["SUCCEEDED"]
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
        assert process.stdout is not None
        assert "A.x = 1" in process.stdout.read()


def client(variables: Mapping[str, str], service: str) -> Any:
    return botocore.session.get_session().create_client(
        service,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables.get("AWS_SESSION_TOKEN"),
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--var", "name"], "'name' is not of the form NAME=VALUE"),
        (["--document", "missing"], "there is no *.tf.json"),
        (["--var-file", "missing.tfvars"], "No such file or directory: 'missing.tfvars'"),
    ],
)
def test_wrong_words(tmp_path: Path, words: list[str], message: str) -> None:
    """What does not name values or documents is refused before anything runs."""
    write(tmp_path, ONE)
    (tmp_path / "missing").mkdir()
    ended = command(tmp_path, "rehearse", "flow.py", *words)
    assert ended.returncode in {1, 2}
    assert ended.stdout == ""
    assert message in ended.stderr
