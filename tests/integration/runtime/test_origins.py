"""However a program was launched, its tasks get to its flow, with the arguments and options that it was given."""

from __future__ import annotations

import json
import os
import zipapp

import pytest

from tests.support.harness import Folder

FLOW = """
import os, sys
from laminar_runtime import Flow, Layer

class Launched(Flow): ...

@Launched.register
class A(Layer):
    def __call__(self) -> None:
        self.seen = [sys.argv[1:], sys.flags.optimize, sys.warnoptions, sys.flags.dev_mode, sorted(sys._xoptions)]
        self.process = os.getpid()

"""
CALL = """
if flow := Launched():
    run = flow()
    assert run.layer(A).process != os.getpid()
    print(*run.layer(A).seen[0], "ran")
"""


def last_line(folder: Folder, *words: str) -> str:
    """Return what Python prints last, if it ends well."""
    ended = folder.python(*words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()[-1]


@pytest.fixture
def program(folder: Folder) -> Folder:
    """A folder with the flow as a script, as a module of a package, as a program of a folder and as an archive."""
    folder.write(FLOW + CALL)
    folder.write(f"{FLOW}\nflow = Launched()\n", "launched.py")
    for name in ("package/__init__.py", "package/values.py", "package/flow.py", "app/__main__.py", "app/values.py"):
        (folder.path / name).parent.mkdir(exist_ok=True)
        folder.write("", name)
    folder.write(f"from .values import __name__ as _\n{FLOW}{CALL}", "package/flow.py")
    folder.write(f"import values\n{FLOW}{CALL}", "app/__main__.py")
    zipapp.create_archive(folder.path / "app", folder.path / "app.pyz")
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ["main.py"],
        ["app"],
        ["app/__main__.py"],
        ["app.pyz"],
        ["-m", "package.flow"],
        ["-m", "cProfile", "-o", "profile.out", "main.py"],
        ["-m", "cProfile", "-o", "profile.out", "-m", "package.flow"],
        ["-m", "trace", "--count", "--coverdir", "covered", "main.py"],
        ["-m", "pdb", "-c", "continue", "main.py"],
        ["-c", "import runpy, sys; runpy.run_path('main.py', run_name='__main__')"],
    ],
    ids=["file", "folder", "its file", "archive", "module", "cProfile", "cProfile -m", "trace", "pdb", "runpy"],
)
def test_ways_to_launch(words: list[str], program: Folder) -> None:
    """Each way to run a program runs its tasks, which have the program's arguments."""
    ended = program.python(*words, *([] if "-c" in words else ["a", "b c"]))
    assert "ran" in ended.stdout, ended.stderr
    assert "-c" in words or "a b c ran" in ended.stdout


@pytest.mark.parametrize("words", [["-"], ["-c", FLOW + CALL]], ids=["standard input", "-c"])
def test_programs_without_a_file(words: list[str], program: Folder) -> None:
    """A program that is in no file cannot be run again, which its error says, with what to do, in a line."""
    ended = program.python(*words, stdin=FLOW + CALL)
    assert ended.returncode == 1
    message = "FlowError: flow 'Launched' is defined inside a function or without a file (standard input"
    last = next(line for line in ended.stderr.splitlines() if message in line)
    assert "define it at the top level of a file, or use Flow(executor=Thread())" in last


def test_another_working_directory(program: Folder) -> None:
    """A program that goes elsewhere before it calls its flow has its tasks run there, from where they are."""
    for name in ("main.py", "package/flow.py", "app/__main__.py"):
        file = program.path / name
        file.write_text(file.read_text() + "\n")
        file.write_text(file.read_text().replace("\nif flow :=", "\nos.chdir(os.environ['ELSEWHERE'])\nif flow :="))
    elsewhere = program.path / "elsewhere"
    elsewhere.mkdir()
    for words in (["main.py"], ["-m", "package.flow"], ["app"]):
        ended = program.python(*words, ELSEWHERE=str(elsewhere))
        assert ended.stdout.endswith("ran\n"), ended.stderr
    assert [path.name for path in elsewhere.iterdir()] == [".laminar"]


BY_PATH = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("{name}", "{file}")
module = importlib.util.module_from_spec(spec)
{register}
spec.loader.exec_module(module)
run = module.flow()
print(run.layer("A").seen[0], "ran")
"""


REGISTER = "sys.modules[spec.name] = module"


@pytest.mark.parametrize(
    ("name", "register"),
    [
        ("launched", REGISTER),
        ("launched", ""),
        ("other", REGISTER),
        ("other", ""),
        ("json", ""),
        ("package.hidden", ""),
    ],
)
def test_modules_loaded_by_path(name: str, register: str, program: Folder) -> None:
    """A module that was loaded by its path is loaded so in tasks, also under a name that imports find elsewhere."""
    (program.path / "below").mkdir()
    program.write(f"{FLOW}\nflow = Launched()\n", "below/file.py")
    program.write("import package\n" + BY_PATH.format(name=name, file="below/file.py", register=register), "loads.py")
    assert last_line(program, "loads.py", "x") == "['x'] ran"


def test_options_of_the_interpreter(program: Folder) -> None:
    """Tasks have the interpreter's options: of a script, of a module, and of a module's flow."""
    program.write(
        "import launched, json\nif __name__ == '__main__':\n    print(json.dumps(launched.flow().layer('A').seen))\n",
        "calls.py",
    )
    for file in ("main.py", "package/flow.py"):
        text = (program.path / file).read_text()
        (program.path / file).write_text(
            text.replace(
                'print(*run.layer(A).seen[0], "ran")',
                "__import__('builtins').print(__import__('json').dumps(run.layer(A).seen))",
            )
        )
    options = ["-OO", "-W", "ignore::ImportWarning", "-X", "dev", "-X", "no_debug_ranges", "-Xmine=1"]
    for words in (["main.py"], ["-m", "package.flow"], ["calls.py"]):
        _, optimize, warnings, dev, xoptions = json.loads(last_line(program, *options, *words))
        assert (optimize, dev, xoptions) == (2, True, ["dev", "mine", "no_debug_ranges"])
        assert "ignore::ImportWarning" in warnings


def test_arguments_are_parsed_before_the_guard(program: Folder) -> None:
    """A file may take its arguments before it comes to its flow, and take them out of the list."""
    parse = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("day")
options = parser.parse_args()
del sys.argv[1:]
"""
    program.write(f"{FLOW}{parse}{CALL}")
    assert last_line(program, "main.py", "monday") == "ran"


MODULE = """
import os, subprocess, sys
from laminar_runtime import Flow, Layer
import beside

class Lines(Flow): ...

@Lines.register
class A(Layer):
    def __call__(self) -> None:
        self.path = os.environ.get("PYTHONPATH", "")
        command = [sys.executable, "-S", "-c", "import sys; print(sys.path)"]
        self.other = subprocess.run(command, stdout=-1, text=True, check=True).stdout
        self.line = "line"

@Lines.register
class B(Layer):
    def __call__(self, a: A) -> None:
        self.line = a.line * 2
"""
PROTOCOL = """
from laminar_runtime.configurations import datastores, serde

class Text(serde.Protocol):
    extension = "txt"
    def dumps(self, value: str) -> bytes:
        return value.encode()
    def loads(self, stream: bytes) -> str:
        return stream.decode()
"""
LAUNCH = """
import sys
sys.path.append("lib")
from lines import Lines
{protocol}

store = datastores.Local(pickle={pickle})
store.protocol(str)(Text)
if __name__ == "__main__":
    run = Lines(datastore=store)()
    print(run.layer("B").line, repr(run.layer("A").path), len(eval(run.layer("A").other)))
"""


@pytest.fixture
def lines(folder: Folder) -> Folder:
    """A folder with a flow in a module, that imports another one from where only the launcher looks."""
    (folder.path / "lib").mkdir()
    folder.write(MODULE, "lines.py")
    folder.write("", "lib/beside.py")
    folder.write(PROTOCOL, "protocols.py")
    return folder


def test_other_pythons_do_not_inherit_the_path(lines: Folder) -> None:
    """Tasks of a module's flow import from where the launcher did, and what a layer starts does not."""
    plain = len(eval(lines.python("-S", "-c", "import sys; print(sys.path)").stdout))  # noqa: S307 - our own output
    launch = LAUNCH.format(protocol="from protocols import *", pickle=True)
    lines.write(launch)
    assert last_line(lines, "main.py") == f"lineline '' {plain}"


def test_a_datastore_of_the_launching_script(lines: Folder) -> None:
    """What the launching script registered with its datastore, and its word on pickles, hold in tasks."""
    lines.write(LAUNCH.format(protocol="from protocols import *", pickle=False))
    assert last_line(lines, "main.py").startswith("lineline")
    assert {file.suffix for file in (lines.path / ".laminar/Lines/artifacts").iterdir()} == {".txt"}
    lines.write(
        "from lines import *\n\n@Lines.register\nclass C(Layer):\n    def __call__(self): self.n = 1\n", "more.py"
    )
    (lines.path / "lines.py").write_text(
        f"{MODULE}\n@Lines.register\nclass C(Layer):\n    def __call__(self): self.n = 1\n"
    )
    ended = lines.python("main.py")
    assert "artifact 'n' of layer 'C' is a builtins.int, but this datastore does not pickle" in ended.stderr


@pytest.mark.parametrize(
    "protocol", [PROTOCOL, f"{PROTOCOL}\nText.__init__ = lambda self, x=0: setattr(self, 'x', id(self))"]
)
def test_protocols_that_tasks_cannot_make(protocol: str, lines: Folder) -> None:
    """A protocol of the script, or one with a state of its own, is refused before a task runs without it."""
    lines.write(LAUNCH.format(protocol=protocol, pickle=True))
    ended = lines.python("main.py")
    assert ended.returncode == 1
    assert (
        "FlowError: module 'lines' runs the tasks of flow 'Lines', and cannot import the protocol 'Text'"
        in ended.stderr
    )
    assert "define its class, without arguments, at the top level" in ended.stderr


def test_a_command_of_a_package(folder: Folder) -> None:
    """A container's own command runs where the image of a package has its working directory: beside the package."""
    (folder.path / "package").mkdir()
    folder.write("", "package/__init__.py")
    folder.write("", "package/values.py")
    own = """
from .values import __name__ as _
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container

class Own(Flow): ...

@Own.register(container=Container(command="python -m package.flow"))
class A(Layer):
    def __call__(self) -> None:
        self.x = "ran"

if flow := Own():
    print(flow().layer(A).x)
"""
    folder.write(own, "package/flow.py")
    assert last_line(folder, "-m", "package.flow") == "ran"


def test_the_path_of_a_container_s_own_command(lines: Folder) -> None:
    """What runs a container's own command gets the folders of the launcher, and none of the interpreter's."""
    own = MODULE.replace(
        "@Lines.register\nclass A", "@Lines.register(container=Container(command='python run.py'))\nclass A"
    )
    lines.write(f"from laminar_runtime.configurations.layers import Container\n{own}", "lines.py")
    lines.write("import lines\nif flow := lines.Lines():\n    flow()\n", "run.py")
    lines.write(LAUNCH.format(protocol="from protocols import *", pickle=True))
    path = last_line(lines, "main.py").split("'")[1].split(os.pathsep)
    assert {str(lines.path), str(lines.path / "lib")} <= set(path)
    assert not [folder for folder in path if "site-packages" in folder or folder.endswith("lib-dynload")]


SPAWNS = """
import multiprocessing

def square(number):
    return number**2

@Launched.register
class B(Layer):
    def __call__(self) -> None:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            self.squares = pool.map(square, [1, 2, 3])

if flow := Launched():
    print(flow().layer(B).squares)
"""


@pytest.mark.parametrize(
    "words", [["main.py"], ["app"], ["app.pyz"], ["-m", "package.flow"]], ids=lambda words: words[-1]
)
def test_processes_that_tasks_start(words: list[str], program: Folder) -> None:
    """A task may start processes of multiprocessing, however its program was launched."""
    program.write(FLOW + SPAWNS)
    program.write(f"from .values import __name__ as _\n{FLOW}{SPAWNS}", "package/flow.py")
    program.write(
        "from spawns import Launched\nif flow := Launched():\n    print(flow().layer('B').squares)\n", "app/__main__.py"
    )
    program.write(FLOW + SPAWNS.partition("\nif flow")[0], "app/spawns.py")
    zipapp.create_archive(program.path / "app", program.path / "app.pyz")
    assert last_line(program, *words) == "[1, 4, 9]"


def test_a_program_that_is_run_by_its_path(program: Folder) -> None:
    """A file that `runpy` runs under a name of its own has its tasks run, too."""
    program.write(f"import runpy\nrunpy.run_path('{program.path}/other.py')\n")
    program.write(FLOW + CALL, "other.py")
    assert last_line(program, "main.py", "x") == "x ran"
