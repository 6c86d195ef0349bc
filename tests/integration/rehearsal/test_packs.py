"""Layers that share jobs, on the embedded AWS: the same results, and after a failure or a kill the rest runs."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from laminar_codegen.ir.plan import Pack, Packing, Step, print_plan
from laminar_codegen.pipeline import Scheduling, compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime import Execution, Flow
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import ExecutionError
from tests.support.sizes import size

HEAD = """
import os, signal, time
from pathlib import Path
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry

HERE = Path(__file__).resolve().parent
class Report(Flow): ...
def note(layer):
    with (HERE / "log.txt").open("a") as log:
        log.write(f"{layer.name}{layer.attempt} ")
    if (HERE / f"kill {layer.name}").exists():
        (HERE / f"kill {layer.name}").unlink()
        os.kill(os.getppid(), signal.SIGKILL)  # the process that all layers of the job are forked from
        time.sleep(30)
    if (HERE / f"fail {layer.name}").exists():
        raise ValueError("broken")
"""
TAIL = "\nif flow := Report():\n    flow()\n"


def layer(name: str, above: list[str], register: str = "") -> str:
    """Return the text of a layer that adds up what it reads."""
    parameters = "".join(f", {other.lower()}: {other}" for other in above)
    total = " + ".join(["1", *(f"{other.lower()}.x" for other in above)])
    return f"""
@Report.register{register}
class {name}(Layer):
    def __call__(self{parameters}):
        note(self)
        self.x = {total}
"""


@contextlib.contextmanager
def deployed(
    folder: Path, text: str, pack: Packing, seconds: dict[str, float] | None = None
) -> Iterator[tuple[Flow, Step, Deployment]]:
    """Deploy a flow to an embedded AWS, and yield it as an application has it, its plan, and the deployment."""
    folder.mkdir(exist_ok=True)
    (folder / "flow.py").write_text(text, encoding="utf-8")
    (folder / "image").mkdir()
    profile = folder / "profile.json"
    profile.write_text(json.dumps({"Report": seconds or {}}), encoding="utf-8")
    workspace = Workspace(directory=lay_out(folder / "flow.py", folder / "image"))
    with EmbeddedAws(workspace=workspace) as aws, pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        compilation = compile_flow(str(folder / "flow.py"), Scheduling(pack=pack, profile=profile if seconds else None))
        deployment = deploy(compilation, aws)
        flow = compilation.source.flow
        flow.configuration.scheduler = AWS.StepFunctions()
        flow._datastore = None
        yield flow, compilation.units[0].plan, deployment


def values(flow: Flow, names: Iterable[str], execution: Execution) -> dict[str, int]:
    """Return what the layers of an execution stored."""
    return {name: execution.layer(name).x for name in names}


def test_packed_and_unpacked_executions_have_the_same_results(tmp_path: Path) -> None:
    """Of a random flow, with packs of different sizes, and a fan-out that is never packed."""
    chance = random.Random(5)  # noqa: S311 - the same flow each time
    names = [f"L{number}" for number in range(size(14, 200))]
    depends = {
        name: sorted({chance.choice(names[max(0, place - 6) : place]) for _ in range(chance.randint(0, 2))})
        if place
        else []
        for place, name in enumerate(names)
    }
    seconds = {name: chance.choice([1.0, 5.0, 90.0]) for name in names}
    text = HEAD + "".join(layer(name, above) for name, above in depends.items()) + TAIL
    found = []
    ways: tuple[Packing, ...] = ("off", "auto")
    for pack in ways:
        with deployed(tmp_path / pack, text, pack, seconds) as (flow, plan, _):
            packs = print_plan(plan).count("Pack of")
            found.append((values(flow, names, flow().wait(timeout=300)), packs))
    (apart, none), (packed, some) = found
    assert packed == apart
    assert (none, some > 0) == (0, True)


CHAIN = [("A", ""), ("B", "A"), ("C", "B"), ("D", "C")]


def test_a_pack_that_is_killed_and_fails(tmp_path: Path) -> None:
    """AWS Batch starts the job again, which goes on; a failure ends the execution, and a resume goes on, too."""
    register = {"B": "(retry=Retry(attempts=3, delay=0, jitter=0))"}
    text = HEAD + "".join(layer(name, [*above], register.get(name, "")) for name, above in CHAIN) + TAIL
    with deployed(tmp_path / "flow", text, "chains") as (flow, plan, deployment):
        assert isinstance(plan, Pack)
        log = tmp_path / "flow" / "log.txt"
        (tmp_path / "flow" / "kill C").touch()
        (tmp_path / "flow" / "fail D").touch()
        execution = flow()
        with pytest.raises(ExecutionError, match=r"layer 'D' .*ValueError: broken"):
            execution.wait(timeout=120)
        assert log.read_text(encoding="utf-8").split() == ["A1", "B1", "C1", "C1", "D1"]
        (tmp_path / "flow" / "fail D").unlink()
        resumed = flow.execution(str(execution.id)).resume().wait(timeout=120)
        assert values(flow, "ABCD", resumed) == {"A": 1, "B": 2, "C": 3, "D": 4}
        # The log of the job is that of each of its layers, and so are its times.
        known = deployment.execution(str(execution.id))
        assert "laminar: layer 'D' finished" in [*known.logs("D")]
        assert {attempt.layer for attempt in known.timings().attempts} == {*"ABCD"}
        assert log.read_text(encoding="utf-8").split() == ["A1", "B1", "C1", "C1", "D1", "D1"]


def test_a_layer_that_is_registered_to_have_its_own_job(tmp_path: Path) -> None:
    """The compiler packs what is before and after it."""
    register = {"B": "(pack=False)"}
    (tmp_path / "flow.py").write_text(
        HEAD + "".join(layer(name, [*above], register.get(name, "")) for name, above in CHAIN) + TAIL, encoding="utf-8"
    )
    plan = compile_flow(str(tmp_path / "flow.py"), Scheduling(pack="chains")).units[0].plan
    shown = [line.strip() for line in print_plan(plan).splitlines()]
    assert shown == ["Sequence", "Run A", "Run B", "Pack of 1 vCPU, 2048 MiB", "Run C", "Run D after C"]
