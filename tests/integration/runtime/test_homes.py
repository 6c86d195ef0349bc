"""What a flow's file defines is the same in tasks, launchers and applications, whatever the file's name is there."""

from __future__ import annotations

import json
import shutil
import zipapp
from collections.abc import Callable

import pytest

from tests.support import kinds
from tests.support.harness import Folder

#: What `kinds.run` prints when all kinds are right: in a task, where results are read, and of a parameter.
RIGHT = [[], [], True]


def _last_line(folder: Folder, *arguments: str, **environment: str) -> str:
    ended = folder.python(*arguments, **environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()[-1]


def _copies(folder: Folder, *names: str) -> None:
    for name in names:
        file = folder.path / name
        file.parent.mkdir(exist_ok=True)
        shutil.copy(kinds.__file__, file)


def _script(folder: Folder) -> str:
    _copies(folder, "main.py")
    return _last_line(folder, "main.py")


def _threads(folder: Folder) -> str:
    _copies(folder, "main.py")
    return _last_line(folder, "main.py", "thread")


def _module(folder: Folder) -> str:
    _copies(folder, "main.py", "pkg/flow.py", "pkg/main.py")
    return _last_line(folder, "-m", "pkg.flow")


def _container(folder: Folder) -> str:
    """Write main.py for the tasks, and the same file as report.py for the application that launches them."""
    _copies(folder, "main.py", "report.py")
    return _last_line(folder, "-c", "import report; print(report.run())")


def _zipapp(folder: Folder) -> str:
    _copies(folder, "app/__main__.py")
    zipapp.create_archive(folder.path / "app", folder.path / "app.pyz")
    return _last_line(folder, "app.pyz", "thread")


def _by_path(folder: Folder) -> str:
    """Return a module that is loaded by its path, where another one is found under its name."""
    _copies(folder, "main.py")
    folder.write("Point = None", "report.py")
    code = """
    import importlib.util, sys
    spec = importlib.util.spec_from_file_location("report", "main.py")
    module = sys.modules["report"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    del sys.modules["report"]
    import report
    del module.KINDS["module"]
    print(module.run(threads=True))
    """
    folder.write(code, "application.py")
    return _last_line(folder, "application.py")


@pytest.mark.parametrize(
    "run", [_script, _threads, _module, _container, _zipapp, _by_path], ids=lambda run: run.__name__[1:]
)
def test_all_kinds_of_values_are_right(run: Callable[[Folder], str], folder: Folder) -> None:
    """However a flow is run, each kind of value that its file makes is right in another task and where it is read."""
    assert json.loads(run(folder)) == RIGHT


def test_an_application_reads_what_a_script_wrote(folder: Folder) -> None:
    """What tasks wrote whose flow was a script is of the classes of the module that an application imports."""
    _copies(folder, "main.py", "report.py")
    assert json.loads(_last_line(folder, "main.py")) == RIGHT
    code = """
    import report
    flow = report.Kinds()
    (execution,) = flow.datastore.list_executions(flow=flow)
    print(report.wrong(execution.layer(report.Write)))
    """
    folder.write(code, "application.py")
    assert _last_line(folder, "application.py") == "[]"


def test_a_value_has_one_digest_in_all_processes(folder: Folder) -> None:
    """Whatever the process and the name of the flow's file, a value is pickled as the same bytes."""
    _copies(folder, "main.py", "report.py")
    script = json.loads(_last_line(folder, "main.py", "digests", PYTHONHASHSEED="1"))
    application = json.loads(_last_line(folder, "-c", "import report; print(report.digests())", PYTHONHASHSEED="2"))
    assert script == application


MENDED = """
    import cloudpickle, sys
    from laminar_runtime import Flow, Layer
    class {name}:
        def __eq__(self, other): return type(other) is type(self)
        def answer(self): return {answer}
    {more}
    class MyFlow(Flow): ...
    @MyFlow.register
    class A(Layer):
        def __call__(self):
            self.point = {name}()
    @MyFlow.register
    class B(Layer):
        def __call__(self, a: A):
            self.answer = a.point.answer() / {divisor}
    if flow := MyFlow():
        try:
            flow("e1") if len(sys.argv) == 1 else flow.execution("e1").resume()
        except Exception as error:
            print(str(error).splitlines()[0])
        else:
            print(flow.execution("e1").layer(B).answer)
"""


def _mended(**changes: str) -> str:
    return MENDED.format(**{"name": "Point", "answer": "1", "more": "", "divisor": "1", **changes})


def test_a_mended_method_runs_after_a_resume(folder: Folder) -> None:
    """A resumed execution runs the methods that the file has now, on values that were stored before."""
    folder.write(_mended(divisor="0"))
    assert "division by zero" in _last_line(folder, "main.py")
    folder.write(_mended(answer="42"))
    assert _last_line(folder, "main.py", "resume") == "42.0"


def test_a_class_that_is_gone_is_named_with_a_cure(folder: Folder) -> None:
    """A class that the file does not define any more is an error that says how to read the artifact; an alias does."""
    folder.write(_mended())
    assert _last_line(folder, "main.py") == "1.0"
    code = """
    from report import MyFlow
    try:
        print(MyFlow().execution("e1").layer("A").point.answer())
    except Exception as error:
        print(type(error).__name__, error)
    """
    folder.write(code, "application.py")
    folder.write(_mended(name="Place").replace("if flow := MyFlow():", "if False:"), "report.py")
    line = _last_line(folder, "application.py")
    assert line.startswith("DatastoreError")
    assert f"the file of flow 'MyFlow' ({folder.path / 'report.py'}) does not define 'Point'" in line
    assert "add Point = ... to the file" in line
    mended = _mended(name="Place", answer="5", more="Point = Place").replace("if flow := MyFlow():", "if False:")
    folder.write(mended, "report.py")
    assert _last_line(folder, "application.py") == "5"


def test_modules_that_are_registered_to_be_pickled_by_value_are(folder: Folder) -> None:
    """Who wants copies of a module's classes gets them: a reader needs no module."""
    folder.write(_mended(more="cloudpickle.register_pickle_by_value(sys.modules[__name__])"))
    assert _last_line(folder, "main.py") == "1.0"
    code = """
    from laminar_runtime import Flow, Layer
    class MyFlow(Flow): ...
    @MyFlow.register
    class A(Layer): ...
    print(MyFlow().execution("e1").layer(A).point.answer())
    """
    folder.write(code, "application.py")
    assert _last_line(folder, "application.py") == "1"


def test_pickles_by_value_of_earlier_releases_are_read(folder: Folder) -> None:
    """An artifact that carries its class is read as before."""
    code = """
    import hashlib, cloudpickle
    from laminar_runtime import Flow, Layer
    from laminar_runtime.storage.archives import Artifact
    class Point:
        x = 1
    class MyFlow(Flow): ...
    flow = MyFlow()
    content = cloudpickle.dumps(Point())
    artifact = Artifact("__main__.Point", hashlib.sha256(content).hexdigest())
    flow.datastore.transport.put(artifact.key("MyFlow"), content)
    print(flow.datastore.read_artifact("MyFlow", artifact).x)
    """
    assert folder.run(code) == "1"


def test_what_comes_after_the_call_goes_by_value(folder: Folder) -> None:
    """A class that stands below the guard is not there in tasks: an instance of it carries it."""
    code = """
    from laminar_runtime import Flow, Layer, Parameters
    class MyFlow(Flow): ...
    @MyFlow.register
    class A(Layer):
        def __call__(self, parameters: Parameters):
            self.x = parameters.late.x
    if flow := MyFlow():
        class Late:
            x = 5
        print(flow(late=Late()).layer(A).x)
    """
    assert folder.run(code) == "5"


def test_a_class_defined_again_leaves_old_instances_their_own(folder: Folder) -> None:
    """An instance of a class whose name means another class by now keeps its class, by value."""
    code = """
    from laminar_runtime import Flow, Layer
    class Point:
        old = True
    point = Point()
    class Point:
        old = False
    class MyFlow(Flow): ...
    @MyFlow.register
    class A(Layer):
        def __call__(self):
            self.points = [point, Point()]
    if flow := MyFlow():
        print([point.old for point in flow().layer(A).points])
    """
    assert folder.run(code) == "[True, False]"


LAYERS = """
    import {how}
    from laminar_runtime import Layer
    class Point: ...
    @{flow}.register
    class A(Layer):
        def __call__(self):
            self.point = Point()
    @{flow}.register
    class B(Layer):
        def __call__(self, a: A):
            self.same = type(a.point) is Point
    def run():
        execution = {flow}()()
        print(execution.layer("B").same, type(execution.layer("A").point) is Point)
    if __name__ == "__main__" and {flow}():
        run()
"""


@pytest.mark.parametrize(
    ("how", "flow"), [("sys; from meeting import MyFlow", "MyFlow"), ("meeting", "meeting.MyFlow")]
)
def test_a_flow_whose_layers_are_elsewhere(how: str, flow: str, folder: Folder) -> None:
    """A flow whose class stands apart is at home in the module that registers its layers: that one is run, too."""
    folder.write("from laminar_runtime import Flow\nclass MyFlow(Flow): ...", "meeting.py")
    for name in ("main.py", "layers.py"):
        folder.write(LAYERS.format(how=how, flow=flow), name)
    assert _last_line(folder, "main.py") == "True True"
    read = f"""
    import layers
    flow = layers.{flow}()
    (execution,) = flow.datastore.list_executions(flow=flow)
    print(type(execution.layer("A").point) is layers.Point)
    layers.run()
    """
    folder.write(read, "application.py")
    assert folder.python("application.py").stdout == "True\nTrue True\n"


def test_a_flow_made_of_the_layers_of_a_library(folder: Folder) -> None:
    """A flow that registers layers of other modules is at home where it does so, and what those define is theirs."""
    library = """
    from laminar_runtime import Layer
    class Theirs: ...
    class A(Layer):
        def __call__(self, parameters: "Parameters"):
            self.values = [parameters.mine, Theirs()]
    """
    folder.write(library, "library.py")
    code = """
    import library
    from laminar_runtime import Flow
    class Mine: ...
    class MyFlow(Flow): ...
    MyFlow.register(library.A)
    if flow := MyFlow():
        print([type(value) for value in flow(mine=Mine()).layer("A").values] == [Mine, library.Theirs])
    """
    assert folder.run(code) == "True"


BESIDE = """
    try:
        from .shapes import Shape
    except ImportError:
        from shapes import Shape
    from laminar_runtime import Flow, Layer
    class MyFlow(Flow): ...
    @MyFlow.register
    class A(Layer):
        def __call__(self):
            self.shapes = [Shape()]
    if __name__ == "__main__" and (flow := MyFlow()):
        flow("e1")
"""


@pytest.mark.parametrize(("writes", "module"), [(["main.py"], "package.main"), (["-m", "package.main"], "main")])
def test_a_module_beside_the_flow_has_another_name(writes: list[str], module: str, folder: Folder) -> None:
    """What a module beside the flow's file defines is found where that module is in a package, or is not."""
    package = Folder(folder.path / "package")
    package.path.mkdir()
    package.write(BESIDE)
    package.write("class Shape: ...", "shapes.py")
    place = package if writes == ["main.py"] else folder
    ended = place.python(*writes)
    assert ended.returncode == 0, ended.stderr
    code = f"""
    import {module} as flow
    from laminar_runtime.configurations import datastores
    store = datastores.Local({str(place.path / ".laminar")!r})
    (shape,) = flow.MyFlow(datastore=store).execution("e1").layer("A").shapes
    print(type(shape) is flow.Shape)
    """
    reads = folder if "." in module else package
    reads.write(code, "application.py")
    assert _last_line(reads, "application.py") == "True"
