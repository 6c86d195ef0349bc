"""Flows that are called while a task runs: by its layer, by its threads, and by the programs that it starts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.support.harness import Folder

INNER = """
import os, sys
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.settings import current

class Inner(Flow): ...

@Inner.register
class I(Layer):
    def __call__(self) -> None:
        self.v = 42
        self.seen = [current.flow.name, current.layer.name]
"""
OUTER = """
class Outer(Flow): ...

@Outer.register
class O(Layer):
    def __call__(self) -> None:
        {call}
        self.seen = [current.flow.name, current.layer.name]

if flow := Outer(executor={executor}):
    outer = flow("outer")
    print(*outer.layer(O).seen, outer.layer(O).inner != "outer", outer.layer(O).v)
"""
CALL = (
    "inner = Inner()(); self.inner, self.v = inner.id, inner.layer(I).v; assert inner.layer(I).seen == ['Inner', 'I']"
)
BY_THREAD = """from concurrent.futures import ThreadPoolExecutor as Pool
        run = Pool(1).submit(Inner()).result()
        self.inner, self.v = run.id, run.layer(I).v"""
THREAD = "executors.Thread()"


@pytest.mark.parametrize("executor", ["executors.Process()", THREAD])
@pytest.mark.parametrize(
    "call",
    [
        CALL,
        CALL.replace("Inner()();", "inner = Inner(); assert inner; inner = inner();"),
        CALL.replace("Inner()()", "Inner(datastore=self.execution.datastore, executor=executors.Thread())()"),
        BY_THREAD,
    ],
    ids=["called", "guarded", "in threads", "by a thread"],
)
def test_a_flow_called_in_a_layer(call: str, executor: str, folder: Folder) -> None:
    """It runs, under an id of its own, the same on every executor; the layer stays the current one."""
    assert folder.run(INNER + OUTER.format(call=call, executor=executor)) == "Outer O True 42"


@pytest.mark.parametrize("executor", ["executors.Process()", THREAD])
def test_a_flow_of_a_module(executor: str, folder: Folder) -> None:
    """What a layer imports starts nothing by being imported, and runs if it is called."""
    folder.write(INNER + "\nflow = Inner()\nif flow:\n    flow()\n    print('imported')\n", "inner.py")
    call = "import inner; run = inner.flow(); self.inner, self.v = run.id, run.layer('I').v"
    folder.write(INNER + OUTER.format(call=call, executor=executor))
    ended = folder.python("main.py")
    assert ended.stdout.splitlines()[-1] == "Outer O True 42", ended.stderr
    assert "imported" not in ended.stdout


def test_a_layer_that_calls_its_own_flow(folder: Folder) -> None:
    """A flow may call itself: each call is an execution of its own, with its own tasks."""
    folder.write("""
        from laminar_runtime import Flow, Layer, Parameters

        class Down(Flow): ...

        @Down.register
        class Step(Layer):
            def __call__(self, parameters: Parameters) -> None:
                below = flow(left=parameters.left - 1).layer(Step).ids if parameters.left else []
                self.ids = [self.execution.id, *below]

        flow = Down()
        if flow:
            print(len(set(flow(left=2).layer(Step).ids)))
        """)
    ended = folder.python("main.py")
    assert ended.stdout.splitlines()[-1] == "3", ended.stderr


CHAIN = """
class Two(Flow): ...

@Two.register
class T(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.v = parameters.v
"""


def test_a_chain_called_in_a_layer(folder: Folder) -> None:
    """Flows may follow one another in a layer, as they do in a program."""
    call = (
        "run = Inner()().next(flow=Two(), linker=lambda e: Parameters(v=e.layer(I).v)); "
        "self.inner, self.v = run.id, run.layer(T).v"
    )
    script = f"from laminar_runtime import Parameters\n{INNER}{CHAIN}{OUTER}"
    assert folder.run(script.format(call=call, executor="None")) == "Outer O True 42"


@pytest.mark.parametrize("executor", ["executors.Process()", THREAD])
@pytest.mark.parametrize("guard", ["if flow := Inner(): print(flow().layer(I).v)", "print(Inner()().layer(I).v)"])
def test_a_script_that_a_layer_starts(guard: str, executor: str, folder: Folder) -> None:
    """The script of another flow, which inherits the task's environment, runs as it does elsewhere."""
    folder.write(f"{INNER}\n{guard}\n", "other.py")
    call = (
        "import subprocess; self.inner = ''; "
        "self.v = subprocess.run([sys.executable, 'other.py'], stdout=-1, check=True, text=True).stdout.split()[-1]"
    )
    assert folder.run(INNER + OUTER.format(call=call, executor=executor)) == "Outer O True 42"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_that_a_layer_starts(method: str, folder: Folder) -> None:
    """So do flows that are called by the processes of multiprocessing, forked and spawned."""
    run = "\ndef run(_):\n    return Inner()().layer(I).v\n"
    call = (
        f"import multiprocessing; self.inner = ''; pool = multiprocessing.get_context('{method}').Pool(1); "
        "self.v = pool.map(run, [1])[0]; pool.terminate()"
    )
    assert folder.run(INNER + run + OUTER.format(call=call, executor="None")) == "Outer O True 42"


def test_what_fails_in_an_inner_flow(folder: Folder) -> None:
    """Its error is the layer's."""
    folder.write(INNER.replace("self.v = 42", "raise OSError('no luck')") + OUTER.format(call=CALL, executor="None"))
    ended = folder.python("main.py")
    assert ended.returncode == 1
    assert "OSError: no luck" in ended.stderr
    assert "layer 'O'" in ended.stderr


def test_an_inner_flow_in_memory(folder: Folder) -> None:
    """What the memory of a task's process keeps ends with it, which is said; that of the launching process does not."""
    memory = CALL.replace("Inner()", "Inner(datastore=datastores.Memory(), executor=executors.Thread())", 1)
    folder.write(INNER + OUTER.format(call=memory, executor="None"))
    ended = folder.python("main.py")
    assert "FlowError: layer 'O' of flow 'Outer' calls flow 'Inner', whose artifacts in memory:// would" in (
        ended.stderr
    )
    assert "Inner(datastore=self.execution.datastore)" in ended.stderr
    assert folder.run(INNER + OUTER.format(call=memory, executor=THREAD)) == "Outer O True 42"


TASK = {"LAMINAR_EXECUTION_ID": "e1", "LAMINAR_FLOW_NAME": "Outer", "LAMINAR_LAYER_NAME": "O"}


@pytest.mark.parametrize(
    ("root", "folders", "fails"),
    [
        ("s3://bucket/prefix", "", True),
        ("s3://bucket/prefix", "all", False),
        ("{folder}/elsewhere", "datastore", True),
        ("{folder}", "datastore", False),
        ("{folder}/elsewhere", "", False),
    ],
    ids=["deployed", "deployed here", "container", "mounted", "by hand"],
)
@pytest.mark.parametrize("script", [False, True])
def test_folders_that_end_with_the_task(root: str, folders: str, fails: bool, script: bool, folder: Folder) -> None:  # noqa: FBT001
    """A folder of a container ends with it, but for that of the task's datastore: flows there are refused."""
    folder.write(f"{INNER}\nif flow := Inner(): flow()\n", "other.py")
    call = "import subprocess; subprocess.run([sys.executable, 'other.py'], check=True)" if script else CALL
    # The datastore of the task cannot be reached here: what is looked at is how its layer ends.
    outer = OUTER.format(call=f"{call}; print('inner ran'); os._exit(0)", executor="None")
    folder.write(INNER + outer)
    variables = {**TASK, "LAMINAR_DATASTORE_ROOT": root.format(folder=folder.path)}
    variables |= {"LAMINAR_FOLDERS": folders} if folders else {}
    ended = folder.python(
        "main.py", **variables, **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "none")
    )
    assert ("inner ran" not in ended.stdout) == fails
    assert ("FlowError: layer 'O' of flow 'Outer' calls flow 'Inner', whose artifacts in" in ended.stderr) == fails


def test_folders_are_those_of_the_task(folder: Folder) -> None:
    """A task that is started in a container, by a flow that its layer calls, is in that container."""
    folder.write(
        INNER + OUTER.format(call="print(os.environ['LAMINAR_FOLDERS']); self.inner = self.v = 42", executor="None")
    )
    assert "[O] all" in folder.python("main.py").stdout
    shutil.rmtree(folder.path / ".laminar")
    assert "[O] datastore" in folder.python("main.py", LAMINAR_FOLDERS="datastore").stdout


def test_an_exit_code_is_the_task_s(folder: Folder) -> None:
    """What a flow that was called leaves does not pass for the task, and a forked process ends as it says."""
    call = "Inner()(); child = os.fork(); child or sys.exit(7); self.inner = ''; self.v = os.waitpid(child, 0)[1] >> 8"
    assert folder.run(INNER + OUTER.format(call=call, executor="None")).startswith("Outer O True")


def test_a_job_that_is_stopped_while_an_inner_flow_runs(folder: Folder) -> None:
    """It ends by the signal's code, and shows no traceback: the layer did not exit the process, nor is it at fault."""
    slow = INNER.replace("self.v = 42", "__import__('time').sleep(60)")
    folder.write(slow + OUTER.format(call="Inner()()", executor="None"))
    task = {"EXECUTION_ID": "outer", "FLOW_NAME": "Outer", "LAYER_NAME": "O", "LAYER_INDEX": "0", "LAYER_SPLITS": "1"}
    with subprocess.Popen(
        [sys.executable, "main.py"],
        cwd=folder.path,
        env={**os.environ, **{f"LAMINAR_{name}": value for name, value in task.items()}},
        stderr=subprocess.PIPE,
        text=True,
    ) as job:
        assert job.stderr is not None
        shown = [job.stderr.readline(), job.stderr.readline()]
        job.terminate()
        shown += job.stderr.readlines()
    assert job.wait(timeout=30) == 128 + signal.SIGTERM, shown
    assert "was stopped. Resume it with" in shown[-1]
    assert "Traceback" not in "".join(shown)


def test_programs_that_are_no_plain_file(folder: Folder) -> None:
    """An inner flow is found again where the program is a folder, or a module of a package."""
    call = OUTER.format(call=CALL, executor="None")
    for name in ("app/__main__.py", "package/__init__.py", "package/flow.py"):
        (folder.path / name).parent.mkdir(exist_ok=True)
        folder.write("" if "init" in name else INNER + call.replace('flow("outer")', "flow()"), name)
    for words in (["app"], ["-m", "package.flow"], ["-m", "cProfile", "-o", "profile.out", "app/__main__.py"]):
        ended = folder.python(*words)
        assert "Outer O True 42" in ended.stdout, ended.stderr


@pytest.mark.parametrize("where", ["layer", "thread"])
def test_results_that_are_read_at_module_level(where: str, folder: Folder) -> None:
    """A program without guards, that goes on to results, has inner flows found, too."""
    call = CALL if where == "layer" else BY_THREAD
    unguarded = """
outer = Outer()()
print(*outer.layer(O).seen, outer.layer(O).inner != outer.id, outer.layer(O).v)
"""
    script = INNER + OUTER.partition("\nif flow")[0].format(call=call) + unguarded
    assert folder.run(script) == "Outer O True 42"


def test_hooks_and_threads_that_call_flows(folder: Folder) -> None:
    """A flow that a hook or a thread of the launching process calls is found by its tasks, too."""
    script = """
from laminar_runtime.configurations import hooks
import threading

class Hooked(Flow): ...

@Hooked.register
class H(Layer):
    def __call__(self) -> None:
        self.x = 1

    @hooks.entry
    def enter(self) -> bool:
        return Inner()().layer(I).v == 42

seen = []
if __name__ == "__main__":
    thread = threading.Thread(target=lambda: seen.append(Hooked()().layer(H).x + Inner()().layer(I).v))
    thread.start()
    thread.join()
    print(seen)
"""
    assert folder.run(INNER + script) == "[43]"
