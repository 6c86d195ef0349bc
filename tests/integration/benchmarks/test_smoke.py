"""The benchmarks run: each part of them, on little. How fast anything is, is not asked, and no peer is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import (
    artifacts,
    compiling,
    joining,
    peers,
    processes,
    programs,
    proxy,
    report,
    stand_in_s3,
    suite,
    tasks,
    timing,
)
from laminar_runtime import task_environment
from laminar_runtime.task_environment import TaskContext


@pytest.fixture(autouse=True)
def no_peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing installed in the user's cache."""
    monkeypatch.setenv(peers.CACHE, str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))


def test_command() -> None:
    """The command prints rows as JSON, with the machine and the versions that they are of."""
    words = [sys.executable, "-m", "benchmarks", "import", "--runs", "1", "--json"]
    found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    assert found["benchmark"] == "import"
    assert {"date", "machine", "versions", "peers", "load"} <= found.keys()
    assert all(row["candidate"] > 0 and row["ratio"] > 0 and row["met"] in {True, False, None} for row in found["rows"])
    assert "| import | import laminar_runtime |" in report.table([found])


def test_unknown_benchmark() -> None:
    """The command lists the benchmarks."""
    words = [sys.executable, "-m", "benchmarks", "nope"]
    ended = subprocess.run(words, check=False, capture_output=True, text=True)
    assert ended.returncode == 2
    assert all(name in ended.stderr for name in suite.BENCHMARKS)


@pytest.mark.parametrize("make", [programs.chain, programs.chained_diamonds, programs.random_dag])
def test_shapes(make: Callable[[int], programs.Dependencies], tmp_path: Path) -> None:
    """Each shape has about as many layers as asked for, the same each time, and compiles."""
    shape = make(20)
    assert 17 < len(shape) <= 20
    assert shape == make(20)
    file = tmp_path / "flow.py"
    file.write_text(programs.laminar(shape), encoding="utf-8")
    document = json.loads(timing.output(compiling.compile_flow(file)))
    assert "aws_sfn_state_machine" in document["resource"]


def test_timing(tmp_path: Path) -> None:
    """Commands are run in turn, the first time not counted, and what they print of themselves is taken up."""
    log = tmp_path / "log"
    code = "import sys; open(sys.argv[1], 'a').write(sys.argv[2]); print('{\"figure\": ' + sys.argv[3] + '}')"
    commands = [timing.python(name, "-c", code, str(log), name, "{turn}") for name in ("a", "b")]
    first, second = timing.interleave(commands, 2)
    assert log.read_text(encoding="utf-8") == "ababab"
    assert (len(first.seconds), len(second.processor), first.figure("figure")) == (2, 2, 1.5)
    assert first.memory > 1
    with pytest.raises(subprocess.CalledProcessError):
        timing.interleave([timing.python("fails", "-c", "raise SystemExit(3)")], 1)


def test_task(tmp_path: Path) -> None:
    """The task that is timed runs its layer."""
    timing.output(tasks.task_command(tmp_path, 3))
    assert list((tmp_path / "store" / "Bench" / "archives").glob("*/L0/0/*/value.json"))


@pytest.mark.parametrize("name", ["laminar_store", "raw_files"])
def test_probes_of_files(name: str, tmp_path: Path) -> None:
    """A probe reads again what it wrote to files, and prints how long that took."""
    for action in ("write", "read"):
        (timed,) = timing.interleave([artifacts.probe(name, action, "small", str(tmp_path / "root"), {})], 1)
        assert timed.figure("seconds") > 0


@pytest.mark.parametrize("name", ["laminar_store", "raw_boto3"])
def test_probes_of_s3(name: str) -> None:
    """What a probe writes to the stand-in of S3 it reads again."""
    with stand_in_s3.serving(0) as environment:
        for action in ("write", "read"):
            command = artifacts.probe(name, action, "small", "s3://bucket/root", environment)
            (timed,) = timing.interleave([command], 1)
            assert timed.figure("seconds") > 0


def test_join() -> None:
    """A join is read, beside calls one after the other."""
    (row,) = joining.measure_join(1, splits=20, delay=0.001)
    assert row.candidate > 0
    assert row.baseline is not None


def test_requests_and_processes_of_a_task(tmp_path: Path) -> None:
    """A task with one artifact in and one out is one process, and makes at most six requests."""
    file = tmp_path / "main.py"
    file.write_text(programs.laminar_chain(3), encoding="utf-8")
    with stand_in_s3.serving(0) as found, proxy.counting(found["AWS_ENDPOINT_URL"]) as counted:
        environment = {**found, "AWS_ENDPOINT_URL": counted.url, task_environment.DATASTORE_ROOT: "s3://bucket/flows"}
        commands = [
            timing.python(
                layer,
                "main.py",
                environment={**TaskContext(execution="e1", flow="Bench", layer=layer).environment(), **environment},
                folder=tmp_path,
            )
            for layer in ("L0", "L1")
        ]
        timing.output(commands[0])
        before = len(counted.requests())
        assert processes.count(commands[1]) == 1
        requests = counted.requests()[before:]
    assert 0 < len(requests) <= 6, requests


def test_scheduling_probe() -> None:
    """The probe of the scheduler runs all its layers."""
    for shape in ("wide", "chain"):
        command = timing.python(shape, str(artifacts.PROBES / "scheduling.py"), "20", shape)
        assert timing.figures(timing.output(command))["seconds"] > 0
