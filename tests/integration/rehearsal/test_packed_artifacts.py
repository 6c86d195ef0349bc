"""Packed and unpacked deployments store the same artifacts: of the digits example, and of a workflow of 200 tasks."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from laminar_codegen.ir.plan import Packing
from laminar_codegen.pipeline import Compilation, Scheduling, compile_flow
from laminar_codegen.planning.pack_savings import packs_in
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.schedulers import AWS
from tests.support.sizes import NIGHTLY, size

DIGITS = Path(__file__).parents[3] / "examples" / "digits" / "flow.py"
#: A line of the example, and that of a smaller grid.
GRID = ("penalty=[0.1, 1.0, 10.0, 100.0], gamma=[0.0001, 0.0005, 0.002, 0.01]", "penalty=[1.0, 10.0], gamma=[0.0005]")
#: The steps of each sample of the workflow, and their seconds. Each sample also has a report that reads the first step.
STEPS = {"Trim": 8, "Align": 150, "Sort": 12, "Count": 5}
HEAD = "from laminar_runtime import Flow, Layer\n\nclass Workflow(Flow): ...\n"
TAIL = "\nif flow := Workflow():\n    flow()\n"


@contextlib.contextmanager
def deployment(compilation: Compilation, file: Path) -> Iterator[Flow]:
    """Deploy a flow to an embedded AWS, and yield it as an application has it."""
    image = file.parent / "image"
    image.mkdir()
    workspace = Workspace(directory=lay_out(file, image))
    with EmbeddedAws(workspace=workspace) as aws, pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        deploy(compilation, aws)
        flow = compilation.source.flow
        flow.configuration.scheduler = AWS.StepFunctions()
        flow._datastore = None
        yield flow


def digests(folder: Path, text: str, packing: Packing, profile: Mapping[str, float] | None) -> tuple[int, set[str]]:
    """Rehearse a flow. Return how many packs it has, and the digest of each artifact, by layer, split and attribute."""
    folder.mkdir()
    file = folder / "flow.py"
    file.write_text(text, encoding="utf-8")
    measured = folder / "profile.json"
    name = "Digits" if "class Digits" in text else "Workflow"
    measured.write_text(json.dumps({name: profile or {}}), encoding="utf-8")
    compilation = compile_flow(str(file), Scheduling(pack=packing, profile=measured if profile else None))
    with deployment(compilation, file) as flow:
        execution = flow().wait(timeout=600)
        found = {
            line for name in flow.registry if name != Parameters.__name__ for line in _digests_of(execution.layer(name))
        }
    return len([*packs_in(compilation.units[0].plan)]), found


def _digests_of(layer: Layer) -> Iterator[str]:
    """Yield a line for each value that a layer stored: its split, its attribute, and the digests of its artifacts."""
    ledger, key = layer.execution.datastore.ledger, layer.execution.key(layer)
    record = ledger.read_record(key)
    assert record is not None
    for index in range(record.splits):
        for name in ledger.attributes(key, index=index, record=record):
            archive = ledger.read_archive(key, index=index, name=name)
            yield f"{key.layer}/{index}.{name}: {', '.join(artifact.hexdigest for artifact in archive.artifacts)}"


def workflow(samples: int) -> tuple[str, dict[str, float]]:
    """Return a workflow of ten tasks and five for each sample, as in genomics, and the seconds of its tasks."""
    seconds: dict[str, float] = {"Reference": 20, "Index": 90}
    depends: dict[str, list[str]] = {"Reference": [], "Index": ["Reference"]}
    for number in range(samples):
        before = "Index"
        for step, takes in STEPS.items():
            name = f"{step}{number}"
            depends[name] = [before] if step != "Align" else [before, "Index"]
            seconds[name] = takes * (1 + number % 3)
            before = name
        depends[f"Quality{number}"], seconds[f"Quality{number}"] = [f"Trim{number}"], 2
    for number in range(6):
        depends[f"Group{number}"] = [f"Count{each}" for each in range(number, samples, 6)]
        seconds[f"Group{number}"] = 10
    depends["Merge"], seconds["Merge"] = [f"Group{number}" for number in range(6)], 30
    depends["Report"], seconds["Report"] = ["Merge", *(f"Quality{number}" for number in range(samples))], 4
    layers = "".join(_layer(name, above) for name, above in depends.items())
    return f"{HEAD}{layers}{TAIL}", seconds


def _layer(name: str, above: list[str]) -> str:
    parameters = "".join(f", {other.lower()}: {other}" for other in above)
    read = "".join(f", *{other.lower()}.rows[:5]" for other in above)
    return f"""
@Workflow.register
class {name}(Layer):
    def __call__(self{parameters}):
        self.rows = ["{name}"{read}]
        self.size = len(str(self.rows))
"""


def test_the_digits_example(tmp_path: Path) -> None:
    """Arrays, scores and a drawing are the same with two jobs for four layers, by a profile. It has no chain."""
    text = DIGITS.read_text(encoding="utf-8")
    assert GRID[0] in text
    text = text if NIGHTLY else text.replace(*GRID)
    profile = {"Load": 3.0, "Grid": 1.0, "Train": 2.0, "Best": 1.0, "Evaluate": 4.0}
    _, apart = digests(tmp_path / "off", text, "off", None)
    packs, packed = digests(tmp_path / "auto", text, "auto", profile)
    assert len(apart) > 10
    assert packed == apart
    assert packs == 2
    plan = compile_flow(str(tmp_path / "off" / "flow.py"), Scheduling(pack="chains")).units[0].plan
    assert [*packs_in(plan)] == []


def test_a_workflow_of_200_tasks(tmp_path: Path) -> None:
    """Chains of each sample, and jobs that several samples share, store what a job for each task stores."""
    text, seconds = workflow(38)
    assert len(seconds) == 200
    _, apart = digests(tmp_path / "off", text, "off", None)
    assert len(apart) == 2 * len(seconds)
    ways: tuple[Packing, ...] = ("chains", "auto")
    for packing in ways[size(1, 0) :]:
        packs, packed = digests(tmp_path / packing, text, packing, seconds)
        assert packed == apart
        assert packs
