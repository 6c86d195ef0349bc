"""What an execution takes, and how long layers took: the commands ``check`` and ``profile``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from laminar_codegen.command.main import main
from laminar_codegen.planning.durations_file import read_profile
from laminar_codegen.planning.past_durations import measure
from laminar_codegen.planning.profile import LayerTimes, Spread
from laminar_codegen.problems import CompileError
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.layers import ForEach, Parameter
from tests.support.sizes import size

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import ForEach, Parameter

class Report(Flow): ...

@Report.register
class A(Layer):
    def __call__(self) -> None:
        self.shard(part=[1, 2])

@Report.register
class B(Layer):
    def __call__(self) -> None: ...

@Report.register(foreach=ForEach(parameters=[Parameter(A, "part")]))
class C(Layer):
    def __call__(self, a: A) -> None: ...

@Report.register
class D(Layer):
    def __call__(self, a: A, b: B) -> None: ...

if flow := Report():
    flow()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a flow that is an N, in which the commands run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text(FLOW)
    return tmp_path


def test_check_prints_what_an_execution_takes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """States, transitions, events, bytes and dollars, as formulas in the jobs of fan-outs; given a profile, seconds."""
    (folder / "profile.json").write_text(json.dumps({"Report": {"A": 10, "B": 50, "C": 60, "D": 7, "Old": 1}}))
    assert main(["check", "flow.py", "--profile", "profile.json", "--joins", "exact"]) == 0
    printed = capsys.readouterr().out
    assert "flow Report: 4 layers, 1 of them fan-outs" in printed
    assert "in 1 state machine\n" in printed
    assert "+ jobs(C)" in printed
    assert "makespan        70.0 s expected, 70.0 s at least (1.000)" in printed
    assert main(["check", "flow.py"]) == 0
    assert "makespan" not in capsys.readouterr().out


def test_check_prints_all_problems(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A flow that cannot be compiled has the problems of a compile, and no estimate is printed."""
    wrong = "class E(Layer):\n    def __call__(self, x: 'Nothing', y) -> None: ..."
    (folder / "flow.py").write_text(FLOW.replace("if flow", f"@Report.register\n{wrong}\n\nif flow"))
    assert main(["check", "flow.py"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert {"LAM010", "LAM011"} <= set(printed.err.split())


def test_auto_needs_a_profile(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Barriers are weighed by durations."""
    assert main(["flow.py", "--joins", "auto"]) == 1
    assert "LAM044" in capsys.readouterr().err
    (folder / "profile.json").write_text('{"Report": {"A": 1, "B": 1, "C": 1, "D": 1}}')
    assert main(["flow.py", "--joins", "auto", "--profile", "profile.json", "--emit", "plan"]) == 0
    balanced = capsys.readouterr().out
    assert "ExactJoins" not in balanced
    (folder / "profile.json").write_text('{"Report": {"A": 20, "B": 50, "C": 45, "D": 30}}')
    assert main(["flow.py", "--joins", "auto", "--profile", "profile.json", "--emit", "plan"]) == 0
    assert "ExactJoins" in capsys.readouterr().out


def test_short_splits_are_packed_by_a_profile(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The state machine passes the seconds of a split to the planner, and the children of the job claim the splits."""
    (folder / "profile.json").write_text('{"Report": {"A": 20, "B": 50, "C": 2, "D": 30}}')
    options = ["flow.py", "--profile", "profile.json", "--emit", "asl"]
    assert main([*options, "--pack", "off"]) == 0
    printed = capsys.readouterr().out
    assert "split_seconds" not in printed
    assert "LAMINAR_LAYER_CLAIMS" not in printed
    assert main([*options, "--pack", "auto"]) == 0
    printed = capsys.readouterr().out
    assert '"split_seconds": 2' in printed
    assert "LAMINAR_LAYER_CLAIMS" in printed


def test_the_scheduler_says_how_a_flow_is_planned(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the file says holds unless the command says otherwise."""
    scheduler = "from laminar_runtime.configurations.schedulers import AWS\n\nif flow"
    text = FLOW.replace("if flow", scheduler).replace(
        "Report():", "Report(scheduler=AWS.StepFunctions(joins='exact')):"
    )
    (folder / "flow.py").write_text(text)
    assert main(["flow.py", "--emit", "plan"]) == 0
    assert "ExactJoins" in capsys.readouterr().out
    assert main(["flow.py", "--emit", "plan", "--joins", "barriers"]) == 0
    assert "ExactJoins" not in capsys.readouterr().out


def test_check_goes_by_the_profile_that_the_scheduler_names(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints the makespan of the plan that is made, whoever named the profile."""
    scheduler = "from laminar_runtime.configurations.schedulers import AWS\n\nif flow"
    text = FLOW.replace("if flow", scheduler).replace(
        "Report():", "Report(scheduler=AWS.StepFunctions(profile='own.json')):"
    )
    (folder / "flow.py").write_text(text)
    (folder / "own.json").write_text(json.dumps({"Report": {"A": 10, "B": 50, "C": 60, "D": 7}}))
    (folder / "other.json").write_text(json.dumps({"Report": {"A": 1, "B": 1, "C": 1, "D": 1}}))
    assert main(["check", "flow.py"]) == 0
    assert "70.0 s at least" in capsys.readouterr().out
    assert main(["check", "flow.py", "--profile", "other.json"]) == 0
    assert "2.0 s at least" in capsys.readouterr().out


@pytest.mark.parametrize("last", ["0", "-1", "many"])
def test_profile_measures_at_least_one_run(last: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No number of executions means all of them by chance."""
    with pytest.raises(SystemExit) as ended:
        main(["measure", "flow.py", f"--last={last}"])
    assert ended.value.code == 2
    assert "must be a whole number of at least 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "cannot be read"),
        ("{", "is not valid JSON"),
        ("[]", "is not a JSON object of objects"),
        ('{"Report": 1}', "is not a JSON object of objects"),
        ('{"Other": {}}', "has no durations of flow 'Report', only of Other"),
        (
            '{"Report": {"A": -1, "B": "x", "C": NaN, "D": true}}',
            "the seconds of layer 'A' of flow 'Report' are -1",
        ),
    ],
)
def test_wrong_profiles(text: str | None, problem: str, tmp_path: Path) -> None:
    """The error of a file that is not a profile names the file."""
    path = tmp_path / "profile.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CompileError, match=f"LAM030.*{problem}"):
        read_profile(path, "Report")


@pytest.mark.integration
def test_profile_measures_the_last_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it prints is a profile: the seconds that layers took in the flow's own datastore."""
    assert main(["measure", "flow.py"]) == 1
    assert "flow 'Report' has no executions" in capsys.readouterr().err
    ended = codegen_run(folder)
    assert main(["measure", "flow.py", "--last", "1"]) == 0
    printed = capsys.readouterr()
    (folder / "profile.json").write_text(printed.out)
    measured = read_profile(folder / "profile.json", "Report")
    assert set(measured.durations) == {"A", "B", "C", "D"}
    assert all(0 <= seconds < 60 for seconds in measured.durations.values())
    assert "measured 1 execution of Report" in printed.err
    assert ended == 0


def codegen_run(folder: Path) -> int:
    """Run the flow here, as a user does."""
    import subprocess
    import sys

    return subprocess.run([sys.executable, "flow.py"], cwd=folder, check=True, capture_output=True).returncode


class Wide(Flow): ...


@Wide.register
class Shards(Layer):
    def __call__(self) -> None: ...


@Wide.register(foreach=ForEach(parameters=[Parameter(Shards, "foo")]))
class Each(Layer):
    def __call__(self, shards: Shards) -> None: ...


def test_a_fan_out_takes_as_long_as_its_slowest_split() -> None:
    """The record that a state machine writes has no seconds, those of the splits have; the median of runs counts."""
    flow = Wide(datastore=datastores.Memory(), executor=executors.Thread())
    store = flow.datastore
    for number, seconds in enumerate([(1, 5), (2, 9), (3, 40)]):
        key = flow.execution(f"e{number}").key("Each")
        for index, taken in enumerate(seconds):
            store.transport.put(key.split(index), json.dumps({"seconds": taken}).encode())
        store.ledger.write_record(key, splits=2)
    store.ledger.write_record(flow.execution("e1").key("Shards"), splits=1, seconds=7.5)
    found = measure(flow, ["e0", "e1", "e2"]).layers
    assert {name: times.seconds for name, times in found.items()} == {"Shards": 7.5, "Each": 9}
    assert found["Each"] == LayerTimes(9, Spread(5.8, 33.8), 3, 10.0, Spread(1.5, 24.5), 2)
    assert found["Shards"] == LayerTimes(7.5, None, 1)


class Narrow(Flow): ...


@Narrow.register(foreach=ForEach(parameters=[Parameter("Parameters", "item")], max_concurrency=2))
class Two(Layer):
    def __call__(self) -> None: ...


@Narrow.register(foreach=ForEach(parameters=[Parameter("Parameters", "item")], splits_per_job=4))
class Four(Layer):
    def __call__(self) -> None: ...


@Narrow.register(foreach=ForEach(parameters=[Parameter("Parameters", "item")], splits_per_job=4, splits_at_once=2))
class Beside(Layer):
    def __call__(self) -> None: ...


def test_a_limited_fan_out_takes_as_long_as_its_children() -> None:
    """They run one split after the other: in two children, in one job, and two beside each other in one job."""
    flow = Narrow(datastore=datastores.Memory(), executor=executors.Thread())
    for layer in ("Two", "Four", "Beside"):
        key, store = flow.execution("e0").key(layer), flow.datastore
        for index, taken in enumerate((1, 5, 9, 9)):
            store.transport.put(key.split(index), json.dumps({"seconds": taken}).encode())
        store.ledger.write_record(key, splits=4)
    found = measure(flow, ["e0"]).layers
    assert {name: times.seconds for name, times in found.items()} == {"Two": 12, "Four": 24, "Beside": 12}


def test_a_fan_out_on_this_machine_is_measured_by_its_splits() -> None:
    """Its record has the seconds of all splits, of which only some run at once here: on AWS they do all."""
    flow = Wide(datastore=datastores.Memory(), executor=executors.Thread())
    key, store = flow.execution("e0").key("Each"), flow.datastore
    for index in range(10):
        store.transport.put(key.split(index), json.dumps({"seconds": 2.0}).encode())
    store.ledger.write_record(key, splits=10, seconds=20.5)
    assert measure(flow, ["e0"]).layers["Each"] == LayerTimes(2.0, None, 1, 2.0, Spread(2.0, 2.0), 10)


CHAIN = """
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import ForEach, Parameter

class First(Flow): ...
class Second(Flow): ...

@First.register
class A(Layer):
    def __call__(self) -> None: ...

@Second.register
class B(Layer):
    def __call__(self) -> None:
        self.shard(part=[1, 2])

@Second.register(executor=executors.AWS.Lambda(), foreach=ForEach(parameters=[Parameter(B, "part")]))
class C(Layer):
    def __call__(self, b: B) -> None: ...

First()().next(flow=Second(), linker=lambda _: Parameters())
"""


def test_check_prints_a_chain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The machine that runs flows one after the other is counted, too; invocations of AWS Lambda are named so."""
    (tmp_path / "flow.py").write_text(CHAIN)
    assert main(["check", str(tmp_path / "flow.py")]) == 0
    printed = capsys.readouterr().out
    first, second, chain = (
        printed.split("flow Second: ")[0],
        printed.split("flow Second: ")[1],
        printed.split("chain ")[1],
    )
    assert first.startswith("flow First: 1 layer, 0 of them fan-outs\n")
    # A job is six events, the input that is kept five, and an execution begins and ends.
    assert "  events          13 of 25,000\n" in first
    assert "jobs(L) of a layer on AWS Lambda: an invocation for each split of L\n" in second
    assert "10,000 splits" not in second
    assert chain.startswith("First -> Second: ")
    assert "  transitions     3\n  events          19 of 25,000\n" in chain
    # Its own three, two of the first flow, and five with an invocation of the second.
    assert "  orchestration   $0.000275 an execution with its flows, each fan-out one job\n" in chain


def test_check_prints_the_longest_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a flow in several machines it is the largest one that has to hold to the limits."""
    layers = [
        f"@Big.register\nclass L{place}(Layer):\n"
        f"    def __call__(self{f', before: L{place - 1}' if place else ''}) -> None: ...\n"
        for place in range(size(1250, full=2000))
    ]
    head = "from laminar_runtime import Flow, Layer\nclass Big(Flow): ...\n"
    (tmp_path / "flow.py").write_text(head + "".join(layers))
    assert main(["check", str(tmp_path / "flow.py")]) == 0
    printed = capsys.readouterr().out
    (events,) = (line.split()[1] for line in printed.splitlines() if line.startswith("  events "))
    assert int(events.replace(",", "")) > 3_000
    assert " of 25,000, the largest\n" in printed


def test_check_names_what_a_profile_lacks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A makespan is as good as its profile: durations that are assumed are named."""
    for known, lack in (
        ({"A": 1, "B": 2, "C": 3}, "1 layer without a measured duration, assuming the median of the others"),
        ({"Old": 1}, "4 layers without a measured duration, assuming a second each"),
    ):
        (folder / "profile.json").write_text(json.dumps({"Report": known}))
        assert main(["check", "flow.py", "--profile", "profile.json"]) == 0
        assert f"  {lack}\n" in capsys.readouterr().out


@pytest.mark.parametrize("pack", ["off", "chains", "auto"])
def test_layers_may_take_no_time(pack: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "profile.json").write_text(json.dumps({"Report": dict.fromkeys("ABCD", 0)}))
    assert main(["check", "flow.py", "--profile", "profile.json", "--pack", pack]) == 0
    assert "makespan        0.0 s expected, 0.0 s at least (1.000)\n" in capsys.readouterr().out


PACKED = """
from laminar_runtime import Flow, Layer

class Report(Flow): ...

@Report.register
class A(Layer):
    def __call__(self) -> None: ...

@Report.register
class B(Layer):
    def __call__(self, a: A) -> None: ...

@Report.register(pack=False)
class C(Layer):
    def __call__(self, b: B) -> None: ...

if flow := Report():
    flow()
"""


def test_check_prints_packs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is packed, what that saves beside the same flow without packs, and why the other layers are not."""
    (folder / "flow.py").write_text(PACKED)
    (folder / "profile.json").write_text(json.dumps({"Report": {"A": 100, "B": 200, "C": 1}}))
    assert main(["check", "flow.py", "--pack", "chains", "--profile", "profile.json"]) == 0
    printed = capsys.readouterr().out
    assert "  packs           2 of 3 layers share 1 job\n                  A, B: 1 vCPU, 2,048 MiB\n" in printed
    assert "  saves           1 start-up, 45.0 s and $0.000" in printed
    assert "  not packed      C: is registered with pack=False\n" in printed
    assert main(["check", "flow.py"]) == 0
    assert "packs" not in capsys.readouterr().out
