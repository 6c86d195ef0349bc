"""``python -m laminar_runtime MODULE FLOW``: runs the task of the environment.

The module is imported. The task is run by the first flow that the module makes, or by a new flow of the class. The
`Process` executor uses `begin` to start tasks of flows that the script itself does not call;
`laminar_runtime.programs.origins` has the arguments.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import operator
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType

from laminar_runtime.exceptions import FlowError
from laminar_runtime.flow import Flow
from laminar_runtime.pickling import homes
from laminar_runtime.programs import importing

__all__ = ["begin", "main"]


def main(arguments: list[str]) -> int:
    """Run the task of the environment.

    Args:
        arguments: The name of the module, and the name of the flow.

    Returns:
        The exit code: 0, or 2 if there are not exactly two arguments.

    Raises:
        FlowError: If the module has no such flow.
    """
    if len(arguments) != 2:  # noqa: PLR2004 - the two of the usage line
        print("usage: python -m laminar_runtime MODULE FLOW", file=sys.stderr)
        return 2
    module, flow = arguments
    begin(module=module, flow=flow)
    return 0


def begin(
    *,
    module: str | None = None,
    program: str | None = None,
    file: str | None = None,
    flow: str | None = None,
    protocols: Mapping[str, Sequence[str]] | None = None,
    pickle: bool | None = None,
) -> None:
    """Run the task of the environment, in a process that was started for it.

    Args:
        module: The name of the module that defines the flow; None if a program defines it.
        program: The name of that program for ``python -m``.
        file: The file of the module or of the program, if it cannot be found by name.
        flow: The flow's name in it; None if the program calls its flow by itself.
        protocols: The protocols of the launcher's datastore: for the name of a type, the module and the name of the
            protocol's class.
        pickle: Whether that datastore pickles. By default the flow's own datastore decides.

    Raises:
        FlowError: If the module or the program has no such flow.
    """
    if flow is None:
        import runpy

        runpy.run_module(str(program), run_name="__main__", alter_sys=True)
        return
    with importing.in_charge():
        found = _module(module, program, file)
    made = _flow(found, flow)
    store, home = made.configuration.datastore, homes.home_of(type(made))
    for dtype, (name, protocol) in (protocols or {}).items():
        owner = sys.modules.get(name) or importlib.import_module(name)
        store.protocols[home.local(dtype)] = operator.attrgetter(protocol)(owner)()
    store.pickle = store.pickle if pickle is None else pickle
    bool(made)


def _flow(module: ModuleType, name: str) -> Flow:
    """Return the first flow of a class that a module makes, or a new one."""
    try:
        flow = operator.attrgetter(name)(module)
    except AttributeError:
        flow = homes.find_flow(name)  # the module registers the layers of a flow, but has no name for the flow
    if not (isinstance(flow, type) and issubclass(flow, Flow)):
        raise FlowError(f"{module.__name__}.{name} is not a flow")
    made = [value for value in vars(module).values() if type(value) is flow]
    return made[0] if made else flow()


def _module(module: str | None, program: str | None, file: str | None) -> ModuleType:
    """Import and return the module that defines a flow."""
    if module is not None and file is None:
        return importlib.import_module(module)
    if module is not None:
        spec = importlib.util.spec_from_file_location(module, file)
        if spec is None or spec.loader is None:
            raise FlowError(f"{file} is not a file that Python can load")
        loaded = importlib.util.module_from_spec(spec)
        # Another module may have this name here already, and keeps it.
        sys.modules.setdefault(module, loaded)
        spec.loader.exec_module(loaded)
        return loaded
    return _again(program, file)


def _again(program: str | None, file: str | None) -> ModuleType:
    """Return a program as a module: it is run with the name that multiprocessing uses, so that it does not launch."""
    import io
    import os
    import runpy
    import zipfile

    again = ModuleType(importing.AGAIN)
    sys.modules[importing.AGAIN] = sys.modules["__main__"] = again
    # A program that uses the results of a flow stops there. All definitions above that line are available.
    with contextlib.suppress(SystemExit):
        if file is None:
            vars(again).update(runpy.run_module(str(program), run_name=importing.AGAIN))
        elif os.path.isdir(file) or zipfile.is_zipfile(file):  # noqa: PTH112 - pathlib is slow to load
            vars(again).update(runpy.run_path(file, run_name=importing.AGAIN))
        else:
            again.__file__ = file
            with io.open_code(file) as source:
                exec(compile(source.read(), file, "exec"), vars(again))  # noqa: S102 - it is the user's program
    return again


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
