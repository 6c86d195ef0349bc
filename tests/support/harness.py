"""The harness of the tests: flows in memory, and flow files as users run them."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import attrs
import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.exceptions import TaskError

FlowT = TypeVar("FlowT", bound=Flow)

#: The prefix of a line that a task printed.
_OF_TASK = re.compile(r"\[\w+(/\d+)?\] ")


def in_memory(flow: type[FlowT], *, concurrency: int = 8) -> FlowT:
    """Make a flow that runs in this process and leaves nothing behind."""
    return flow(datastore=datastores.Memory(), executor=executors.Thread(concurrency=concurrency))


def failure(run: Callable[[], object]) -> Exception:
    """Return the error that a layer raised in a run in this process, without its place."""
    try:
        run()
    except TaskError as error:
        cause = error.__cause__ or error
        assert isinstance(cause, Exception)
        return cause
    except Exception as error:  # noqa: BLE001 - that is asked for
        return error
    raise AssertionError("nothing was raised")


def run_alone(layer: type[Layer]) -> Layer:
    """Run a flow of one layer in this process, and give the layer."""
    flow = type("MyFlow", (Flow,), {})
    flow.register(layer)
    return in_memory(flow)().layer(layer)


def objects_of(flow: Flow) -> dict[str, bytes]:
    """Return the objects in the memory of a flow made by `in_memory`, by key."""
    assert isinstance(flow.datastore, datastores.Memory)
    return flow.datastore.workspace


def archive_key(flow: Flow, layer: str, attribute: str, *, index: int = 0) -> str:
    """Return the key of an attribute's archive in the memory of a flow that made one attempt at a split."""
    parts = (path.split("/") for path in objects_of(flow))
    (found,) = (
        "/".join(path)
        for path in parts
        if path[1] == "archives" and path[3:5] == [layer, str(index)] and path[-1] == f"{attribute}.json"
    )
    return found


@attrs.frozen
class Folder:
    """A folder with flow files, run as users run them.

    Args:
        path: The folder.
    """

    path: Path

    def write(self, content: str, name: str = "main.py") -> Path:
        """Write a file."""
        file = self.path / name
        file.write_text(textwrap.dedent(content), encoding="utf-8")
        return file

    def python(self, *arguments: str, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the folder, and return its result, success or not."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.path,
            env={**os.environ, **environment},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def become_function(self, flow: str, monkeypatch: pytest.MonkeyPatch) -> datastores.Local:
        """Make this process one of the flow's functions on AWS Lambda, whose image is this folder."""
        monkeypatch.chdir(self.path)
        monkeypatch.setenv("LAMINAR_FLOW_NAME", "MyFlow")
        monkeypatch.setenv("LAMINAR_DATASTORE_ROOT", str(self.path / "store"))
        self.write(flow)
        return datastores.Local(self.path / "store")

    def run(self, content: str, **environment: str) -> str:
        """Write ``main.py``, run it, and give the last line that it printed by itself."""
        self.write(content)
        ended = self.python("main.py", **environment)
        assert ended.returncode == 0, ended.stderr
        own = [line for line in ended.stdout.splitlines() if not _OF_TASK.match(line)]
        return own[-1] if own else ""


def is_gone(pid: int, seconds: float = 10) -> bool:
    """Return whether a process ends within a while. A process that is not yet reaped has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        time.sleep(0.02)
    return False
