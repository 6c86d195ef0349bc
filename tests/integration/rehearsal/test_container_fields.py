"""The fields of containers in a rehearsal and on this machine: what a task has of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

FLOW = """
import json
import os
import sys

from laminar_runtime import Flow, Layer, ListVariable, Variable
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container, ForEach, Parameter
from laminar_runtime.configurations.networks import Network


class Fields(Flow):
    container = Container(environment={"BASE": "of the flow"})

TAGGED = {"team": "data: a/b"}


@Fields.register(
    executor=executors.AWS.Batch(platform="EC2"),
    container=Container(
        environment={"STAGE": "prod", "TEXT": "a ${b} %{c} \\u00e9"},
        image="registry.example/own:1",
        registry_credentials="arn:aws:secretsmanager:us-east-1:123456789012:secret:registry-AbCdEf",
        shared_memory=64,
        tmpfs={"/scratch": 16},
        ulimits={"nofile": 4096},
        devices=["/dev/fuse"],
        privileged=True,
        accelerator="neuron",
        tags=TAGGED,
    ),
)
class Load(Layer):
    def __call__(self) -> None:
        self.found = [os.environ["STAGE"], os.environ["TEXT"]]
        self.shard(item=[1, 2])


@Fields.register(
    container=Container(environment={"STAGE": "split"}, init=True, user="1000", read_only_root=True, tags=TAGGED),
    foreach=ForEach([Parameter(Load, "item")]),
)
class Split(Layer):
    def __call__(self, load: Load) -> None:
        self.stage = os.environ["STAGE"]


@Fields.register(
    container=Container(environment={"STAGE": Variable("stage")}),
    executor=executors.AWS.Lambda(timeout=60, network=Network(ListVariable("subnet_ids"), ["sg-0a"])),
)
class Join(Layer):
    def __call__(self, load: Load, split: Split) -> None:
        self.found = [*load.found, *split.stage, os.environ["STAGE"], os.environ["BASE"]]


if flow := Fields():
    print(json.dumps(flow().layer(Join).found))
"""
FOUND = ["prod", "a ${b} %{c} \u00e9", "split", "split", "function", "of the flow"]


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with the variable of the same name that a container overrides."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "STAGE": "of the machine", "TF_VAR_stage": "function"},
    )


def test_a_task_has_the_variables_of_its_container(tmp_path: Path) -> None:
    """Jobs, splits and functions have them, and so have the processes of a local run."""
    (tmp_path / "flow.py").write_text(FLOW, encoding="utf-8")
    here = run(tmp_path, "flow.py")
    assert json.loads(here.stdout.splitlines()[-1]) == FOUND, here.stderr
    lines = [line for line in here.stderr.splitlines() if "does not apply" in line]
    assert [line.partition(";")[0] for line in lines] == [
        "laminar: Batch does not apply some fields of containers here: accelerator (Load)",
        "laminar: Process does not apply some fields of containers here: init (Split)",
    ]
    rehearsed = run(
        tmp_path, "-m", "laminar_codegen", "rehearse", "flow.py", "--quiet", "--save", "results", "--unused"
    )
    assert rehearsed.returncode == 0, rehearsed.stderr
    saved = json.loads((tmp_path / "results/Join/found.json").read_text(encoding="utf-8"))
    assert saved == FOUND
    assert "secretsmanager:GetSecretValue" not in rehearsed.stderr
    assert "batch:TagResource" not in rehearsed.stderr
    assert "ec2:" not in rehearsed.stderr
    assert rehearsed.stderr.count("networks of functions (vpc_config) are not applied") == 1, rehearsed.stderr
    lines = [line for line in rehearsed.stderr.splitlines() if "jobs are processes here" in line]
    assert sorted(line.partition("without ")[2] for line in lines) == [
        f"{members} of container_properties"
        for members in (
            "privileged, ulimits, linuxParameters.devices, linuxParameters.sharedMemorySize, linuxParameters.tmpfs",
            "readonlyRootFilesystem, user, linuxParameters.initProcessEnabled",
        )
    ]
