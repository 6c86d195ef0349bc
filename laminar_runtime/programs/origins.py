"""The origin of a flow: the command by which another process of this machine loads it.

A flow that the program itself calls is loaded by the program's own command: file, arguments and interpreter options::

    python -O main.py --day 1      a task: python -O main.py --day 1

Any other flow is loaded by `laminar_runtime.__main__`. The launcher's ``sys.path`` is an argument, not an environment
variable, because other Python processes that a layer starts would inherit a variable::

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

#: The code that the other process runs first.
_START = (
    "import json, sys; start = json.loads(sys.argv[1]); "
    "sys.path[:], sys.argv[:] = start.pop('path'), start.pop('argv'); "
    "from laminar_runtime.__main__ import begin; begin(**start)"
)


@_records.frozen
class Origin:
    """The place where a flow is defined.

    Args:
        file: The flow's file.
        module: The name by which another process imports the file; None if it runs the file as a script.
        attribute: The name of the flow in the module.
        as_module: The name of the script for ``python -m``; None if Python was started with a file.
        script: The file, folder or archive that Python was started with.
        found: Whether another process finds the module by its name. If not, it loads the file.
        called: Whether the script itself calls the flow, not a layer, a hook or a thread.
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
        """The folder that corresponds to an image's working directory: that of the flow's file, or of its package."""
        name = self.as_module or (self.module if self.found else "") or ""
        return self.file.parents[name.count(".")]


def origin_of(flow: type, *, called: bool = True, datastore: DataStore | None = None) -> Origin | None:
    """Find the origin of a flow.

    Args:
        flow: The flow's class.
        called: Whether the program calls the flow by itself: see `importing.by_program`.
        datastore: The flow's datastore.

    Returns:
        The origin; None if the flow is inside a function or has no file.
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
        # To Python, standard input is a file, but it cannot be read again.
        if (inside and not called) or not (as_module or os.path.exists(script)):  # noqa: PTH110 - it is text
            return None
        return Origin(file, None, flow.__qualname__, as_module, script, called=called, datastore=datastore)
    if inside:
        return None
    found = _finds(home.module, str(file))
    return Origin(file, home.module, flow.__qualname__, found=found, datastore=datastore)


def _program(spec: Any, file: Path) -> tuple[str | None, str]:
    """Return the argument of ``python -m``, if it was used, and the path that Python was started with."""
    # A tool that runs a script, for example cProfile, makes a spec without a loader.
    if getattr(spec, "loader", None) is None:
        return None, str(file)
    # The spec of a folder or an archive is named `__main__`.
    return (None, str(file.parent)) if spec.name == "__main__" else (spec.name, str(file))


@functools.cache
def _finds(module: str, file: str) -> bool:
    """Return whether an import of a module by its name finds that file."""
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
    """Return the command that starts a process for a task of a flow.

    Args:
        origin: The origin of the flow.
        flow: The flow's name.

    Raises:
        FlowError: If another process cannot import a protocol of the launcher's datastore.
    """
    import json

    python = [sys.executable, *_options()]
    if origin.module is None and origin.as_module is None and origin.called:
        return [*python, origin.script, *importing.ARGUMENTS[1:]]
    here = os.getcwd()  # noqa: PTH109 - pathlib is slow to load
    start: dict[str, Any] = {"path": [entry or here for entry in sys.path], "argv": importing.ARGUMENTS}
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
    """Return the options of this interpreter that also apply to tasks.

    https://docs.python.org/3/using/cmdline.html
    """
    import subprocess

    # The options that multiprocessing uses for its children. It leaves out some -X options.
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
            what = f"{where} runs the tasks of flow '{flow}', and cannot import the protocol '{cls.__qualname__}'"
            fix = "define its class, without arguments, at the top level of a module, and register it from there"
            raise FlowError(f"{what} of {dtype}: {fix}, or use Flow(executor=Thread())")
    return {dtype: [type(one).__module__, type(one).__qualname__] for dtype, one in protocols.items()}


def own_path() -> Iterator[str]:
    """Yield the folders of this program's ``sys.path``, without those of the interpreter."""
    for entry in sys.path:
        folder = os.path.abspath(entry)  # noqa: PTH100 - pathlib is slow to load
        if folder not in _default_path():
            yield folder


@functools.cache
def _default_path() -> frozenset[str]:
    """Return the ``sys.path`` of an interpreter without options and environment variables."""
    import json
    import subprocess

    show = "import json, sys; print(json.dumps([entry for entry in sys.path if entry]))"
    shown = subprocess.run([sys.executable, "-E", "-c", show], stdout=subprocess.PIPE, check=True)  # noqa: S603 - ours
    return frozenset(json.loads(shown.stdout))
