"""What the scheduler takes, and what it makes of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.api import compile_plain, create
from laminar_codegen.command.main import main
from laminar_codegen.frontend.loader import load
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.problems import CompileError
from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.configurations.triggers import After, Schedule
from laminar_runtime.exceptions import SchedulerError
from tests.support.commands import CALLS

GOLDEN = Path(__file__).parents[2] / "golden"


FOLLOWS = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.configurations.triggers import After

class F(Flow): ...

@F.register
class A(Layer):
    def __call__(self) -> None: ...

flow = F(scheduler={})
flow()
"""


class Report(Flow): ...


@Report.register
class A(Layer):
    def __call__(self) -> None: ...


@pytest.mark.parametrize(
    "arguments",
    [
        {"schedule": 5},
        {"timezone": None},
        {"joins": ["exact"]},
        {"variables": ["x"]},
        {"directory": 3},
        {"apply": "no"},
        {"module": 3},
        {"module_version": 1.0},
    ],
)
def test_arguments_of_wrong_types(arguments: dict[str, Any]) -> None:
    """The error for an argument of a wrong type names it, when it is given."""
    with pytest.raises(SchedulerError, match=f"the {next(iter(arguments))} of AWS.StepFunctions"):
        AWS.StepFunctions(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"module_version": "1.0"}, "the module_version of AWS.StepFunctions needs a module"),
        ({"module": "../flow", "module_version": "1.0"}, "module_version .* needs a module of a registry"),
        ({"module": "git::https://x/y.git", "module_version": "1.0"}, "needs a module of a registry, but 'git::"),
        ({"module": "https://x/y.zip", "module_version": "1.0"}, "needs a module of a registry, but 'https:"),
        ({"module": "${path.module}"}, "the module of AWS.StepFunctions must be one line of plain text"),
        ({"module": ""}, "the module of AWS.StepFunctions must be one line of plain text"),
        ({"module": "a/b/c", "module_version": ""}, "the module_version of AWS.StepFunctions must be one line"),
    ],
)
def test_what_can_be_no_module(arguments: dict[str, Any], message: str) -> None:
    """What can be no module, or no version of one, is an error when it is given."""
    with pytest.raises(SchedulerError, match=message):
        AWS.StepFunctions(**arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"flow": Layer}, "the flow of After must be a flow, .* not <class"),
        ({"flow": "Import", "status": 5}, "the status of After must be text or a list of texts, not 5"),
        ({"flow": "Import", "status": ["FAILED", None]}, "the status of After must be .* not 'FAILED', None"),
    ],
)
def test_what_no_flow_follows(arguments: dict[str, Any], said: str) -> None:
    """A layer is no flow, and a status is text."""
    with pytest.raises(SchedulerError, match=said):
        After(**arguments)


def test_a_flow_follows_a_flow_by_any_of_its_names() -> None:
    """It is named by its class, by itself, and by the name of its deployment."""

    class Import(Flow): ...

    schedulers = [AWS.StepFunctions(deployment="import"), AWS.StepFunctions(variables={"name": "import-prod"})]
    found = [After(Import), After(Import()), *(After(Import(scheduler=scheduler)) for scheduler in schedulers)]
    assert [one.flow for one in found] == ["Import", "Import", "import", "import-prod"]


@pytest.mark.parametrize(
    "scheduler", ['AWS.StepFunctions("prod", {})', 'AWS.StepFunctions(variables={{"name": "prod"}}, {})']
)
def test_a_flow_does_not_follow_its_own_deployment(scheduler: str, tmp_path: Path) -> None:
    """It is known by the configured name: another deployment may have the name of the flow."""
    file = tmp_path / "flow.py"

    def messages(name: str) -> str:
        file.write_text(FOLLOWS.format(scheduler.format(f"triggers=[After({name!r})]")), encoding="utf-8")
        try:
            compile_flow(str(file))
        except CompileError as error:
            return str(error)
        return ""

    assert "starts the flow after itself" in messages("prod")
    assert not messages("F")


@pytest.mark.parametrize("zone", ["Europe/Berlin", Variable("zone")])
def test_a_time_zone_without_a_schedule_is_refused(zone: Any) -> None:
    """It would be ignored: each trigger has its own."""
    with pytest.raises(SchedulerError, match="give a trigger its own"):
        AWS.StepFunctions(timezone=zone, triggers=[Schedule("cron(0 6 * * ? *)")])


def test_the_module_of_the_scheduler(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A scheduler with a module has it called as the command does with `--module`; the command heeds it, too."""
    file = tmp_path / "flow.py"
    file.write_text(CALLS, encoding="utf-8")
    flow = load(str(file)).flow
    assert isinstance(flow.configuration.scheduler, AWS.StepFunctions)
    document = flow.configuration.scheduler.compile(execution=flow.execution("x"))["document"]
    call = document["module"]["flow"]
    assert (call["source"], call["version"]) == ("team/flow/aws", "~> 1.0")
    assert "aws_sfn_state_machine" not in document["resource"]

    def printed(*words: str) -> Any:
        assert main([str(file), *words]) == 0
        return json.loads(capsys.readouterr().out)

    assert printed() == document
    assert printed("--module", "team/flow/aws", "--module-version", "~> 1.0") == document
    # The arguments of the command come first, the version with them.
    call = printed("--module", "./flow")["module"]["flow"]
    assert call["source"] == "./flow"
    assert "version" not in call


def test_the_scheduler_that_compiles_is_heeded() -> None:
    """A flow is compiled as the scheduler that is asked deploys it, whatever the flow's own is."""
    scheduler = AWS.StepFunctions(module="./flow", schedule="rate(1 hour)", timezone="Europe/Berlin")
    call = scheduler.compile(execution=Report().execution("x"))["document"]["module"]["flow"]
    assert call["source"] == "./flow"
    assert call["schedule"]["expression"] == "rate(1 hour)"
    assert call["schedule"]["timezone"] == "Europe/Berlin"


def test_the_joins_of_the_scheduler_that_compiles_are_heeded() -> None:
    """The plan that it gives is the one that its joins make."""
    flow = load(str(GOLDEN / "n_shaped" / "flow.py")).flow
    plans = {
        joins: AWS.StepFunctions(joins=joins).compile(execution=flow.execution("x"))["plan"]
        for joins in ("barriers", "exact")
    }
    assert plans["barriers"] != plans["exact"]


def test_create_without_python_terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To compile needs no python-terraform; the error of ``create`` names the extra that installs it."""
    monkeypatch.delitem(sys.modules, "laminar_codegen.api.terraform_cli", raising=False)
    monkeypatch.delattr("laminar_codegen.api.terraform_cli", raising=False)
    monkeypatch.setitem(sys.modules, "python_terraform", None)
    compiled = compile_plain(Report(), AWS.StepFunctions())
    with pytest.raises(SchedulerError, match=r"create\(\) .*: install laminar-terraform\[create\]$"):
        create(compiled, tmp_path / "out", variables={}, apply=False)
    assert not (tmp_path / "out").exists()
