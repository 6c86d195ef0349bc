"""The Docker executor, against a stand-in for ``docker`` that runs the task here and notes its arguments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.layers import Container
from laminar_runtime.exceptions import TaskError
from tests.support.harness import Folder

FLOW = """\
    import os, time
    from laminar_runtime import Flow, Layer, Parameters
    from laminar_runtime.configurations import executors
    from laminar_runtime.configurations.layers import EFS, Container

    DATA = EFS("fs-0123abcd", "/mnt/data", read_only=True)

    class Shipped(Flow): ...

    ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter/token"

    @Shipped.register(
        container=Container(
            image="team/flow:1", cpu=2, memory=512, workdir="/srv", secrets={"TOKEN": ARN}, volumes=[DATA]
        )
    )
    class A(Layer):
        def __call__(self, parameters: Parameters) -> None:
            if parameters.does == "wait":
                time.sleep(60)
            if parameters.does == "fail":
                raise ValueError("no luck")
            self.secret = os.environ.get("DOCKER_SECRET", "not passed on")
            self.token = os.environ["TOKEN"]
            assert str(DATA.path) == "/mnt/data"

    if flow := Shipped(executor=executors.Docker(timeout=TIMEOUT)):
        print(flow(does=os.environ["DOES"]).layer(A).secret)
"""


def calls(folder: Folder) -> list[Any]:
    """Return the words of each call of the command."""
    return [json.loads(line) for line in (folder.path / "calls").read_text().splitlines()]


def test_a_task_in_a_container(docker: Folder) -> None:
    """A task gets the limits, the mounted datastore and its variables; the container is removed after it."""
    assert docker.run(FLOW.replace("TIMEOUT", "60"), DOES="work") == "not passed on"
    run, remove = calls(docker)
    name = next(word for word in run if word.startswith("--name=")).removeprefix("--name=")
    assert remove == ["rm", "--force", name]
    root = docker.path / ".laminar"
    wanted = {"--rm", "--cpus=2", "--memory=512m", "--workdir=/srv", f"--mount=type=bind,source={root},target={root}"}
    wanted.add(f"--mount=type=bind,source={root}/.volumes/data,target=/mnt/data,readonly")
    assert wanted <= set(run)
    assert run[-3:] == ["team/flow:1", "python", "main.py"]


def test_no_values_on_the_command_line(docker: Folder) -> None:
    """Variables are named on the command line; their values, which others on the machine could see, are not."""
    docker.run(FLOW.replace("TIMEOUT", "60"), DOES="work")
    variables = [word for word in calls(docker)[0] if word.startswith("--env=")]
    assert "--env=LAMINAR_LAYER_NAME" in variables
    assert "--env=AWS_SECRET_ACCESS_KEY" in variables
    assert not any("very secret" in word or "=A" in word.partition("=")[2] for word in calls(docker)[0])


def test_variables_of_a_container_are_not_those_of_docker(docker: Folder) -> None:
    """A container may have a PATH and a HOME of its own: ``docker`` goes by those of this process."""
    own = "environment={'PATH': '/only/there', 'HOME': '/srv', 'LINES': 'one\\ntwo', 'TEXT': ' a \"b\" #c'}, image="
    flow = FLOW.replace("TIMEOUT", "60").replace("image=", own)
    flow = flow.replace('os.environ.get("DOCKER_SECRET", "not passed on")', "[os.environ[n] for n in sorted(NAMES)]")
    flow = flow.replace("ARN =", "NAMES = {'PATH', 'HOME', 'LINES', 'TEXT'}\n    ARN =")
    assert docker.run(flow, DOES="work") == str(["/srv", "one\ntwo", "/only/there", ' a "b" #c'])
    assert not any("/only/there" in word for word in calls(docker)[0])


def test_a_failing_task(docker: Folder) -> None:
    """The traceback of a task that fails in its container reaches the caller."""
    docker.write(FLOW.replace("TIMEOUT", "60"))
    ended = docker.python("main.py", DOES="fail")
    assert ended.returncode == 1
    assert "layer 'A' of flow 'Shipped' failed on attempt 1" in ended.stderr
    assert "ValueError: no luck" in ended.stderr
    assert len(ended.stderr.splitlines()) <= 25


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("os.execvp('true', ['true'])", "succeeded, but the layer did not finish"),
        ("os._exit(0)", "called os._exit(0)"),
        ("os._exit(7)", "exit code 7"),
    ],
)
def test_a_container_that_ends_before_its_layer(end: str, message: str, docker: Folder) -> None:
    """What counts is what the task stores, and not the exit code: a container that ends early has failed."""
    script = FLOW.replace("TIMEOUT", "60").replace("self.secret =", f"{end}\n            self.secret =")
    docker.write(script)
    ended = docker.python("main.py", DOES="work")
    assert ended.returncode == 1
    assert message in ended.stderr
    assert len(ended.stderr.splitlines()) <= 25


def test_removal_on_timeout(docker: Folder) -> None:
    """A container that takes too long is removed, and its task has failed."""
    docker.write(FLOW.replace("TIMEOUT", "1.5"))
    ended = docker.python("main.py", DOES="wait")
    assert "it did not end within 1.5 seconds and was stopped" in ended.stderr
    assert [words[0] for words in calls(docker)] == ["run", "rm"]


def test_docker_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task's error says that the machine has no Docker."""
    monkeypatch.setenv("PATH", str(tmp_path))

    class Bare(Flow): ...

    @Bare.register(container=Container(image="team/flow:1"))
    class A(Layer): ...

    flow = Bare(datastore=datastores.Local(root=tmp_path), executor=executors.Docker())
    with pytest.raises(TaskError, match=r"the command 'docker run .*' cannot be started"):
        flow()
