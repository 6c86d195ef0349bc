"""``python -m laminar_runtime MODULE FLOW``: runs the task that the environment asks for.

The module is imported, and the task of the environment run by the flow that the module makes, or by one made here if it
makes none. The `Process` executor starts tasks of flows that the launched script does not call by itself this way, by
`begin`: `laminar_runtime.programs.origins` says with what.
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
    """Run the task.

    Args:
        arguments: The module's name and the flow's.

    Returns:
        The exit code: 0, or 2 if the arguments are not those two.

    Raises:
        FlowError: If there is no such flow.
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
    """Run the task that the environment asks for, in a process that was started for nothing else.

    Args:
        module: The name of the module that defines the flow, None if a program does.
        program: The name by which ``python -m`` runs that program.
        file: The file of the module or of the program, where it is not found by a name.
        flow: The flow's name in it, None if the program comes to its flow by itself.
        protocols: What is registered with the launcher's datastore: the module and the name of each protocol's class,
            by the name of its type.
        pickle: Whether that datastore pickles; the flow's own says so unless given.

    Raises:
        FlowError: If there is no such flow.
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
    """The flow that a module makes, or one made here if it makes none."""
    try:
        flow = operator.attrgetter(name)(module)
    except AttributeError:
        flow = homes.named(name)  # the module registers the layers of a flow that it has no name for
    if not (isinstance(flow, type) and issubclass(flow, Flow)):
        raise FlowError(f"{module.__name__}.{name} is no flow")
    made = [value for value in vars(module).values() if type(value) is flow]
    return made[0] if made else flow()


def _module(module: str | None, program: str | None, file: str | None) -> ModuleType:
    """The module that defines a flow."""
    if module is not None and file is None:
        return importlib.import_module(module)
    if module is not None:
        spec = importlib.util.spec_from_file_location(module, file)
        if spec is None or spec.loader is None:
            raise FlowError(f"{file} is no file that Python can load")
        loaded = importlib.util.module_from_spec(spec)
        # A name that another module has here already is left to that one.
        sys.modules.setdefault(module, loaded)
        spec.loader.exec_module(loaded)
        return loaded
    return _again(program, file)


def _again(program: str | None, file: str | None) -> ModuleType:
    """The module that a program is, read and not run: as multiprocessing has it, which names it so, too."""
    import io
    import os
    import runpy
    import zipfile

    again = ModuleType(importing.AGAIN)
    sys.modules[importing.AGAIN] = sys.modules["__main__"] = again
    # Whoever goes on to results of a flow that is not run here ends there: what stands above is defined by then.
    with contextlib.suppress(SystemExit):
        if file is None:
            vars(again).update(runpy.run_module(str(program), run_name=importing.AGAIN))
        elif os.path.isdir(file) or zipfile.is_zipfile(file):  # noqa: PTH112 - pathlib is not needed for that
            vars(again).update(runpy.run_path(file, run_name=importing.AGAIN))
        else:
            again.__file__ = file
            with io.open_code(file) as source:
                exec(compile(source.read(), file, "exec"), vars(again))  # noqa: S102 - it is the user's program
    return again


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
