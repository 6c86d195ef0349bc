"""Flow files as users run them: real scripts, the default executor and datastore."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.support.harness import Folder

GREETING = """
from laminar_runtime import Flow, Layer, Parameters

print("read")

class Greeting(Flow): ...

@Greeting.register
class Hello(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.message = "hello " + parameters.whom
        print("said")

@Greeting.register
class World(Layer):
    def __call__(self, hello: Hello) -> None:
        self.sentence = hello.message + "!"
"""

GUARDED = """
if flow := Greeting():
    print(flow("e1", whom="world").layer(World).sentence)
"""

TASK = {
    "LAMINAR_EXECUTION_ID": "e1",
    "LAMINAR_EXECUTION_RETRY": "False",
    "LAMINAR_FLOW_NAME": "Greeting",
    "LAMINAR_LAYER_NAME": "World",
    "LAMINAR_LAYER_INDEX": "0",
    "LAMINAR_LAYER_SPLITS": "1",
    "LAMINAR_LAYER_ATTEMPT": "1",
}


def test_guarded(folder: Folder) -> None:
    """The guard idiom runs the flow in the launching process, and only the layer asked for in a task's."""
    folder.write(GREETING + GUARDED)
    ended = folder.python("main.py")
    assert all(line.startswith("laminar: ") for line in ended.stderr.splitlines())
    said = ["read", "[Hello] read", "[Hello] said", "[World] read", "hello world!"]
    assert ended.stdout.splitlines() == said
    assert (folder.path / ".laminar" / "Greeting" / "archives" / "e1").is_dir()


def test_unguarded(folder: Folder) -> None:
    """A plain call does the same: a task's process runs its layer, and goes no further than to the results."""
    script = GREETING + "\nprint(Greeting()('e1', whom='world').layer(World).sentence)\n"
    assert folder.run(script) == "hello world!"


def test_task_by_the_environment_alone(folder: Folder) -> None:
    """A process started by the variables of the contract runs that layer and no other."""
    assert folder.run(GREETING + GUARDED) == "hello world!"
    record = folder.path / ".laminar/Greeting/.cache/e1/World/.record.json"
    record.unlink()
    task = folder.python("main.py", **TASK)
    assert (task.returncode, task.stdout, record.exists()) == (0, "read\n", True)


@pytest.mark.parametrize("call", ["Greeting()('e1', whom='world')", "if flow := Greeting(): flow('e1', whom='world')"])
def test_a_file_that_handles_errors_of_its_flow(call: str, folder: Folder) -> None:
    """Where a task fails its process fails, whatever the file does with the error; the error is printed once."""
    failing = GREETING.replace("self.sentence =", "raise ValueError('no luck')\n        self.sentence =")
    folder.write(
        f"{failing}\ntry:\n    {call}\nexcept Exception as error:\n    print('handled', type(error).__name__)\n"
    )
    ended = folder.python("main.py")
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "handled TaskError")
    task = folder.python("main.py", **TASK)
    assert (task.returncode, task.stdout) == (1, "read\nhandled ValueError\n")
    assert task.stderr.count("ValueError: no luck") == 1
    folder.write(f"{failing}\n{call}\n")
    task = folder.python("main.py", **TASK)
    assert (task.returncode, task.stderr.count("ValueError: no luck")) == (1, 1)


def test_task_of_an_unknown_layer(folder: Folder) -> None:
    """A task of a layer that the file does not have fails with the reason."""
    folder.write(GREETING + GUARDED)
    ended = folder.python("main.py", **{**TASK, "LAMINAR_LAYER_NAME": "Nope"})
    assert ended.returncode == 1
    assert "FlowError: flow 'Greeting' has no layer 'Nope'" in ended.stderr


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("LAMINAR_LAYER_TIMEOUT", "soon", "must be a number of seconds above 0, not 'soon'"),
        ("LAMINAR_LAYER_INDEX", "first", "must be a whole number, not 'first'"),
        ("LAMINAR_PACK", "all", "has no size and layers: 'all'"),
        ("LAMINAR_LAYER_CLAIMS", "1-0.2", "is there without LAMINAR_DATASTORE_ROOT"),
        ("LAMINAR_PLAN_FILE", "plan.json", "is there without LAMINAR_PLAN_REQUEST"),
    ],
)
def test_a_wrong_variable_of_a_task(name: str, value: str, wrong: str, folder: Folder) -> None:
    """It is one line, as no line of the file is wrong. The process fails also if the file handles the error."""
    line = f"FlowError: the environment variable {name} {wrong}\n"
    task = {**TASK, name: value, "LAMINAR_LAYER_INDEXES": "0-3"}
    if name == "LAMINAR_LAYER_CLAIMS":
        del task["LAMINAR_LAYER_INDEX"]  # which would say that the process is one split
    folder.write(GREETING + GUARDED)
    ended = folder.python("main.py", **task)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "read\n", line)
    handled = "".join(f"    {call}\n" for call in GUARDED.strip().splitlines())
    folder.write(f"{GREETING}\ntry:\n{handled}except Exception:\n    print('handled')\n")
    ended = folder.python("main.py", **task)
    assert (ended.returncode, ended.stdout, ended.stderr.count(line)) == (1, "read\nhandled\n", 1)


def test_an_error_of_a_file_whose_task_is_wrong(folder: Folder) -> None:
    """It has its own traceback."""
    folder.write(GREETING + "\n1 / 0\n" + GUARDED)
    ended = folder.python("main.py", **{**TASK, "LAMINAR_LAYER_INDEX": "first"})
    assert (ended.returncode, "ZeroDivisionError" in ended.stderr, "Exception ignored" in ended.stderr) == (
        1,
        True,
        False,
    )


def test_task_of_another_flow(folder: Folder) -> None:
    """A flow is false in the process of a task that is not its own; that nothing ran the task is a failure."""
    folder.write(GREETING + GUARDED)
    ended = folder.python("main.py", **{**TASK, "LAMINAR_FLOW_NAME": "Another"})
    assert (ended.returncode, ended.stdout) == (1, "read\n")
    assert "layer 'World' did not run: the file must call its flow" in ended.stderr


SEVERAL = """
from laminar_runtime import Execution, Flow, Layer, Parameters

class One(Flow): ...
class Two(Flow): ...

@One.register
@Two.register
class Count(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.count = parameters.start + 1
"""


def test_several_flows_in_a_file(folder: Folder) -> None:
    """Each guarded flow runs, the second with what the first gave."""
    script = """
if one := One():
    first = one(start=1).layer(Count).count
if two := Two():
    print(two(start=first).layer(Count).count)
"""
    assert folder.run(SEVERAL + script) == "3"


def test_one_flow_called_twice(folder: Folder) -> None:
    """A flow may be called again and again; each call is an execution of its own."""
    script = """
if one := One():
    print([one(start=start).layer(Count).count for start in (1, 5)])
"""
    assert folder.run(SEVERAL + script) == "[2, 6]"


def test_chaining(folder: Folder) -> None:
    """Chained flows run one after the other under one id, their tasks in processes."""
    script = """
def link(execution: Execution) -> Parameters:
    return Parameters(start=execution.layer(Count).count)

last = One()("e1", start=1).next(flow=Two(), linker=link)
print(last.id, last.layer(Count).count)
"""
    assert folder.run(SEVERAL + script) == "e1 3"


GUARDED_CHAIN = """
def link(execution: Execution) -> Parameters:
    return Parameters(start=execution.layer(Count).count)

if one := One():
    last = one("e1", start=1).next(flow=Two(), linker=link)
    print(last.id, last.layer(Count).count)
"""


@pytest.mark.parametrize(
    "guard",
    [
        "if one := One():",
        'if __name__ == "__main__" and (one := One()):',
        "if (\n    one := One()\n):",
        "one = One()\nif one:",
    ],
)
def test_guarded_chaining(guard: str, folder: Folder) -> None:
    """A guard lets the tasks of the flows that follow in the chain come by."""
    assert folder.run(SEVERAL + GUARDED_CHAIN.replace("if one := One():", guard)) == "e1 3"


def test_guards_beside_a_chain(folder: Folder) -> None:
    """A guard of what is no chain is false in tasks of other flows, also in a file that has a chain."""
    beside = "\nif two := Two():\n    print(two(start=7).layer(Count).count)\n"
    folder.write(SEVERAL + GUARDED_CHAIN + beside)
    ended = folder.python("main.py")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["e1 3", "8"]


def test_command_of_the_container(folder: Folder) -> None:
    """A container's own command is run by this interpreter, in the folder of the flow's file."""
    folder.write(
        """
        import os, sys
        from laminar_runtime import Flow, Layer
        from laminar_runtime.configurations.layers import Container

        class Own(Flow): ...

        @Own.register(container=Container(command="python -W ignore flow.py 'two words'"))
        class A(Layer):
            def __call__(self) -> None:
                self.seen = [sys.argv[1:], sys.warnoptions, sys.executable, os.path.basename(os.getcwd())]

        if flow := Own():
            import json
            print(json.dumps(flow().layer(A).seen))
        """,
        "flow.py",
    )
    elsewhere = folder.path / "elsewhere"
    elsewhere.mkdir()
    ended = Folder(elsewhere).python("../flow.py")
    assert ended.returncode == 0, ended.stderr
    arguments, warnings, interpreter, directory = json.loads(ended.stdout)
    assert (arguments, warnings[-1], directory) == (["two words"], "ignore", folder.path.name)
    assert interpreter


def test_run_as_a_module(folder: Folder) -> None:
    """A flow that was started by ``python -m`` has its tasks started that way too, with relative imports and all."""
    package = folder.path / "package"
    package.mkdir()
    folder.write("", "package/__init__.py")
    folder.write("whom = 'module'", "package/values.py")
    own = "\nfrom .values import whom\nif flow := Greeting():\n    print(flow(whom=whom).layer(World).sentence)\n"
    folder.write(GREETING + own, "package/flow.py")
    ended = folder.python("-m", "package.flow")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "hello module!"


def test_flow_in_a_module_with_a_protocol(folder: Folder) -> None:
    """The tasks of a flow that a module makes are run by that very flow, which has the module's protocols."""
    module = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, serde

datastore = datastores.Local()

@datastore.protocol(str)
class Text(serde.Protocol):
    extension = "txt"
    def dumps(self, value: str) -> bytes:
        return value.encode()
    def loads(self, stream: bytes) -> str:
        return stream.decode()

class Lines(Flow): ...

@Lines.register
class A(Layer):
    def __call__(self) -> None:
        self.line = "line"

@Lines.register
class B(Layer):
    def __call__(self, a: A) -> None:
        self.line = a.line * 2

flow = Lines(datastore=datastore)
"""
    folder.write(module, "lines.py")
    assert folder.run("import lines\nif lines.flow:\n    print(lines.flow().layer('B').line)\n") == "lineline"
    values = {file.suffix for file in (folder.path / ".laminar/Lines/artifacts").iterdir()}
    assert values == {".txt"}


def test_python_of_the_interactive_kind(folder: Folder) -> None:
    """A flow without a file is refused, with what to do."""
    ended = folder.python("-c", GREETING + GUARDED)
    assert ended.returncode == 1
    assert "FlowError: flow 'Greeting' is defined inside a function or without a file" in ended.stderr


RESUMED = """
import os
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.executors import Process
from laminar_runtime.configurations.layers import ForEach, Parameter

class Flaky(Flow): ...

@Flaky.register
class First(Layer):
    def __call__(self) -> None:
        self.shard(item=[0, 1])

@Flaky.register(foreach=ForEach(parameters=[Parameter(First, "item")]))
class Each(Layer):
    def __call__(self, first: First) -> None:
        if first.item == 1 and os.environ.get("BROKEN"):
            raise OSError("broken")
        self.retried = self.execution.retry
"""


def test_resume(folder: Folder) -> None:
    """An execution that failed in one process is resumed by another, which runs only what is left; guarded or not."""
    # One task at a time, so that the split that fails finds the other one finished.
    folder.write(RESUMED + "\nif flow := Flaky(executor=Process(concurrency=1)):\n    flow('e1')\n")
    ended = folder.python("main.py", BROKEN="yes")
    assert ended.returncode == 1
    assert "layer 'Each' (split 1 of 0 to 1) of flow 'Flaky' failed on attempt 1 of execution e1" in ended.stderr
    resume = "\nprint(list(Flaky().execution('e1').resume().layer(Each).retried))\n"
    assert folder.run(RESUMED + resume) == "[False, True]"


def test_error_names_the_users_code(folder: Folder) -> None:
    """The traceback in the launching process shows the failing line of the flow's file."""
    folder.write(RESUMED + "\nif flow := Flaky():\n    flow('e1')\n")
    ended = folder.python("main.py", BROKEN="yes")
    assert 'raise OSError("broken")' in ended.stderr
    assert ended.stderr.splitlines()[-4].endswith(": OSError: broken")


def test_class_of_the_script(folder: Folder) -> None:
    """Values of classes that the script defines travel from layer to layer."""
    script = """
import dataclasses
from laminar_runtime import Flow, Layer

@dataclasses.dataclass
class Point:
    x: int

class Points(Flow): ...

@Points.register
class A(Layer):
    def __call__(self) -> None:
        self.points = [Point(1), Point(2)]

@Points.register
class B(Layer):
    def __call__(self, a: A) -> None:
        self.total = sum(point.x for point in a.points)

if flow := Points():
    print(flow().layer(B).total)
"""
    assert folder.run(script) == "3"


def test_exit_in_a_layer(folder: Folder) -> None:
    """A layer that exits has not finished, whatever the code."""
    script = """
import sys
from laminar_runtime import Flow, Layer

class Exits(Flow): ...

@Exits.register
class A(Layer):
    def __call__(self) -> None:
        sys.exit(0)

if flow := Exits():
    flow()
"""
    folder.write(script)
    ended = folder.python("main.py")
    assert ended.returncode == 1
    assert "layer 'A' called sys.exit(0): return from the layer, or raise" in ended.stderr


def test_processes_of_a_layer_run_no_task(folder: Folder) -> None:
    """A process that a layer starts, which reads the flow's file again, does not run the layer again."""
    script = """
import multiprocessing, os
from laminar_runtime import Flow, Layer

class Spawns(Flow): ...

def square(number):
    return number**2

@Spawns.register
class A(Layer):
    def __call__(self) -> None:
        with open(os.environ["CALLS"], "a") as calls:
            calls.write("called\\n")
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            self.squares = pool.map(square, [1, 2, 3])

if flow := Spawns():
    print(flow().layer(A).squares)
"""
    calls = folder.path / "calls"
    assert folder.run(script, CALLS=str(calls)) == "[1, 4, 9]"
    assert calls.read_text() == "called\n"


def test_asked_to_end(folder: Folder) -> None:
    """A run that gets a signal to end stops its tasks, and ends with the code of the signal."""
    folder.write("""
        import os, signal, time
        from laminar_runtime import Flow, Layer

        class Slow(Flow): ...

        @Slow.register
        class A(Layer):
            def __call__(self) -> None:
                with open(os.environ["PROCESS"], "w") as file:
                    file.write(str(os.getpid()))
                os.kill(os.getppid(), signal.SIGTERM)
                time.sleep(60)

        if flow := Slow():
            flow()
        """)
    process = folder.path / "process"
    ended = folder.python("main.py", PROCESS=str(process))
    assert ended.returncode == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int(process.read_text()), 0)


def test_processes_that_a_thread_forks_are_ended(folder: Folder) -> None:
    """A pool ends its processes by a signal, which ends neither the run nor leaves them running."""
    folder.write("""
        import multiprocessing
        from laminar_runtime import Flow, Layer
        from laminar_runtime.configurations import executors

        class Pools(Flow): ...

        @Pools.register
        class A(Layer):
            def double(self, x: int) -> int:
                return x * 2

            def __call__(self) -> None:
                self.doubled = []
                for _ in range(3):
                    with multiprocessing.get_context("fork").Pool(2) as pool:
                        self.doubled.append(pool.map(self.double, [1, 2]))

        if flow := Pools(executor=executors.Thread()):
            print(flow().layer(A).doubled)
        """)
    ended = folder.python("main.py")
    assert (ended.returncode, ended.stdout) == (0, "[[2, 4], [2, 4], [2, 4]]\n"), ended.stderr
