"""A flow that can be killed at any moment, and a folder to run it in."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs

#: Seconds until a run is taken for hanging.
PATIENCE = 120

FLOW = '''
import os
import signal
import time

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.executors import Process
from laminar_runtime.configurations.layers import ForEach, Parameter

ME = os.environ.get("LAMINAR_LAYER_NAME", "launcher")
if os.environ.get("LAMINAR_LAYER_SPLITS", "1") != "1":
    ME += "/" + os.environ["LAMINAR_LAYER_INDEX"]
WHO, NUMBER, SIDE = os.environ.get("KILL_AT", "nobody 0 before").split()

writes = 0

def naming(give):
    """What gives a file that was written its name, and dies before or after that if it is time to."""
    def named(file, target):
        global writes
        writes += 1
        last = (ME, writes) == (WHO, int(NUMBER))
        if last and SIDE == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        give(file, target)
        note(".writes")
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
    return named

os.replace, os.link = naming(os.replace), naming(os.link)

def note(where=""):
    """Take note of this process, in one write to the end of a file."""
    with open(os.environ["KILL_LOG"] + where, "a") as log:
        log.write(ME + "\\n")

def began():
    """Take note of a task that began."""
    note()
    time.sleep(60 if ME == os.environ.get("KILL_HANGS") else 0.05)
    if ME == os.environ.get("KILL_RAISES"):
        raise OSError("broken")

class Killed(Flow): ...

@Killed.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        began()
        self.shard(number=range(parameters.start, parameters.start + 4))
        self.title = "numbers"
        self.noise = bytes(range(256)) * 1000

@Killed.register
class Clean(Layer):
    def __call__(self, load: Load) -> None:
        began()
        self.title = load.title.upper()
        self.length = len(load.noise)

@Killed.register(foreach=ForEach(parameters=[Parameter(Load, "number")]))
class Each(Layer):
    def __call__(self, load: Load) -> None:
        began()
        self.square = load.number**2
        self.words = {load.title: [load.number] * 3}

@Killed.register
class Join(Layer):
    def __call__(self, each: Each, clean: Clean) -> None:
        began()
        self.squares = list(each.square)
        self.words = list(each.words)
        self.title = clean.title

flow = Killed(executor=Process(concurrency=3))
'''

RUN = 'if flow:\n    flow("e1", start=3)\n'

RESUME = """
if flow:
    import json
    execution = flow.execution("e1").resume()
    layers = flow.datastore.list_layers(execution=execution)
    names = {layer.name: flow.datastore.list_artifacts(layer=layer) for layer in layers}
    join, clean = execution.layer(Join), execution.layer(Clean)
    values = [join.squares, join.words, join.title, clean.length, list(execution.layer(Load).number)]
    print(json.dumps([execution.finished, names, values]))
"""

TASKS = ("Load", "Clean", "Each/0", "Each/1", "Each/2", "Each/3", "Join")


@attrs.frozen
class Field:
    """A folder with the flow, and the processes that were started in it.

    Args:
        folder: The folder.
    """

    folder: Path

    def __attrs_post_init__(self) -> None:
        (self.folder / "main.py").write_text(FLOW + RUN, encoding="utf-8")
        (self.folder / "again.py").write_text(FLOW + RESUME, encoding="utf-8")
        (self.folder / "temporary").mkdir()
        self.log.touch()

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def start(self, script: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a script, which is known by the log that it is given."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LAMINAR_")}
        own = {"KILL_LOG": str(self.log), "TMPDIR": str(self.folder / "temporary")}
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            variables = {**inherited, **own, **environment}
            return subprocess.Popen([sys.executable, script], cwd=self.folder, env=variables, stdout=out, stderr=err)

    def run(self, script: str, **environment: str) -> int:
        """Run a script to its end, and give its exit code."""
        return self.start(script, **environment).wait(PATIENCE)

    def said(self) -> str:
        """Return what the last script wrote to standard error."""
        return (self.folder / "err").read_text(encoding="utf-8")

    def results(self) -> list[object]:
        """Return what the last script printed at its end."""
        found: list[object] = json.loads((self.folder / "out").read_text(encoding="utf-8").splitlines()[-1])
        return found

    def began(self) -> Counter[str]:
        """Return the tasks that began, with how often they did."""
        return Counter(self.log.read_text(encoding="utf-8").splitlines())

    def writes(self) -> Counter[str]:
        """Return the processes that gave files their names, with how often they did."""
        return Counter(Path(f"{self.log}.writes").read_text(encoding="utf-8").splitlines())

    def alive(self) -> list[int]:
        """Return the processes in the log that have not ended."""
        mark, found = f"KILL_LOG={self.log}".encode(), []
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if process.name.isdigit() and mark in (process / "environ").read_bytes().split(b"\0"):
                    found.append(int(process.name))
        return sorted(found)

    def left(self) -> list[int]:
        """Return the processes in the log that do not end by themselves: those that watch others end a moment later."""
        end = time.monotonic() + 5
        while (found := self.alive()) and time.monotonic() < end:
            time.sleep(0.01)
        return found

    def end_all(self) -> None:
        """Kill what has not ended."""
        end = time.monotonic() + PATIENCE
        while (left := self.alive()) and time.monotonic() < end:
            for pid in left:
                kill_process(pid)
            time.sleep(0.01)

    def stored(self, *, aside: bool = False) -> dict[str, object]:
        """Return the objects that are read, without durations; with `aside` the unfinished ones.

        The records of failed attempts, the times of all attempts and the note of the run are about what happened before
        the end, so they are left out.
        """
        root = self.folder / ".laminar"
        files = [file for file in root.rglob("*") if file.is_file()]
        if aside:
            return {str(file.relative_to(root)): _content(file) for file in files if file.name.startswith(".writing-")}
        notes = (file for file in files if file.match(".splits/[0-9]*.json") or _records(file))
        committed = {json.loads(note.read_text(encoding="utf-8")).get("attempt") for note in notes}
        found = {}
        for file in files:
            attempt = file.parent.name
            if file.name.startswith(".writing-") or (attempt not in committed and "archives" in file.parts):
                continue
            if ".failures" in file.parts or file.name in {".run.json", ".times.json"}:
                continue
            found[str(file.relative_to(root)).replace(f"/{attempt}/", "/<attempt>/")] = _content(file)
        return found

    def finished(self, task: str) -> bool:
        """Return whether a task is noted in the datastore as finished."""
        layer, _, index = task.partition("/")
        place = self.folder / ".laminar/Killed/.cache/e1" / layer
        return (place / (f".splits/{index}.json" if index else ".record.json")).exists()


def kill_process(pid: int) -> None:
    """Kill a process, unless it has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 9)


def _content(file: Path) -> object:
    """Return what a file holds, but for the seconds that something took."""
    if file.parent.name == ".splits":
        return sorted(json.loads(file.read_text(encoding="utf-8")))
    if not _records(file):
        return file.read_bytes()
    record = json.loads(file.read_text(encoding="utf-8"))
    record["execution"].pop("seconds", None)
    record.pop("attempt", None)
    return record


def _records(file: Path) -> bool:
    return file.name == ".record.json"


@contextlib.contextmanager
def field() -> Iterator[Field]:
    """Give a folder, and see to it that nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="kill-") as folder:
        made = Field(Path(folder))
        try:
            yield made
        finally:
            made.end_all()
