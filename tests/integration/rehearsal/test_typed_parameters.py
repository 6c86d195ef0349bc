"""A flow with typed parameters, deployed to the embedded AWS: what reaches layers, and where wrong inputs end."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime import Flow, deployed
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import ExecutionError, FlowError, NotFoundError
from laminar_runtime.report.collect import collect_report

FLOW = '''
import datetime, enum
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import ForEach, Parameter

class Report(Flow): ...

class Mode(enum.Enum):
    FULL = "full"
    TEST = "test"

@Report.register
class Inputs(Parameters):
    day: datetime.date
    """The day to report on."""
    mode: Mode = Mode.TEST
    sizes: list[float] = []

@Report.register
class First(Layer):
    def __call__(self) -> None:
        self.ran = True

@Report.register(foreach=ForEach([Parameter(Inputs, "sizes")]))
class Each(Layer):
    def __call__(self, first: First, inputs: Inputs) -> None:
        self.read = (inputs.day, inputs.mode, inputs.sizes)

@Report.register
class Full(Layer):
    @hooks.entry
    def is_full(self, inputs: Inputs) -> bool:
        return inputs.mode is Mode.FULL

    def __call__(self, inputs: Inputs, each: Each) -> None:
        self.month = inputs.day.month

if flow := Report():
    flow(day="2026-01-31")
'''


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    folder = tmp_path_factory.mktemp("typed")
    (folder / "flow.py").write_text(FLOW)
    image = folder / "image"
    image.mkdir()
    with EmbeddedAws(workspace=Workspace(directory=lay_out(folder / "flow.py", image)), enforces=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def made(aws: EmbeddedAws) -> tuple[Flow, Deployment]:
    compilation = compile_flow(str(Path(aws.workspace.directory).parent / "flow.py"))
    return compilation.source.flow, deploy(compilation, aws)


@pytest.fixture
def flow(made: tuple[Flow, Deployment], aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Flow:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    made[0].configuration.scheduler = AWS.StepFunctions()
    made[0]._datastore = None
    return made[0]


def start_without_check(deployment: Deployment, parameters: dict[str, object] | None, execution: str) -> None:
    """Start an execution like the console of AWS."""
    deployment.client().start_execution(
        stateMachineArn=deployment.state_machine_arn,
        name=execution,
        input=json.dumps({} if parameters is None else {"parameters": parameters}),
    )


def test_wrong_parameters_are_refused_before_the_start(aws: EmbeddedAws, flow: Flow) -> None:
    """Who has the name of the deployment alone, or its ARN, gets one error with all that is wrong."""
    found = deployed.find("Report")
    for deployment in (found, deployed.find(found.state_machine_arn)):
        with pytest.raises(FlowError) as refused:
            deployment.start({"dey": "2026-01-31", "sizes": [1, "x"]}, id="refused")
        for part in (
            "'dey' is unknown. Did you mean 'day'?",
            "'day' is missing",
            "'sizes[1]' must be a number, not 'x'",
        ):
            assert part in str(refused.value)
    with pytest.raises(NotFoundError):
        found.execution("refused").status()


def test_layers_and_hooks_read_converted_values(flow: Flow, made: tuple[Flow, Deployment]) -> None:
    """A call stores what it converted; a plain input is converted by the first job, and may say more by defaults."""
    called = flow(day=dt.date(2026, 1, 31), mode="full", sizes=[1]).wait(timeout=120)
    made[1].start({"day": "2026-02-01"}, id="plain")
    plain = flow.execution("plain").wait(timeout=120)
    assert [called.layer("Full").month, plain.layer("Full").state.finished] == [1, False]
    day, mode, sizes = plain.layer("Each").read
    assert (day, mode.value, sizes) == (dt.date(2026, 2, 1), "test", [])
    assert called.layer("Each").read[2] == [1.0]
    assert plain.layer("Parameters").mode is mode


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("names", {"dey": "2026-01-31"}, "parameter 'dey' is unknown; parameter 'day' is missing: it must be date"),
        ("types", {"day": 5, "sizes": [1, "x"]}, "'day' must be date, as text, not 5; .*'sizes' must be list"),
        ("nothing", None, "'day' is missing"),
    ],
)
def test_wrong_inputs(
    name: str, parameters: dict[str, object] | None, said: str, flow: Flow, made: tuple[Flow, Deployment]
) -> None:
    """Names and JSON types are refused by the first state, before anything starts, whatever started the execution."""
    start_without_check(made[1], parameters, name)
    with pytest.raises(ExecutionError, match=rf"in state 'Parameters refused'.*FlowError.*{said}"):
        flow.execution(name).wait(timeout=120)
    assert not flow.execution(name).known
    report = collect_report(made[1].execution(name), flow=flow)
    assert (report.refused, report.resume, report.failures.shown[0].layer) == (True, "", "")
    assert "Parameters refused" in report.failures.shown[0].reason


def test_what_only_the_first_job_can_check(flow: Flow, made: tuple[Flow, Deployment], aws: EmbeddedAws) -> None:
    """It fails with the parameter's name, though its layer reads no parameter."""
    made[1].start({"day": "2026-02-30"}, id="late")
    with pytest.raises(
        ExecutionError, match=r"layer 'First' of flow 'Report' failed: FlowError: .* 'day' must be date"
    ):
        flow.execution("late").wait(timeout=120)
    report = collect_report(made[1].execution("late"), flow=flow)
    assert (report.refused, report.resume) == (True, "")
    logs = [file.read_text() for file in aws.logs.rglob("*") if file.is_file()]
    assert any(
        "parameter 'day' must be date, text such as \"2026-01-31\", not '2026-02-30' (Inputs" in log for log in logs
    )


def test_wrong_calls_start_nothing(flow: Flow) -> None:
    """A call with wrong parameters fails here."""
    with pytest.raises(FlowError, match="'day' must be date"):
        flow("never", day="today")
    assert not flow.execution("never").known
