"""Layers of `AWS.Auto` are compiled as if the flow had named the targets that the profile chooses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from laminar_codegen.command.choices import report_choices
from laminar_codegen.command.main import main
from laminar_codegen.ir.terraform import Module
from laminar_codegen.pipeline import Scheduling, compile_flow
from laminar_codegen.planning.choose_targets import choose_targets
from laminar_codegen.problems import CompileError
from laminar_codegen.render.hcl import render_hcl
from laminar_codegen.render.terraform_json import render_document
from tests.support.graph_notation import graph_in

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container, ForEach, Parameter
from laminar_runtime.configurations.networks import Network
from laminar_runtime.configurations.schedulers import AWS


class Report(Flow): ...


@Report.register(executor={load})
class Load(Layer):
    def __call__(self) -> None:
        self.shard(row=[1, 2, 3])


@Report.register(executor={train}, container=Container(cpu=2, memory=4096))
class Train(Layer):
    def __call__(self, load: Load) -> None: ...


@Report.register(executor={score}, foreach=ForEach(parameters=[Parameter(Load, "row")]))
class Score(Layer):
    def __call__(self, load: Load) -> None: ...


@Report.register(executor={publish}, container=Container(memory=512))
class Publish(Layer):
    def __call__(self, train: Train, score: Score) -> None: ...


flow = Report(executor={usual}{more})
"""
AUTO = "executors.AWS.Auto(batch=executors.AWS.Batch(queue='big'), function=executors.AWS.Lambda(timeout=90, role='f'))"
BATCH, FUNCTION = "executors.AWS.Batch(queue='big')", "executors.AWS.Lambda(timeout=90, role='f')"
SECONDS = {"Load": 2, "Train": 200, "Score": 1, "Publish": 3}


def text(*executors: str, usual: str = "executors.AWS.Batch()", more: str = "") -> str:
    """Return the flow with the executors of its layers, in their order."""
    layers = dict(zip(("load", "train", "score", "publish"), executors, strict=True))
    return FLOW.format(**layers, usual=usual, more=more)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the flow's file and its profile."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "profile.json").write_text(json.dumps({"Report": SECONDS}))
    return tmp_path


def compiled(code: str, module: Module | None = None, *, profile: bool = True) -> str:
    """Return the document of the flow, in JSON and in HCL."""
    Path("flow.py").write_text(code)
    document = compile_flow("flow.py", Scheduling(profile=Path("profile.json") if profile else None), module).document
    return render_document(document) + render_hcl(document)


@pytest.mark.parametrize("module", [None, Module("./flow", None)])
def test_the_document_is_that_of_named_targets(folder: Path, module: Module | None) -> None:
    """In JSON, in HCL, and as a call of the module; of the flow or of each layer."""
    expected = compiled(text(FUNCTION, BATCH, BATCH, FUNCTION), module)
    assert '"aws_lambda_function"' in expected or "functions" in expected
    assert compiled(text(AUTO, AUTO, AUTO, AUTO), module) == expected
    of_flow = compiled(text("None", "None", "None", "None", usual=AUTO), module)
    assert of_flow == compiled(text(FUNCTION, "None", "None", FUNCTION, usual=BATCH), module)


def test_without_a_profile_all_run_on_batch(folder: Path) -> None:
    """The document is that of the executor for jobs."""
    expected = compiled(text(BATCH, BATCH, BATCH, BATCH), profile=False)
    assert compiled(text(AUTO, AUTO, AUTO, AUTO), profile=False) == expected


def test_the_network_is_that_of_the_functions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That no function is in it now is no reason to leave it out."""
    network = ", scheduler=AWS.StepFunctions(network=Network(['subnet-1'], ['sg-1']))"
    expected = compiled(text(FUNCTION, BATCH, BATCH, FUNCTION, more=network))
    assert compiled(text(AUTO, AUTO, AUTO, AUTO, more=network)) == expected
    code = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.networks import Network
from laminar_runtime.configurations.schedulers import AWS
class Report(Flow): ...
@Report.register(executor={})
class Load(Layer):
    def __call__(self) -> None: ...
if flow := Report(scheduler=AWS.StepFunctions(network=Network(["subnet-1"], ["sg-1"]))):
    flow()
"""
    Path("flow.py").write_text(code.format("executors.AWS.Batch()"))
    assert main(["check", "flow.py"]) == 0
    assert "LAM078" in capsys.readouterr().err
    Path("flow.py").write_text(code.format("executors.AWS.Auto()"))
    assert main(["check", "flow.py"]) == 0
    assert "LAM078" not in capsys.readouterr().err


def test_check_prints_the_choices(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each layer with both forecasts, or with the reason why there was no choice."""
    Path("flow.py").write_text(text(AUTO, AUTO, AUTO, AUTO))
    assert main(["check", "--profile", "profile.json", "flow.py"]) == 0
    shown = [line.strip() for line in capsys.readouterr().out.splitlines() if "placed" in line or "starts" in line]
    assert shown == [
        "placed          Load: AWS Lambda, a function 5.4 s and $0.000156, a job 47.0 s and $0.000848",
        "placed          Train: AWS Batch, takes 200.0 s as a function, more than a third of its timeout of 90 s",
        "placed          Score: AWS Batch, fans out",
        "placed          Publish: AWS Lambda, a function 13.4 s and $0.000137, a job 48.0 s and $0.000848",
        "a job starts in 45 s, a function in 3 s",
    ]
    assert main(["check", "flow.py"]) == 0
    assert "  placed          Load: AWS Batch, there is no profile\n" in capsys.readouterr().out


def test_durations_that_differ(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The timeout is for the slow ones: what nine of ten executions do not exceed."""
    Path("flow.py").write_text(text(AUTO, BATCH, BATCH, BATCH))
    for high, where in ((25, "AWS Lambda, a function 5.4 s"), (26, "AWS Batch, takes 30.7 s as a function, more than")):
        layers = {**SECONDS, "Load": {"seconds": 2, "p10": 1, "p90": high}}
        (folder / "profile.json").write_text(json.dumps({"version": 2, "flows": {"Report": layers}}))
        assert main(["check", "--profile", "profile.json", "flow.py"]) == 0
        assert f"Load: {where}" in capsys.readouterr().out


def test_problems_come_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is chosen for a flow that cannot be compiled: all of its problems are printed."""
    Path("flow.py").write_text(text(AUTO, AUTO, AUTO, AUTO).replace("self, load: Load", "self, train: Train, x"))
    assert main(["check", "--pack", "auto", "--profile", "profile.json", "flow.py"]) == 1
    assert "LAM003" in capsys.readouterr().err


def test_roles_of_other_layers(folder: Path) -> None:
    """What only the chosen targets break is a problem, too: a role trusts one service."""
    same = "executors.AWS.Batch(role='f')"
    with pytest.raises(CompileError, match="layers 'Load' and 'Train' have the role 'f', and run on AWS Lambda and on"):
        compiled(text(AUTO, same, same, AUTO))


def test_layers_that_share_a_job_stay_on_batch(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A long chain of short layers is sooner done in one job."""
    names = [f"L{number}" for number in range(30)]
    (folder / "profile.json").write_text(json.dumps({"Report": dict.fromkeys(names, 9)}))
    above = ["", *names]
    layers = "".join(
        f"@Report.register\nclass {name}(Layer):\n"
        f"    def __call__(self{f', before: {above[place]}' if place else ''}) -> None: ...\n"
        for place, name in enumerate(names)
    )
    head = "from laminar_runtime import Flow, Layer\nfrom laminar_runtime.configurations import executors\n"
    code = f"{head}class Report(Flow): ...\n{layers}flow = Report(executor=executors.AWS.Auto())\n"
    Path("flow.py").write_text(code)
    profile = Path("profile.json")
    documents = [
        render_document(compile_flow("flow.py", Scheduling(profile=profile, pack=pack)).document)
        for pack in ("off", "auto")
    ]
    assert [document.count('"aws_lambda_function"') for document in documents] == [1, 0]
    assert main(["check", "--pack", "auto", "--profile", "profile.json", "flow.py"]) == 0
    shown = capsys.readouterr().out
    assert "  packs           30 of 30 layers share 1 job\n" in shown
    assert "L0: AWS Batch, shares a job, so that the flow ends sooner or costs less: a job 54.0 s" in shown


def test_a_report_without_forecasts() -> None:
    """It assumes nothing. The cases of `planning.choose_targets` have the other lines."""
    graph = graph_in("A | on=Auto\nB | on=Auto")
    _, choices = choose_targets(graph, None)
    assert [*report_choices(choices)] == [
        "  placed          A: AWS Batch, there is no profile",
        "  placed          B: AWS Batch, there is no profile",
    ]
