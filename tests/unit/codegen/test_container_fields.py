"""A new field of a container is declared once and lowered once by each target. The recipe of the documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.command.main import main
from laminar_codegen.targets.aws_lambda import options as of_functions
from laminar_codegen.targets.batch import options as of_jobs
from laminar_codegen.targets.batch.options import Option

FLOW = """
from __future__ import annotations

from laminar_runtime import Flow, Layer, _records
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container


@_records.define
class Wider(Container):
    "Stands for a container with more fields."

    person: str | None = _records.field(default=None, kw_only=True)
    room: int | None = _records.field(default=None, kw_only=True)
    folders: dict = _records.field(factory=dict, kw_only=True)


class Report(Flow): ...


@Report.register(executor=executors.AWS.{executor}, container=Wider({fields}))
class Load(Layer):
    def __call__(self) -> None: ...


@Report.register
class Usual(Layer):
    def __call__(self) -> None: ...


flow = Report()
"""


@pytest.fixture
def wider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder for a flow, with rows for three more fields."""
    rows = {
        "person": Option(properties=lambda name: {"user": name}),
        "room": Option(
            properties=lambda mib: {"linuxParameters": {"sharedMemorySize": mib}}, fargate_lacks="shared memory"
        ),
        "folders": Option(
            properties=lambda sizes: {
                "linuxParameters": {"tmpfs": [{"containerPath": path, "size": size} for path, size in sizes]}
            }
        ),
    }
    monkeypatch.setattr(of_jobs, "OPTIONS", {**of_jobs.OPTIONS, **rows})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compiled(folder: Path, capsys: pytest.CaptureFixture[str], fields: str, executor: str) -> dict[str, Any]:
    (folder / "flow.py").write_text(FLOW.format(fields=fields, executor=executor))
    assert main(["flow.py"]) == 0, capsys.readouterr().err
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_fields_are_properties_of_a_job_definition_of_their_own(
    wider: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fields of one property are merged, in a job definition of their own. A plan of Terraform shows them."""
    fields = "person='1000', room=64, folders={'/scratch': 16}"
    document = compiled(wider, capsys, fields, "Batch(platform='EC2')")
    containers = document["locals"]["containers"]
    (label,) = (label for label in containers if label.startswith("ec2_"))
    assert containers[label]["user"] == "1000"
    parameters = {"sharedMemorySize": 64, "tmpfs": [{"containerPath": "/scratch", "size": 16}]}
    assert containers[label]["linuxParameters"] == parameters
    assert not {"user", "linuxParameters"} & containers["fargate"].keys()
    said = document["locals"]["layers"]["Load"]
    assert (said["person"], said["room"], said["folders"]) == ("1000", 64, {"/scratch": 16})


def test_a_field_that_is_not_set_changes_nothing(wider: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The documents of flows without the field keep their bytes: the usual job definition is the only one."""
    document = compiled(wider, capsys, "", "Batch()")
    assert document["locals"]["containers"].keys() == {"fargate"}


OF_TEAM = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container


class OfTeam(Container):
    "A container of a team, with its tags and its user."

    def __init__(self, team: str, user: str = "1000") -> None:
        super().__init__(tags={"team": team}, user=user)


class Report(Flow): ...


@Report.register(container=OfTeam("data"))
class Load(Layer):
    def __call__(self) -> None: ...


flow = Report()
"""


def test_what_a_subclass_sets_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A subclass may have arguments of its own, and set fields: its job definition has them, and so has the job."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text(OF_TEAM)
    assert main(["flow.py"]) == 0, capsys.readouterr().err
    document = json.loads(capsys.readouterr().out)
    (container,) = document["locals"]["containers"].values()
    assert container["user"] == "1000"
    assert document["locals"]["layers"]["Load"]["tags"] == {"team": "data"}


def test_what_fargate_lacks_is_refused(wider: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A field that only EC2 has is refused on Fargate, without a rule of its own."""
    (wider / "flow.py").write_text(FLOW.format(fields="room=64", executor="Batch()"))
    assert main(["flow.py"]) == 1
    assert "LAM031 layer 'Load' requests shared memory; Fargate has none" in capsys.readouterr().err


def test_functions_lack_what_is_not_said_to_be_theirs(wider: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A field without a row is refused on AWS Lambda."""
    (wider / "flow.py").write_text(FLOW.format(fields="person='1000'", executor="Lambda()"))
    assert main(["flow.py"]) == 1
    assert "LAM038" in (error := capsys.readouterr().err)
    assert "asks for person: functions lack it" in error


def test_functions_have_what_is_said_to_be_theirs(
    wider: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row gives the function its arguments, merged with those that all functions have."""
    rows = {"person": lambda name: {"environment": {"variables": {"USER": name}}}}
    monkeypatch.setattr(of_functions, "TAKEN", {**of_functions.TAKEN, **rows})
    document = compiled(wider, capsys, "person='1000'", "Lambda()")
    function = document["resource"]["aws_lambda_function"]["run_load"]
    assert function["environment"]["variables"].items() >= {"USER": "1000"}.items()
    assert "LAMINAR_FLOW_NAME" in function["environment"]["variables"]
