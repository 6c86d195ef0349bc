"""Reads a flow's file without running the flow, and picks the flow that is meant.

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

import attrs

from laminar_codegen.frontend.main_guard import called, guarded, guarded_chains
from laminar_codegen.frontend.places import Place, find_place, importing_from
from laminar_codegen.problems import CompileError, Location, Problem
from laminar_codegen.problems.rules import LAM001, LAM002, LAM003, LAM004, LAM005, LAM006, Rule
from laminar_runtime import Flow, Parameters
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions
from laminar_runtime.exceptions import LaminarError
from laminar_runtime.programs import loading

__all__ = ["Source", "load"]

#: The code that argparse exits with.
_USAGE = 2

#: What a file does that is read, run and imported alike.
_IDIOM = (
    "Make the flow at module level, flow = MyFlow(...), and guard the call: "
    'if __name__ == "__main__" and flow: flow(), or if flow: flow().next(...)'
)


@attrs.frozen
class Source:
    """A flow as a file has it.

    Args:
        flow: The flow.
        file: The file.
        name: The file as the user named it.
        following: The flows that run after it, each when the one before it has ended.
        given: The scheduler that compiles it, if that need not be the flow's own.
        module: The file's name as a module of a package, None if it is a script.
    """

    flow: Flow
    file: Path
    name: str
    following: tuple[Flow, ...] = ()
    given: StepFunctions | None = None
    module: str | None = None

    @property
    def scheduler(self) -> StepFunctions:
        """What says how the flow is deployed."""
        own = self.given or self.flow.configuration.scheduler
        return own if isinstance(own, StepFunctions) else StepFunctions()


def load(target: str) -> Source:
    """Read a file and pick a flow.

    Args:
        target: A path, or the name of a module, as ``python -m`` takes it; of several flows one is named behind a
            colon, as in ``path:FlowName``.

    Returns:
        The flow.

    Raises:
        CompileError: If there is no such file, it cannot be read, or it does not have that one flow.
    """
    given, choice = _split(target)
    place = find_place(given)
    module_name = place.module or _module_name(place.file)
    with loading.loading(module_name) as loaded:
        module = _read(place, module_name)
        made = {key: value for key, value in vars(module).items() if isinstance(value, Flow)}
        # Flows that other modules make are meant where they are asked for, or the file makes and calls none.
        own = [flow for flow in [*(call for call, _ in loaded.calls), *loaded.flows] if isinstance(flow, Flow)]
        flows = own or [*made.values()]
        _tell_of_guards(module, flows, made, place)
        chain = _chain(loaded.calls)
        if choice is None and {flow.name for flow in flows} <= {flow.name for flow in chain} and len(chain) > 1:
            flow, following = chain[0], tuple(chain[1:])
        else:
            flow, following = _pick(module, [*flows, *made.values()] if choice else flows, choice, place), ()
        return Source(flow, place.file, place.name, following, module=place.module)


def _tell_of_guards(module: ModuleType, flows: list[Flow], made: Container[str], place: Place) -> None:
    """Warn of values that flows get only when the file runs as a program: the compiled flow lacks them."""
    known = {type(flow) for flow in flows}
    unmade = {
        key
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Flow) and value not in known
    }
    for line, what in guarded(place.file.read_bytes(), unmade, made):
        note = f"what {what} says is not compiled: it is behind a check of __name__, and the file is read, not run"
        print(f"{Location(place.name, line)}: note: {note}. {_IDIOM}", file=sys.stderr)


def _chain(calls: list[tuple[Any, Any | None]]) -> list[Flow]:
    """Return the flows that a file calls one after the other, none if it calls several that do not follow another."""
    first = [flow for flow, before in calls if before is None]
    if len(first) != 1:
        return []
    chain = first
    while following := [flow for flow, before in calls if before is chain[-1]]:
        chain.append(following[0])
    return chain if len(chain) == len(calls) else []


def _split(target: str) -> tuple[str, str | None]:
    name, colon, choice = target.rpartition(":")
    if Path(target).exists():
        return target, None
    return (name, choice) if colon and choice.isidentifier() else (target, None)


def _error(location: Location, rule: Rule, what: str, fix: str, at: str = "") -> CompileError:
    return CompileError([Problem(location, rule, what, fix, at)])


def _read(place: Place, module_name: str) -> ModuleType:
    """Run the file's module level: flows that it makes are noted, and what it prints goes to standard error."""
    file, name = place.file, place.name
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise _error(Location(name), LAM001, "it is no Python file", "name the Python file that defines the flow")
    module = importlib.util.module_from_spec(spec)
    try:
        with contextlib.redirect_stdout(sys.stderr), importing_from(place.folder), _without_arguments(file):
            if place.module is None or not _came_with_package(module, place.folder):
                # It stays there, as a module that is imported does: its classes are looked up by its name.
                sys.modules[module_name] = module
                spec.loader.exec_module(module)
            module = sys.modules.get(module_name, module)
            made = {key for key, value in vars(module).items() if isinstance(value, Flow)}
            for block in guarded_chains(file.read_bytes(), made):
                exec(compile(block, str(file), "exec"), vars(module))  # noqa: S102 - as where `if flow:` guards it
    except loading.LoadingStopped as error:
        line = _line(error, file)
        note = "what follows is not read, as it reads results of a flow"
        print(f"{Location(name, line)}: note: {note}. {_IDIOM}", file=sys.stderr)
    except SyntaxError as error:
        raise _syntax_error(error, file, name) from error
    except SystemExit as error:
        if error.code:
            raise _loading_error(error, place) from error
    except KeyboardInterrupt:
        raise  # the user's own
    except BaseException as error:
        raise _loading_error(error, place) from error
    return module


@contextlib.contextmanager
def _without_arguments(file: Path) -> Iterator[None]:
    """Have the file see no arguments of ours: where it is deployed, it is run without any."""
    before = sys.argv
    sys.argv = [str(file)]
    try:
        yield
    finally:
        sys.argv = before


#: The folders of the packages that files were read of, by their names.
_packages: dict[str, str] = {}


def _came_with_package(module: ModuleType, folder: Path) -> bool:
    """Import the package that a module is in, and say whether that brought the module with it."""
    package, _, own = module.__name__.rpartition(".")
    _make_way(module.__name__, str(folder))
    parent = importlib.import_module(package)
    if module.__name__ in sys.modules:
        return True
    setattr(parent, own, module)
    return False


def _make_way(name: str, folder: str) -> None:
    """Take out what was read before under the name of a module of a package: of that file, or of another package."""
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


def _syntax_error(error: SyntaxError, file: Path, name: str) -> CompileError:
    place = name if error.filename in {str(file), None} else str(error.filename)
    what = f"the file is not valid Python: {error.msg}"
    return _error(Location(place, error.lineno or 0), LAM002, what, "fix the syntax error in that line")


def _line(error: BaseException, file: Path) -> int:
    """Return the line of a file that raised an error, 0 if the error comes from elsewhere."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(file)]
    return (lines[-1] if lines else 0) or 0


def _loading_error(error: BaseException, place: Place) -> CompileError:
    location = Location(place.name, _line(error, place.file))
    if isinstance(error, LaminarError):
        return _error(location, LAM003, str(error), "change the flow's definition as said above")
    what = f"reading the file raised {type(error).__name__}: {error}"
    fix = "the compiler imports the file to find its flows: move what only a run needs into layers, and fix the rest"
    if isinstance(error, SystemExit) and error.code == _USAGE:
        fix = (
            "it is read without arguments, as deployed: parse them behind the guard of the call, or let all be optional"
        )
    if isinstance(error, ModuleNotFoundError):
        fix = f"install '{error.name}' in the environment that compiles, or import it inside the layers that need it"
    return _error(location, LAM003, what, fix)


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
        raise _error(Location(name), LAM006, f"the file has no flow '{choice}'; it has {known}", "choose one of those")
    own = {key: value for key, value in defined.items() if value.__module__ == module.__name__ and _has_layers(value)}
    # Of several that it defines the one that a run makes: layers may call the others.
    run = called(place.file.read_bytes(), own) if len(own) > 1 else set()
    candidates = sorted(instances) or (sorted(run) if len(run) == 1 else sorted(own))
    if not candidates:
        fix = "define 'class MyFlow(Flow): ...' and register layers to it with @MyFlow.register"
        raise _error(Location(name), LAM004, "the file defines no flow with layers", fix)
    if len(candidates) > 1:
        what = f"the file has {len(candidates)} flows: {', '.join(candidates)}"
        raise _error(Location(name), LAM005, what, f"choose one, as in {place.target}:{candidates[0]}")
    only = candidates[0]
    return instances[only] if only in instances else _make(own[only], name)


def _has_layers(flow: type[Flow]) -> bool:
    return set(flow.registry) != {Parameters.__name__}


def _make(flow: type[Flow], name: str) -> Flow:
    try:
        return flow()
    except Exception as error:
        if isinstance(error, LaminarError):
            what, fix = str(error), "change the flow's definition as said above"
        else:
            what = f"making an instance of flow '{flow.__name__}' raised {type(error).__name__}: {error}"
            fix = f"let {flow.__name__}() work without arguments, or make the flow in the file"
        raise _error(Location(name), LAM003, what, fix) from error
