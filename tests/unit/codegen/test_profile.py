"""What a profile says: seconds of layers and of splits, and how long jobs take to start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from laminar_codegen.command.main import main
from laminar_codegen.command.start_ups import describe_start_ups
from laminar_codegen.pipeline import Scheduling, compile_flow
from laminar_codegen.planning.choose_packs import choose_option, choose_packs
from laminar_codegen.planning.durations_file import read_profile
from laminar_codegen.planning.pack_costs import Costs, start_ups
from laminar_codegen.planning.profile import LayerTimes, Profile, Spread, StartTimes, StartUp
from laminar_codegen.problems import CompileError
from laminar_codegen.render.terraform_json import render_document
from tests.support.graph_notation import graph_in

REPORT = StartTimes("FARGATE", 40.0, image="registry:5000/report", jobs=9, billed=20.0)
BIG = StartTimes("FARGATE", 70.0, image="big", jobs=4)


def test_a_profile_says_how_long_layers_and_splits_take() -> None:
    profile = Profile({"Load": LayerTimes(12.0), "Each": LayerTimes(60.0, Spread(50, 90), 3, split_seconds=2.5)})
    assert (profile.seconds("Load"), profile.seconds("Each"), profile.seconds("New")) == (12.0, 60.0, None)
    assert (profile.split_seconds("Load"), profile.split_seconds("Each"), profile.split_seconds("New")) == (
        12,
        2.5,
        None,
    )
    assert (profile.spread("Load"), profile.spread("Each"), profile.spread("New")) == (None, Spread(50, 90), None)
    assert profile.durations == {"Load": 12.0, "Each": 60.0}
    assert profile.task_seconds == {"Load": 12.0, "Each": 2.5}


@pytest.mark.parametrize(
    "image", ["registry:5000/report:2", "registry:5000/report", "registry:5000/report:2@sha256:0123"]
)
def test_a_new_build_of_an_image_finds_the_starts_of_the_former_ones(image: str) -> None:
    found = Profile({}, (REPORT, BIG)).start_up("FARGATE", image)
    assert found == StartUp(40.0, billed=20.0, jobs=9, image="registry:5000/report")


@pytest.mark.parametrize("image", ["other", None])
def test_an_image_that_never_started_there_gets_what_is_usual_for_the_target(image: str | None) -> None:
    """The middle one of all jobs: those of the larger image are fewer."""
    assert Profile({}, (BIG, REPORT)).start_up("FARGATE", image) == StartUp(40.0, billed=20.0, jobs=13)


def test_starts_of_other_targets_do_not_count() -> None:
    profile = Profile({}, (REPORT,))
    assert profile.start_up("FARGATE_SPOT", "registry:5000/report") is None
    assert Profile({}).start_up("FARGATE") is None


def test_all_forms_by_hand_mean_the_same(tmp_path: Path) -> None:
    """A plain number stands for an object, with a version and without."""
    forms = (
        {"Report": {"Load": 2}},
        {"version": 2, "flows": {"Report": {"Load": 2}}},
        {"version": 2, "flows": {"Report": {"Load": {"seconds": 2.0}}}, "starts": []},
    )
    read = []
    for number, form in enumerate(forms):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(form))
        read.append(read_profile(file, "Report"))
    assert read == [Profile({"Load": LayerTimes(2.0)})] * 3


GRAPH = "A | image=small:1\nB after A | image=small:1\nC after B | on=EC2\nD after C | spot=true\nE after D | on=Lambda"
STARTS = (
    StartTimes("FARGATE", 20.0, image="small", jobs=9),
    StartTimes("FARGATE", 80.0, image="big", jobs=3, billed=30.0),
    StartTimes("EC2", 200.0),
)


def test_jobs_start_as_measured_or_as_usual() -> None:
    """Fargate Spot was not measured here, and a function has no job."""
    graph = graph_in(GRAPH)
    costs = Costs(profile=Profile({}, STARTS))
    assert start_ups(graph, costs) == {"A": 20.0, "B": 20.0, "C": 200.0, "D": 45.0, "E": 0.0}
    own = [costs.at(layer.placement).billed_start_up for layer in graph.layers]
    assert own == [15.0, 15.0, 15.0, 15.0, 15.0]
    big = graph_in("A | image=big:1").layers[0]
    assert costs.at(big.placement).billed_start_up == 30.0
    quick = Costs(profile=Profile({}, (StartTimes("FARGATE", 8.0),)))
    assert quick.at(big.placement).billed_start_up == 8.0


def test_the_report_says_where_start_ups_are_from() -> None:
    graph = graph_in(GRAPH)
    bills = "bills 15 s of this, and at least 60 s"
    measured = "a job on Fargate starts in 20 s, the median of 9 jobs of image small in the profile"
    of_ec2 = "a job on EC2 starts in 200 s, the median of jobs in the profile; EC2 has no fixed prices"
    assert [*describe_start_ups(graph.layers, Costs(profile=Profile({}, STARTS)))] == [
        f"{measured}; Fargate {bills}",
        f"{of_ec2}, and counts as Fargate, which {bills}",
        f"a job starts in 45 s; Fargate {bills}",
    ]


def test_layers_share_jobs_where_starts_are_slow() -> None:
    """Beside each other, in jobs of their own, they end sooner if jobs start at once."""
    graph = graph_in("\n".join(f"L{number} | cpu=8 memory=16384" for number in range(4)) + "\nEnd after L0, L1, L2, L3")
    durations = {**{f"L{number}": 30.0 for number in range(4)}, "End": 1.0}

    def jobs(seconds: float) -> int:
        costs = Costs(minimum=0, billed_start_up=0, profile=Profile({}, (StartTimes("FARGATE", seconds, billed=0.0),)))
        return 5 - sum(len(pack.layers) - 1 for pack in choose_packs(graph, "auto", durations, costs))

    assert jobs(0.0) > jobs(300.0)


def test_the_jobs_of_a_flow_are_chosen_once() -> None:
    """What chooses the targets has planned the flow already, if all of its layers stay on AWS Batch."""
    durations = {"A": 30.0, "B": 30.0}
    costs = Costs(profile=Profile({}, STARTS))
    first, second = (choose_option(graph_in("A\nB after A"), "auto", durations, costs)[1] for _ in range(2))
    assert first is second
    other = choose_option(graph_in("A\nB after A"), "auto", {**durations, "B": 31.0}, costs)[1]
    dearer = choose_option(graph_in("A\nB after A"), "auto", durations, Costs(profile=Profile({}, STARTS), minimum=90))
    assert other.seconds == first.seconds + 1
    assert dearer[1].dollars > first.dollars


FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.schedulers import AWS

class Report(Flow): ...

@Report.register
class A(Layer):
    def __call__(self) -> None: ...

@Report.register
class B(Layer):
    def __call__(self, a: A) -> None: ...

flow = Report(scheduler=AWS.StepFunctions(pack="auto", profile="profile.json"))
"""
MEASURED = {
    "version": 2,
    "flows": {"Report": {"A": {"seconds": 2.0, "p10": 1.0, "p90": 3.0}, "B": 1.0}},
    "starts": [{"target": "FARGATE", "jobs": 40, "seconds": 30.0, "billed": 10.0}],
}


def test_a_profile_beside_the_flow_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its path goes from the flow's file, and the document is the same wherever the compiler runs."""
    folder, other = tmp_path / "flows", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (folder / "flow.py").write_text(FLOW)
    (folder / "profile.json").write_text(json.dumps(MEASURED))
    printed = []
    for here, name in ((folder, "flow.py"), (tmp_path, "flows/flow.py"), (other, str(folder / "flow.py"))):
        monkeypatch.chdir(here)
        assert main([name]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] == printed[2]
    assert "A + B" in printed[0]
    monkeypatch.chdir(tmp_path)
    (folder / "profile.json").unlink()
    assert main(["flows/flow.py"]) == 1
    assert "flows/profile.json: LAM030 the profile cannot be read" in capsys.readouterr().err


def test_compiling_with_a_profile_is_deterministic(tmp_path: Path) -> None:
    """The order in which a profile has its parts does not count."""
    (tmp_path / "flow.py").write_text(FLOW)
    turned = {**MEASURED, "flows": {"Report": dict(reversed(MEASURED["flows"]["Report"].items()))}}  # type: ignore[index]
    turned["starts"] = [{"target": "EC2", "seconds": 4}, *MEASURED["starts"]]  # type: ignore[misc]
    found = set()
    for number, profile in enumerate((MEASURED, MEASURED, dict(reversed(turned.items())))):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(profile))
        document = compile_flow(str(tmp_path / "flow.py"), Scheduling(profile=file)).document
        found.add(render_document(document))
    assert len(found) == 1


def test_check_says_which_start_up_it_assumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text(FLOW)
    (tmp_path / "profile.json").write_text(json.dumps(MEASURED))
    assert main(["check", "flow.py"]) == 0
    printed = capsys.readouterr().out
    assert "  saves           1 start-up, 30.0 s and $" in printed
    line = "a job on Fargate starts in 30 s, the median of 40 jobs in the profile; Fargate bills 10 s of this"
    assert f"                  {line}, and at least 60 s\n" in printed


CHAIN = """
from laminar_runtime import Flow, Layer, Parameters

class First(Flow): ...
class Second(Flow): ...

@First.register
class A(Layer):
    def __call__(self) -> None: ...

@Second.register
class B(Layer):
    def __call__(self) -> None: ...

First()().next(flow=Second(), linker=lambda _: Parameters())
"""


def test_all_flows_of_a_chain_are_missed_at_once(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(CHAIN)
    file = tmp_path / "profile.json"
    file.write_text(json.dumps({"Other": {"A": -1}}))
    with pytest.raises(CompileError) as raised:
        compile_flow(str(tmp_path / "flow.py"), Scheduling(profile=file))
    assert [problem.what for problem in raised.value.problems] == [
        "the profile has no durations of flow 'First', only of Other",
        "the profile has no durations of flow 'Second', only of Other",
        "the seconds of layer 'A' of flow 'Other' are -1",
    ]
    file.write_text(json.dumps({"First": {"A": 1}, "Second": {"B": 2}}))
    found = compile_flow(str(tmp_path / "flow.py"), Scheduling(profile=file)).units
    assert [unit.durations for unit in found] == [{"A": 1.0}, {"B": 2.0}]
