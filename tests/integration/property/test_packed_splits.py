"""Children that run several splits are killed at any moment and started again: each split ends once, with its value.

A child is what AWS Batch starts: the container's command with the variables of a child of an array job. Its processes
are killed with it, as those of a container are.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from laminar_runtime.configurations import datastores
from laminar_runtime.storage.layout import LayerKey
from tests.support.sizes import size

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found by /proc")

FLOW = """
import os, time
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry

class Packed(Flow): ...

@Packed.register
class Parts(Layer):
    part: int

    def __call__(self) -> None:
        self.shard(part=range(8))

@Packed.register(
    foreach=ForEach([Parameter(Parts, "part")], splits_per_job=4, splits_at_once=int(os.environ["AT_ONCE"])),
    retry=Retry(attempts=4, delay=0),  # an attempt that loses its container twice counts
)
class Work(Layer):
    def __call__(self, parts: Parts) -> None:
        time.sleep(0.05)
        if parts.part == 5 and self.attempt == 1:
            raise ValueError("no luck")
        self.square = parts.part ** 2

if flow := Packed(datastore=datastores.Local("store")):
    flow()
"""
KEY = LayerKey("Packed", "e1", "Work")
#: The most starts of a job on AWS Batch.
STARTS = 10


@attrs.define
class Child:
    """A child of the array job.

    Args:
        folder: The folder of the flow.
        place: Its place.
        variables: Further variables.
        start: How often it was started.
    """

    folder: Path
    place: int
    variables: dict[str, str]
    start: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Start its container, for the first time or again."""
        self.start += 1
        self._process = start(
            self.folder,
            LAMINAR_LAYER_NAME="Work",
            LAMINAR_LAYER_INDEXES="0-7",
            LAMINAR_LAYER_SPLITS="8",
            LAMINAR_LAYER_CLAIMS="1-0.2",
            AWS_BATCH_JOB_ID=f"job:{self.place}",
            AWS_BATCH_JOB_ARRAY_INDEX=str(self.place),
            AWS_BATCH_JOB_ATTEMPT=str(self.start),
            **self.variables,
        )

    @property
    def code(self) -> int | None:
        """The exit code of its container, None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def kill(self) -> None:
        """End the container as a lost host does: all of its processes at once."""
        assert self._process is not None
        mark = f"AWS_BATCH_JOB_ID=job:{self.place}".encode()
        self._process.kill()
        for _ in range(3):  # what is forked meanwhile
            for environment in Path("/proc").glob("[0-9]*/environ"):
                with contextlib.suppress(OSError):
                    found = environment.read_bytes().split(b"\0")
                    if mark in found and str(self.folder).encode() in b"".join(found):
                        os.kill(int(environment.parent.name), signal.SIGKILL)
        self._process.wait()


def start(folder: Path, **variables: str) -> subprocess.Popen[bytes]:
    """Start the container's command."""
    task = {
        "LAMINAR_EXECUTION_ID": "e1",
        "LAMINAR_FLOW_NAME": "Packed",
        "LAMINAR_DATASTORE_ROOT": str(folder / "store"),
        "AT_ONCE": "1",
        "HERE": str(folder),
    }
    return subprocess.Popen([sys.executable, "flow.py"], cwd=folder, env={**os.environ, **task, **variables})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the flow, of which the first layer has run."""
    found = tmp_path_factory.mktemp("packed")
    (found / "flow.py").write_text(FLOW)
    assert start(found, LAMINAR_LAYER_NAME="Parts").wait(60) == 0
    return found


@settings(max_examples=size(3, 40), deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    at_once=st.sampled_from([1, 3]),
    forks=st.sampled_from(["1", "1", "0"]),
    kills=st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1.5)), max_size=3),
)
def test_children_that_are_killed(folder: Path, at_once: int, forks: str, kills: list[tuple[int, float]]) -> None:
    """Whatever dies when, the children of the next starts go on, and the job succeeds."""
    store = datastores.Local(str(folder / "store"))
    for path in (folder / "store" / "Packed" / ".cache" / "e1" / "Work").rglob("*"):
        if path.is_file():
            path.unlink()
    children = [Child(folder, place, {"AT_ONCE": str(at_once), "LAMINAR_FORKS": forks}) for place in range(2)]
    for child in children:
        child.run()
    for who, delay in kills:
        time.sleep(delay)
        if children[who].code is None:
            children[who].kill()
            children[who].run()
    end = time.monotonic() + 120
    while any(child.code is None for child in children):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert [child.code for child in children] == [0, 0]
    for index in range(8):
        commit = store.ledger.read_split(KEY, index=index)
        assert commit is not None
        found = store.read("Packed", store.ledger.read_of_commit(KEY, index=index, name="square", commit=commit))
        assert found == index**2
