"""A new kind of trigger is one value in the registry: no pass knows a kind by name. The recipe of the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.command.main import main
from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Alarm, Deployment, Role
from laminar_codegen.ir.expressions import Joined, Ref
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block, Variable
from laminar_codegen.policies.sizes import Fitted, fit
from laminar_codegen.policies.statement import Statement, states_arn
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import Rule
from laminar_codegen.triggers import registry
from laminar_codegen.triggers.event_start import SOURCES
from laminar_codegen.triggers.kind import TriggerKind
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions
from laminar_runtime.configurations.triggers import EventTrigger

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.schedulers import AWS


class Uploads(AWS.StepFunctions):
    "Stands for a scheduler with one more argument."

    def __init__(self, prefix):
        super().__init__()
        self.prefix = prefix


class Import(Flow): ...


@Import.register
class Load(Layer):
    def __call__(self) -> None: ...


flow = Import(scheduler=Uploads(prefix={prefix!r}))
"""


def _find(scheduler: StepFunctions) -> Iterator[str]:
    """Yield the prefix of the objects whose upload starts the flow."""
    if hasattr(scheduler, "prefix"):
        yield scheduler.prefix


def _emit(prefix: str) -> Iterator[Block]:
    pattern = {"source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": prefix}]}}}
    yield Block(
        "aws_cloudwatch_event_rule",
        "upload",
        {"name": labels.of_deployment("upload"), "event_pattern": json.dumps(pattern), "tags": Ref("var.tags")},
    )
    yield Block("aws_s3_bucket_notification", "upload", {"bucket": Ref("var.upload_bucket"), "eventbridge": True})
    yield Block(
        "aws_cloudwatch_event_target",
        "upload",
        {
            "rule": Ref("aws_cloudwatch_event_rule.upload.name"),
            "arn": Ref("aws_sfn_state_machine.flow.arn"),
            "role_arn": labels.role("upload"),
            "input": "{}",
        },
    )


RULE = Rule("LAM099", "any upload starts the flow", "The toy trigger needs a prefix.", "Name one.")


def _rule(graph: Graph, prefix: str) -> Iterator[Problem]:
    if not prefix:
        yield Problem(graph.location, RULE, f"flow '{graph.flow}' starts on any upload", "name a prefix")


def _permissions(deployment: Deployment) -> Fitted:
    machine = (states_arn("stateMachine", labels.MAIN),)
    return fit(deployment, lambda _: (Statement("StartOnUpload", ("states:StartExecution",), machine),))


def _alarms(_: str) -> Iterator[Alarm]:
    yield Alarm(
        label="upload_failed",
        description=Joined("A start of ", Ref("var.name"), " failed"),
        namespace="AWS/Events",
        metric="FailedInvocations",
        statistic="Sum",
        dimensions={"RuleName": Ref("aws_cloudwatch_event_rule.upload.name")},
    )


UPLOAD = TriggerKind(
    name="upload",
    find=_find,
    emit=_emit,
    rules=(_rule,),
    roles=lambda _, flows: (
        Role("upload", "events.amazonaws.com", f"Starts the {flows} on uploads", "starts on uploads"),
    ),
    permissions={"upload": _permissions},
    alarms=_alarms,
    variables=lambda _: (Variable(name="upload_bucket", type="string", description="Bucket of uploads."),),
)


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder for a flow, with the kind in the registry."""
    monkeypatch.setattr(registry, "TRIGGERS", (*registry.TRIGGERS, UPLOAD))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_kind_of_trigger_is_one_entry(uploads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its resources, role, permissions, alarm and variable are in the document."""
    (uploads / "flow.py").write_text(FLOW.format(prefix="in/"))
    assert main(["flow.py"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    made = document["resource"]
    assert "in/" in made["aws_cloudwatch_event_rule"]["upload"]["event_pattern"]
    assert made["aws_cloudwatch_event_target"]["upload"]["role_arn"] == "${local.upload_role_arn}"
    assert made["aws_iam_role"]["upload"]["description"] == "Starts the flow Import on uploads"
    assert document["locals"]["trust"]["upload"]["Statement"][0]["Principal"] == {"Service": "events.amazonaws.com"}
    (statement,) = document["locals"]["statements"]["upload"]
    assert statement["Action"] == ["states:StartExecution"]
    assert made["aws_cloudwatch_metric_alarm"]["upload_failed"]["threshold"] == 0
    assert {"upload_bucket", "upload_role_arn"} <= set(document["variable"])


def test_a_module_knows_nothing_of_it(uploads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its resources and alarms stay in the document. Its role is the module's, like all roles."""
    (uploads / "flow.py").write_text(FLOW.format(prefix="in/"))
    assert main(["--module", "./modules/flow", "flow.py"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document["resource"]["aws_cloudwatch_event_rule"]) == {"upload"}
    for kind in ("aws_cloudwatch_event_target", "aws_s3_bucket_notification"):
        assert document["resource"][kind]["upload"]["depends_on"] == ["module.flow"]
    assert document["module"]["flow"]["roles"]["upload"]["service"] == "events.amazonaws.com"
    assert set(document["resource"]["aws_cloudwatch_metric_alarm"]) == {"upload_failed"}
    assert "upload" not in str([pair for moved in document["moved"] for pair in moved if "alarm" in pair["from"]])


def test_its_rules_are_checked(uploads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rule of the kind refuses a flow."""
    (uploads / "flow.py").write_text(FLOW.format(prefix=""))
    assert main(["flow.py"]) == 1
    assert "LAM099" in capsys.readouterr().err


def test_flows_without_it_are_as_they_were(uploads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A kind that a flow does not use leaves nothing in its document."""
    (uploads / "flow.py").write_text(FLOW.replace("Uploads(prefix={prefix!r})", "AWS.StepFunctions()"))
    assert main(["flow.py"]) == 0
    assert "upload" not in capsys.readouterr().out


def test_each_kind_of_event_has_its_pattern() -> None:
    """A class of the runtime without a row would be accepted, and fail later."""
    assert {*EventTrigger.__subclasses__()} == {*SOURCES}
    assert len({kind.kind for kind in SOURCES}) == len(SOURCES)
