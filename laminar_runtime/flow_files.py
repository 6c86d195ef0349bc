"""Reads a flow's file without running the flow, and picks the flow that the user named.

Before: ``flow.py:Report``. After: an instance of the class ``Report``, configured as the file configures it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Container, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from laminar_runtime import _records
from laminar_runtime.blocks import block
from laminar_runtime.exceptions import LaminarError
from laminar_runtime.flow import Flow
from laminar_runtime.layer import Parameters
from laminar_runtime.programs import loading
from laminar_runtime.programs.main_guard import called_flows, guarded_arguments, guarded_chains
from laminar_runtime.programs.places import FlowFileError, Kind, Place, find_place, importing_from

__all__ = ["FlowFile", "read"]

#: The fix of an error whose message has one.
_AS_SAID = "change the flow's definition as the message says"

#: The exit code of argparse for wrong usage.
_USAGE = 2

#: Advice for a file that can be read, run and imported.
_IDIOM = (
    "Make the flow at module level, flow = MyFlow(...), and guard the call: "
    'if __name__ == "__main__" and flow: flow(), or if flow: flow().next(...)'
)


@_records.frozen
class FlowFile:
    """A flow, as its file configures it.

    Args:
        flow: The flow.
        place: The file, and how Python imports it.
        following: The flows that run after it, each after the one before it ended.
        linkers: What makes the parameters of each of them from the execution before.
        called: Whether the file calls a flow while it is read. It may also call one where it is run only.
    """

    flow: Flow
    place: Place
    following: tuple[Flow, ...] = ()
    linkers: tuple[Any, ...] = ()
    called: bool = True


def read(target: str) -> FlowFile:
    """Read a file and pick a flow.

    Args:
        target: A path, or the name of a module, as for ``python -m``. A colon and a name choose one of several flows,
            as in ``path:FlowName``.

    Returns:
        The flow.

    Raises:
        FlowFileError: If the file does not exist, cannot be read, or does not have that one flow.
    """
    given, choice = _split(target)
    place = find_place(given)
    module_name = place.module or _module_name(place.file)
    with loading.loading(module_name) as loaded:
        module = _read(place, module_name)
        made = {key: value for key, value in vars(module).items() if isinstance(value, Flow)}
        # Flows that other modules make count if the user names them, or if the file makes and calls none.
        own = [flow for flow in [*(call.flow for call in loaded.calls), *loaded.flows] if isinstance(flow, Flow)]
        flows = own or [*made.values()]
        _warn_of_guards(module, flows, made, place)
        chain = _chain(loaded.calls)
        if choice is None and {flow.name for flow in flows} <= {call.flow.name for call in chain} and len(chain) > 1:
            first, *others = chain
            following, linkers = tuple(call.flow for call in others), tuple(call.linker for call in others)
            return FlowFile(first.flow, place, following, linkers)
        flow = _pick(module, [*flows, *made.values()] if choice else flows, choice, place)
        return FlowFile(flow, place, called=bool(loaded.calls))


def _warn_of_guards(module: ModuleType, flows: list[Flow], made: Container[str], place: Place) -> None:
    """Warn of arguments that flows get only when the file runs as a program: the flow that is read lacks them."""
    known = {type(flow) for flow in flows}
    unmade = {
        key
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Flow) and value not in known
    }
    for line, what in guarded_arguments(place.file.read_bytes(), unmade, made):
        note = f"the arguments of {what} are not read: they are behind a check of __name__, and the file is not run"
        _print_note(place.name, line, note)


def _print_note(file: str, line: int, note: str) -> None:
    sys.stderr.write(f"{file}{f':{line}' if line else ''}: note: {note}. {_IDIOM}\n")


def _chain(calls: list[loading.Call]) -> list[loading.Call]:
    """Return the calls of the chain of flows that a file calls, none if it calls flows outside of one chain."""
    first = [call for call in calls if call.before is None]
    if len(first) != 1:
        return []
    chain = first
    while following := [call for call in calls if call.before is chain[-1].flow]:
        chain.append(following[0])
    return chain if len(chain) == len(calls) else []


def _split(target: str) -> tuple[str, str | None]:
    name, colon, choice = target.rpartition(":")
    if Path(target).exists():
        return target, None
    return (name, choice) if colon and choice.isidentifier() else (target, None)


def _read(place: Place, module_name: str) -> ModuleType:
    """Run the file's module level: note the flows that it makes, and print its output to standard error."""
    file, name = place.file, place.name
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        fix = "name the Python file that defines the flow"
        raise FlowFileError("no file", "it is not a Python file", fix, file=name)
    module = importlib.util.module_from_spec(spec)
    try:
        with contextlib.redirect_stdout(sys.stderr), importing_from(place.folder), _without_arguments(file):
            if place.module is None or not _import_package(module, place.folder):
                # It stays there, as an imported module does: its classes are looked up by its name.
                sys.modules[module_name] = module
                spec.loader.exec_module(module)
            module = sys.modules.get(module_name, module)
            made = {key for key, value in vars(module).items() if isinstance(value, Flow)}
            for block in guarded_chains(file.read_bytes(), made):
                exec(compile(block, str(file), "exec"), vars(module))  # noqa: S102 - as where `if flow:` guards it
    except loading.LoadingStopped as error:
        line = _line(error, file)
        _print_note(name, line, "the rest of the file is not read, because it reads results of a flow")
    except SyntaxError as error:
        raise _syntax_error(error, file, name) from error
    except SystemExit as error:
        if error.code:
            raise _loading_error(error, place) from error
    except KeyboardInterrupt:
        raise  # the user stops the command
    except BaseException as error:
        raise _loading_error(error, place) from error
    return module


@block
def _without_arguments(file: Path) -> Iterator[None]:
    """Hide our arguments from the file: a deployed task runs it without any."""
    before = sys.argv
    sys.argv = [str(file)]
    try:
        yield
    finally:
        sys.argv = before


#: The folders of the packages whose files were read, by the names of the packages.
_packages: dict[str, str] = {}


def _import_package(module: ModuleType, folder: Path) -> bool:
    """Import the package of a module, and return whether that imported the module too."""
    package, _, own = module.__name__.rpartition(".")
    _forget_modules(module.__name__, str(folder))
    parent = importlib.import_module(package)
    if module.__name__ in sys.modules:
        return True
    setattr(parent, own, module)
    return False


def _forget_modules(name: str, folder: str) -> None:
    """Remove the modules that were read before under the same name, also those of another package."""
    top = name.partition(".")[0]
    other = _packages.get(top, folder) != folder
    for known in [known for known in sys.modules if known == name or (other and f"{known}.".startswith(f"{top}."))]:
        del sys.modules[known]
    _packages[top] = folder


def _module_name(file: Path) -> str:
    """Return the file's module name, or another one if a loaded module has that name already."""
    name = file.stem
    while name in sys.modules:
        name += "_flow"
    return name


def _syntax_error(error: SyntaxError, file: Path, name: str) -> FlowFileError:
    place = name if error.filename in {str(file), None} else str(error.filename)
    what = f"the file is not valid Python: {error.msg}"
    return FlowFileError("no Python", what, "fix the syntax error in that line", file=place, line=error.lineno or 0)


def _line(error: BaseException, file: Path) -> int:
    """Return the line of a file that raised an error, 0 if the error comes from elsewhere."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(file)]
    return (lines[-1] if lines else 0) or 0


def _loading_error(error: BaseException, place: Place) -> FlowFileError:
    line = _line(error, place.file)
    if isinstance(error, LaminarError):
        return FlowFileError("unreadable", str(error), _AS_SAID, file=place.name, line=line)
    what = f"reading the file raised {type(error).__name__}: {error}"
    fix = "the file is imported to find its flows: move what only a run needs into layers, and fix the rest"
    if isinstance(error, SystemExit) and error.code == _USAGE:
        fix = (
            "it is read without arguments, as in a task: parse them behind the guard of the call, or make all optional"
        )
    if isinstance(error, ModuleNotFoundError):
        fix = f"install '{error.name}' in this environment, or import it inside the layers that need it"
    return FlowFileError("unreadable", what, fix, file=place.name, line=line)


def _error(kind: Kind, what: str, fix: str, file: str) -> FlowFileError:
    return FlowFileError(kind, what, fix, file=file)


def _pick(module: ModuleType, made: list[Flow], choice: str | None, place: Place) -> Flow:
    """Return the chosen flow, else the only one that the file makes, calls, or defines."""
    name = place.name
    instances = {flow.name: flow for flow in reversed(made)}
    defined = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Flow) and value is not Flow
    }
    if choice is not None:
        if choice in instances:
            return instances[choice]
        if choice in defined:
            return _make(defined[choice], name)
        known = ", ".join(sorted({*instances, *defined})) or "none"
        what = f"the file has no flow '{choice}'; it has {known}"
        raise _error("unknown flow", what, "choose one of those", name)
    own = _own_flows(module)
    # Of several flows, the one that a run makes: layers may call the others.
    run = called_flows(place.file.read_bytes(), own) if len(own) > 1 else set()
    candidates = sorted(instances) or (sorted(run) if len(run) == 1 else sorted(own))
    if not candidates:
        fix = "define 'class MyFlow(Flow): ...' and register layers to it with @MyFlow.register"
        raise _error("no flow", "the file defines no flow with layers", fix, name)
    if len(candidates) > 1:
        what = f"the file has {len(candidates)} flows: {', '.join(candidates)}"
        raise _error("several flows", what, f"choose one, as in {place.target}:{candidates[0]}", name)
    only = candidates[0]
    return instances[only] if only in instances else _make(own[only], name)


def _own_flows(module: ModuleType) -> dict[str, type[Flow]]:
    """Return the flows with layers that a module defines, by their names there."""
    return {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Flow) and value.__module__ == module.__name__
        if value is not Flow and _has_layers(value)
    }


def _has_layers(flow: type[Flow]) -> bool:
    return set(flow.registry) != {Parameters.__name__}


def _make(flow: type[Flow], name: str) -> Flow:
    try:
        return flow()
    except Exception as error:
        if isinstance(error, LaminarError):
            what, fix = str(error), _AS_SAID
        else:
            what = f"making an instance of flow '{flow.__name__}' raised {type(error).__name__}: {error}"
            fix = f"let {flow.__name__}() work without arguments, or make the flow in the file"
        raise _error("unreadable", what, fix, name) from error
