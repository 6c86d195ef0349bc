"""How a fresh process of this machine gets to a flow: by which words it is started, and what it does first.

A program's own flow is reached as the launcher reached it: by the same file, arguments and options of the interpreter::

    python -O main.py --day 1      a task: python -O main.py --day 1

All others are reached by `laminar_runtime.__main__`, which is given the launcher's path of imports as an argument:
other Pythons that a layer starts do not inherit it, as they would a variable::

    python -c "..." '{"path": [...], "module": "reports", "flow": "Report", ...}'
"""

from __future__ import annotations

import functools
import itertools
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.exceptions import FlowError
from laminar_runtime.pickling import homes
from laminar_runtime.programs import importing

if TYPE_CHECKING:
    from pathlib import Path

    from laminar_runtime.configurations.datastores import DataStore

__all__ = ["Origin", "origin_of", "own_path", "words"]

#: The arguments of the program, as they were: programs take theirs out of the list.
_ARGUMENTS = tuple(sys.argv)
#: What a fresh interpreter runs before anything else is imported.
_START = (
    "import json, sys; start = json.loads(sys.argv[1]); "
    "sys.path[:], sys.argv[:] = start.pop('path'), start.pop('argv'); "
    "from laminar_runtime.__main__ import begin; begin(**start)"
)


@_records.frozen
class Origin:
    """Where a flow is defined, and so how a fresh process gets to it.

    Args:
        file: The flow's file.
        module: The name by which a fresh process imports the file, None if it runs the file as a script.
        attribute: The name of the flow in the module.
        as_module: The name by which ``python -m`` was given the script, None if it was given a file.
        script: What Python runs: the file, or the folder or archive with its ``__main__.py``.
        found: Whether a fresh process finds the module by its name; if not, it loads the file.
        called: Whether the script itself calls the flow, which a layer, a hook or a thread may do instead.
        datastore: The launcher's datastore.
    """

    file: Path
    module: str | None
    attribute: str
    as_module: str | None = None
    script: str = ""
    found: bool = True
    called: bool = True
    datastore: DataStore | None = _records.field(default=None, repr=False)

    @property
    def folder(self) -> Path:
        """The folder that stands for an image's working directory: of the flow's file, or of its package."""
        name = self.as_module or (self.module if self.found else "") or ""
        return self.file.parents[name.count(".")]


def origin_of(flow: type, *, called: bool = True, datastore: DataStore | None = None) -> Origin | None:
    """Find out how a fresh process gets to a flow.

    Args:
        flow: The flow's class.
        called: Whether the program calls the flow by itself: see `importing.by_program`.
        datastore: The flow's datastore.

    Returns:
        Where it is, None if it is inside a function or has no file.
    """
    from pathlib import Path

    home = homes.home_of(flow)
    name = home.own("__file__")
    if name is None:
        return None
    file, inside = Path(name).absolute(), "<locals>" in flow.__qualname__
    if home.module in {"__main__", importing.AGAIN}:
        called = called and home.module == "__main__"
        as_module, script = _program(home.own("__spec__"), file)
        # What comes by standard input is a file to Python, but none that can be read again.
        if (inside and not called) or not (as_module or os.path.exists(script)):  # noqa: PTH110 - it is text
            return None
        return Origin(file, None, flow.__qualname__, as_module, script, called=called, datastore=datastore)
    if inside:
        return None
    found = _finds(home.module, str(file))
    return Origin(file, home.module, flow.__qualname__, found=found, datastore=datastore)


def _program(spec: Any, file: Path) -> tuple[str | None, str]:
    """Return the name that ``python -m`` was given, if it was, and what Python was given otherwise."""
    # Those who run a script for others, such as cProfile, make a specification without a loader.
    if getattr(spec, "loader", None) is None:
        return None, str(file)
    # That of a folder or an archive has the name that all programs have.
    return (None, str(file.parent)) if spec.name == "__main__" else (spec.name, str(file))


@functools.cache
def _finds(module: str, file: str) -> bool:
    """Whether a module is found by its name where imports look, and is that file."""
    parent = sys.modules.get(module.rpartition(".")[0])
    path = getattr(parent, "__path__", None) if "." in module else None
    if "." in module and path is None:
        return False
    for finder in sys.meta_path:
        spec = finder.find_spec(module, path)
        if spec is not None:
            return spec.origin is not None and os.path.abspath(spec.origin) == file  # noqa: PTH100 - one of them is text
    return False


def words(origin: Origin, flow: str) -> list[str]:
    """Return the words that start a process that runs a task of a flow.

    Args:
        origin: Where the flow is.
        flow: The flow's name.

    Raises:
        FlowError: If tasks would not know what was registered with the launcher's datastore.
    """
    import json

    python = [sys.executable, *_options()]
    if origin.module is None and origin.as_module is None and origin.called:
        return [*python, origin.script, *_ARGUMENTS[1:]]
    here = os.getcwd()  # noqa: PTH109 - pathlib is not needed for that
    start: dict[str, Any] = {"path": [entry or here for entry in sys.path], "argv": _ARGUMENTS}
    if origin.module is not None:
        start |= {"module": origin.module, "file": None if origin.found else str(origin.file)}
    else:
        start |= {"program": origin.as_module, "file": None if origin.as_module else origin.script}
    if origin.module is not None or not origin.called:
        start |= {"flow": origin.attribute}
        if origin.datastore is not None:
            start |= {"protocols": _references(origin, flow), "pickle": origin.datastore.pickle}
    return [*python, "-c", _START, json.dumps(start, separators=(",", ":"))]


def _options() -> list[str]:
    """Return the options that this interpreter was started with, as far as they are for tasks too.

    https://docs.python.org/3/using/cmdline.html
    """
    import subprocess

    # What multiprocessing starts its processes with. It leaves out some of -X.
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # noqa: SLF001
    given = [("-X", name if value is True else f"{name}={value}") for name, value in sys._xoptions.items()]  # noqa: SLF001
    known = set(itertools.pairwise(flags))
    return [*flags, *(word for option in given if option not in known for word in option)]


def _references(origin: Origin, flow: str) -> dict[str, list[str]]:
    """Return the classes of the protocols of the launcher's datastore, by the names of their types."""
    protocols: Mapping[str, Any] = origin.datastore.protocols if origin.datastore is not None else {}
    for dtype, protocol in protocols.items():
        cls = type(protocol)
        program = cls.__module__ in {"__main__", importing.AGAIN}
        named = homes.defines(cls.__module__, cls.__qualname__, cls) and program <= (origin.module is None)
        if not named or vars(protocol) != vars(cls()):
            where = f"module '{origin.module}'" if origin.module else f"{origin.file}"
            what = f"the tasks of flow '{flow}' are run by {where}, and do not know the protocol '{cls.__qualname__}'"
            fix = "define its class at the top of a module, to be made without arguments, and register it from there"
            raise FlowError(f"{what}, which {dtype} is registered for: {fix}, or use Flow(executor=Thread())")
    return {dtype: [type(one).__module__, type(one).__qualname__] for dtype, one in protocols.items()}


def own_path() -> Iterator[str]:
    """Yield the folders that this program imports from, without those of the interpreter."""
    for entry in sys.path:
        folder = os.path.abspath(entry)  # noqa: PTH100 - pathlib is not needed for that
        if folder not in _path_of_python():
            yield folder


@functools.cache
def _path_of_python() -> frozenset[str]:
    """Where a fresh interpreter imports from that is told nothing."""
    import json
    import subprocess

    show = "import json, sys; print(json.dumps([entry for entry in sys.path if entry]))"
    shown = subprocess.run([sys.executable, "-E", "-c", show], stdout=subprocess.PIPE, check=True)  # noqa: S603 - ours
    return frozenset(json.loads(shown.stdout))
