"""An import starts no flow, whoever imports; programs and functions that are called do."""

from __future__ import annotations

import pytest

from tests.support.harness import Folder

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.schedulers import Scheduler

class Noting(Scheduler):
    def run(self, *, execution):
        print("started", execution.flow_name, flush=True)

class Nightly(Flow): ...

@Nightly.register
class A(Layer):
    def __call__(self) -> None:
        print("ran", flush=True)

def start():
    Nightly(scheduler=Noting())()

"""
MODULE_LEVEL = FLOW + "flow = Nightly(scheduler=Noting())\n\n"
IDIOM = MODULE_LEVEL + 'if __name__ == "__main__" and flow:\n    flow()\n'
GUARDED = MODULE_LEVEL + "if flow:\n    flow()\n"
WALRUS = FLOW + "if flow := Nightly(scheduler=Noting()):\n    flow()\n"
UNGUARDED = FLOW + "Nightly(scheduler=Noting())()\n"

#: How programs come to the module.
IMPORTS = {
    "import": "import nightly",
    "in a function": "def f():\n    from nightly import A\nf()",
    "through another module": "import between",
    "again": "import importlib, nightly\nimportlib.reload(nightly)",
    "by path": """
import importlib.util
spec = importlib.util.spec_from_file_location("other_name", "nightly.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)""",
    "in a thread": """
import importlib, threading
thread = threading.Thread(target=importlib.import_module, args=("nightly",))
thread.start(); thread.join()""",
}


@pytest.mark.parametrize("how", IMPORTS.values(), ids=IMPORTS)
@pytest.mark.parametrize("module", [IDIOM, GUARDED, WALRUS], ids=["idiom", "guarded", "walrus"])
def test_an_import_starts_nothing(module: str, how: str, folder: Folder) -> None:
    """However a program imports a module with a guarded flow, the flow is not started."""
    folder.write(module, "nightly.py")
    folder.write("import nightly\n", "between.py")
    folder.write(f"{how}\nprint('went on')\n")
    ended = folder.python("main.py")
    assert (ended.returncode, ended.stdout) == (0, "went on\n"), ended.stderr


@pytest.mark.parametrize("how", IMPORTS.values(), ids=IMPORTS)
def test_an_unguarded_call_is_refused(how: str, folder: Folder) -> None:
    """A call that an import makes starts nothing, and is reported with the guard that it lacks."""
    folder.write(UNGUARDED, "nightly.py")
    folder.write("import nightly\n", "between.py")
    folder.write(how)
    ended = folder.python("main.py")
    assert "started" not in ended.stdout
    assert "FlowError: flow 'Nightly' is called while the module '" in ended.stderr
    assert (
        'flow = Nightly(...), and call it under a condition: if __name__ == "__main__" and flow: flow()' in ended.stderr
    )


def test_a_call_by_a_function_of_another_module_is_refused(folder: Folder) -> None:
    """What counts is whose import makes the call, not in which module the function stands that calls."""
    folder.write("def run(flow):\n    flow()\n", "common.py")
    folder.write(f"{MODULE_LEVEL}\nfrom common import run\nrun(flow)\n", "nightly.py")
    assert "started" in folder.python("nightly.py").stdout
    ended = folder.python("-c", "import nightly")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "while the module 'nightly' is imported" in ended.stderr


@pytest.mark.parametrize("module", [IDIOM, GUARDED, WALRUS, UNGUARDED], ids=["idiom", "guarded", "walrus", "unguarded"])
@pytest.mark.parametrize(
    "how",
    [
        ["nightly.py"],
        ["-m", "nightly"],
        ["-c", "import runpy\nrunpy.run_path('nightly.py', run_name='__main__')"],
        ["-c", "import runpy\nrunpy.run_module('nightly', run_name='__main__')"],
        ["-c", "exec(open('nightly.py').read())"],
    ],
    ids=["script", "module", "run_path", "run_module", "exec"],
)
def test_a_program_starts_its_flow(how: list[str], module: str, folder: Folder) -> None:
    """Run as the program, in any way, each form of the file starts the flow, once."""
    folder.write(module, "nightly.py")
    ended = folder.python(*how)
    assert (ended.returncode, ended.stdout) == (0, "started Nightly\n"), ended.stderr


@pytest.mark.parametrize(
    "call",
    [
        "nightly.start()",
        "nightly.flow()",
        "assert nightly.flow\nnightly.flow()",
        "def f():\n    nightly.flow()\nf()",
        "import threading\nthread = threading.Thread(target=nightly.flow)\nthread.start(); thread.join()",
        "import runpy\nrunpy.run_path('program.py')",
        "import doctest, documented\nassert doctest.testmod(documented, verbose=True).failed == 0",
    ],
)
def test_calls_of_what_is_imported_start_flows(call: str, folder: Folder) -> None:
    """A program starts the flows that it imported, itself, by their functions, in threads and in doctests."""
    folder.write(IDIOM, "nightly.py")
    folder.write("import nightly\nnightly.flow()\n", "program.py")
    folder.write('"""\n>>> import nightly\n>>> run = nightly.flow()\nstarted Nightly\n"""\n', "documented.py")
    folder.write(f"import nightly\n{call}\n")
    ended = folder.python("main.py")
    assert ended.returncode == 0, ended.stderr
    assert "started Nightly" in ended.stdout


def test_tests_start_flows(folder: Folder) -> None:
    """Pytest imports modules and calls their functions: only what these do starts flows."""
    folder.write(GUARDED, "nightly.py")
    folder.write("import nightly\nassert not nightly.flow\ndef test_it():\n    nightly.start()\n", "test_nightly.py")
    for mode in ("prepend", "importlib"):
        ended = folder.python("-m", "pytest", "-s", "-q", "-p", "no:cacheprovider", f"--import-mode={mode}")
        assert ended.returncode == 0, ended.stdout
        assert ended.stdout.count("started Nightly") == 1


CHAIN = """
from laminar_runtime import Execution, Flow, Layer, Parameters

class One(Flow): ...
class Two(Flow): ...

@One.register
@Two.register
class Count(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.count = parameters.start + 1

def link(execution: Execution) -> Parameters:
    return Parameters(start=execution.layer(Count).count)

one, two = One(), Two()
if {guard}:
    last = one("e1", start=1).next(flow=two, linker=link)
    print(last.id, last.layer(Count).count)
"""


@pytest.mark.parametrize("guard", ["one", '__name__ == "__main__" and one'])
def test_chains(guard: str, folder: Folder) -> None:
    """A chain is guarded as a flow is: it runs as a program, tasks of the second flow and all, and not if imported."""
    folder.write(CHAIN.format(guard=guard), "chained.py")
    ended = folder.python("chained.py")
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "e1 3"), ended.stderr
    assert folder.run("import chained\nprint('imported')\n") == "imported"
    assert folder.run("import chained\nprint(chained.two(start=5).layer('Count').count)\n") == "6"


def test_resumptions(folder: Folder) -> None:
    """To resume an execution starts it, too."""
    folder.write(FLOW + "Nightly(scheduler=Noting()).execution('e1').resume()\n", "nightly.py")
    ended = folder.python("-c", "import nightly")
    assert "FlowError: flow 'Nightly' is called while the module 'nightly' is imported" in ended.stderr


def test_state_machines(folder: Folder) -> None:
    """So does `invoke`, which has no flow to ask."""
    folder.write(
        "from laminar_runtime.configurations.schedulers import AWS\nAWS.StepFunctions('x').invoke()\n", "starts.py"
    )
    ended = folder.python("-c", "import starts")
    assert "SchedulerError: invoke() is called while the module 'starts' is imported" in ended.stderr


IN_CHILDREN = """
import multiprocessing
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.datastores import Memory
from laminar_runtime.configurations.executors import Thread

class Nightly(Flow): ...

@Nightly.register
class A(Layer):
    def __call__(self) -> None:
        self.x = 1

def run(number):
    return Nightly(datastore=Memory(), executor=Thread())().layer(A).x + number

flow = Nightly(datastore=Memory(), executor=Thread())
{call}

if __name__ == "__main__":
    with multiprocessing.get_context("{method}").Pool(1) as pool:
        print(pool.map(run, [1, 2]))
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("call", ["if flow: print('ran', flow().layer(A).x)", "flow()"])
def test_processes_of_multiprocessing(call: str, method: str, folder: Folder) -> None:
    """A process that multiprocessing starts reads the file again, which starts nothing; its functions may."""
    folder.write(IN_CHILDREN.format(call=call, method=method))
    ended = folder.python("main.py")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "[2, 3]"
    assert ended.stdout.count("ran") == call.count("ran")


TASK = {"LAMINAR_EXECUTION_ID": "e1", "LAMINAR_FLOW_NAME": "Nightly", "LAMINAR_LAYER_NAME": "A"}


@pytest.mark.parametrize("module", [IDIOM, GUARDED, WALRUS], ids=["idiom", "guarded", "walrus"])
def test_tasks_of_a_flow_of_a_module(module: str, folder: Folder) -> None:
    """A module's flow has its tasks run when the module is there, whole."""
    folder.write(f"{module}\nprint('whole')\n", "nightly.py")
    ended = folder.python("-m", "laminar_runtime", "nightly", "Nightly", **TASK)
    assert (ended.returncode, ended.stdout) == (0, "whole\nran\n"), ended.stderr


def test_an_image_that_imports_its_flow(folder: Folder) -> None:
    """A task's program may do no more than to import the module with the guarded flow."""
    folder.write(GUARDED, "nightly.py")
    folder.write("import nightly\n")
    ended = folder.python("main.py", **TASK)
    assert (ended.returncode, ended.stdout) == (0, "ran\n"), ended.stderr


def test_a_task_whose_file_is_imported_first(folder: Folder) -> None:
    """A module that imports the program's file under its name does not run the program's task: the program does."""
    folder.write("import main\n", "circular.py")
    folder.write(f"import circular\n{WALRUS}\nprint(__name__)\n")
    ended = folder.python("main.py", **TASK)
    assert (ended.returncode, ended.stdout) == (0, "main\nran\n__main__\n"), ended.stderr
