"""Measure how the packages are built, and hold the figures in docs/architecture.md.

::

    python -m tools.architecture            # print the figures
    python -m tools.architecture --write    # write them into docs/architecture.md
    python -m tools.architecture --check    # fail if they are not up to date, or a limit is passed

A package is seen as a graph. Its *rooms* are the modules and folders directly in it, without ``__main__``. An *arrow*
is an import from one room to another, counted once for each pair of rooms. The *level* of a room is the number of rooms
on the longest path that begins at it. Where rooms have cycles, the arrows that are left out to end them *climb back*.
Imports for type checkers only are not arrows: they load nothing.

Lines are those of the file without docstrings, and of functions the same. They are rounded to two digits, so that not
every change of the code is one of the page.

Exit codes: 0 success, 1 the page is not up to date or a limit is exceeded.
"""

from __future__ import annotations

import argparse
import ast
import functools
import graphlib
import itertools
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import grimp

__all__ = ["Sizes", "Structure", "main", "measure_source", "measure_structure"]

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- begin: python -m tools.architecture --write -->", "<!-- end -->"
#: The rehearsal is a package of its own within the compiler's: nothing of the compiler imports it.
PACKAGES = ("laminar_runtime", "laminar_codegen", "laminar_codegen.rehearsal")


@attrs.frozen
class Sizes:
    """Lines, without docstrings.

    Args:
        modules: Of each module, by its name.
        functions: Of each function and method.
    """

    modules: Mapping[str, int]
    functions: tuple[int, ...]


@attrs.frozen
class Structure:
    """The graph of the rooms of a package.

    Args:
        levels: The level of each room, by its name.
        arrows: For each room the rooms that it imports.
        climbing: The arrows that are left out so that the rooms have no cycle.
        cycle: A cycle of modules, the first one that is found, or nothing.
    """

    levels: Mapping[str, int]
    arrows: Mapping[str, frozenset[str]]
    climbing: frozenset[tuple[str, str]]
    cycle: tuple[str, ...]


def measure_source(source: str) -> tuple[int, list[int]]:
    r"""Count the lines of a module and of its functions, without docstrings.

    Args:
        source: The text of the module.

    Returns:
        The lines of the module, and those of each function.

    Example:
        >>> measure_source('def one():\n    "A docstring."\n    return 1\n')
        (2, [2])
    """
    tree = ast.parse(source)
    documented = [node for node in ast.walk(tree) if isinstance(node, _DOCUMENTED)]
    docstrings: dict[ast.AST, int] = {node: _docstring_lines(node) for node in documented}
    functions = [node for node in documented if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lines = [_lines(node) - sum(_within(node, docstrings)) for node in functions]
    return len(source.splitlines()) - sum(docstrings.values()), lines


def _within(function: ast.stmt, docstrings: Mapping[ast.AST, int]) -> Iterator[int]:
    """Yield the lines of the docstrings of a function, and of what is in it."""
    assert function.end_lineno is not None  # noqa: S101 - the parser sets it
    for node, lines in docstrings.items():
        if isinstance(node, ast.stmt) and function.lineno <= node.lineno <= function.end_lineno:
            yield lines


_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _docstring_lines(node: _Documented) -> int:
    return 0 if ast.get_docstring(node, clean=False) is None else _lines(node.body[0])


def _lines(node: ast.stmt) -> int:
    assert node.end_lineno is not None  # noqa: S101 - the parser sets it
    return node.end_lineno - node.lineno + 1


def measure_structure(package: str, modules: Mapping[str, frozenset[str]]) -> Structure:
    """Measure the graph of a package's rooms.

    Args:
        package: The name of the package.
        modules: For each module of the package the modules that it imports.

    Returns:
        Its rooms, levels, arrows and cycles.
    """
    arrows: dict[str, set[str]] = {}
    for importer, imported in modules.items():
        if room := _room(package, importer):
            others = {_room(package, module) for module in imported if module.startswith(f"{package}.")}
            arrows.setdefault(room, set()).update(other for other in others if other and other != room)
    climbing = _climbing(arrows)
    downhill = {room: {other for other in others if (room, other) not in climbing} for room, others in arrows.items()}
    levels: dict[str, int] = {}
    for room in graphlib.TopologicalSorter(downhill).static_order():
        levels[room] = 1 + max((levels[other] for other in downhill.get(room, ())), default=0)
    frozen = {room: frozenset(others) for room, others in arrows.items()}
    return Structure(levels, frozen, frozenset(climbing), _cycle(modules))


def _room(package: str, module: str) -> str | None:
    name = module.removeprefix(f"{package}.").partition(".")[0]
    return None if module == package or name == "__main__" else name


def _climbing(arrows: Mapping[str, set[str]]) -> set[tuple[str, str]]:
    """Remove arrows until no cycle is left: of each cycle the one into the room that imports most."""
    left = {room: set(others) for room, others in arrows.items()}
    taken: set[tuple[str, str]] = set()
    while cycle := _cycle(left):
        # The sorter returns a cycle from the imported room to the importing one.
        pairs = [(importer, imported) for imported, importer in itertools.pairwise(cycle)]
        arrow = max(pairs, key=lambda pair: (len(arrows[pair[1]]) - len(arrows[pair[0]]), pair))
        left[arrow[0]].remove(arrow[1])
        taken.add(arrow)
    return taken


def _cycle(graph: Mapping[str, set[str] | frozenset[str]]) -> tuple[str, ...]:
    ordered = {name: sorted(graph[name]) for name in sorted(graph)}
    try:
        graphlib.TopologicalSorter(ordered).prepare()
    except graphlib.CycleError as error:
        return tuple(error.args[1])
    return ()


@functools.cache
def _imports(package: str) -> grimp.ImportGraph:
    return grimp.build_graph(package, exclude_type_checking_imports=True, cache_dir=None)


@functools.cache
def _measure(package: str) -> tuple[Structure, Sizes]:
    graph = _imports(package.partition(".")[0])
    others = [other for other in PACKAGES if other.startswith(f"{package}.")]
    names = [
        name
        for name in sorted(graph.modules)
        if f"{name}.".startswith(f"{package}.") and not any(f"{name}.".startswith(f"{other}.") for other in others)
    ]
    modules = {name: frozenset(graph.find_modules_directly_imported_by(name)) for name in names}
    measured = {name: measure_source(_file(name).read_text(encoding="utf-8")) for name in names}
    functions = [lines for _, found in measured.values() for lines in found]
    sizes = Sizes({name: lines for name, (lines, _) in measured.items()}, tuple(functions))
    return measure_structure(package, modules), sizes


def _file(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _page(measured: Mapping[str, tuple[Structure, Sizes]]) -> Iterator[str]:
    yield "| package | rooms | levels | arrows | climb back | modules | lines | of a module | of a function |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for package, (structure, sizes) in measured.items():
        arrows = sum(map(len, structure.arrows.values()))
        cells = [
            f"`{package}`",
            *map(str, (len(structure.levels), max(structure.levels.values()), arrows, len(structure.climbing))),
            str(_round(len(sizes.modules))),
            f"{_round(sum(sizes.modules.values())):,}",
            _spread([*sizes.modules.values()]),
            _spread(sizes.functions),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "The last two columns are the median, the 90th percentile and the maximum of lines without docstrings."
    for package, (structure, sizes) in measured.items():
        yield ""
        yield f"The rooms of `{package}`, from the highest level to the lowest:"
        yield ""
        yield "| level | rooms |"
        yield "| --- | --- |"
        for level in sorted({*structure.levels.values()}, reverse=True):
            rooms = sorted(room for room, at in structure.levels.items() if at == level)
            yield f"| {level} | {', '.join(f'`{room}`' for room in rooms)} |"
        largest = sorted(sizes.modules, key=lambda name: (-sizes.modules[name], name))[:3]
        shown = (f"`{name.removeprefix(f'{package}.')}`" for name in largest)
        yield ""
        yield f"The largest modules: {', '.join(shown)}."


def _round(number: float) -> int:
    digits = len(str(int(number)))
    return int(round(number, min(0, 2 - digits)))


def _spread(lines: Sequence[int]) -> str:
    tenth = statistics.quantiles(lines, n=10)[-1]
    return " / ".join(str(_round(number)) for number in (statistics.median(lines), tenth, max(lines)))


def _faults(measured: Mapping[str, tuple[Structure, Sizes]], rooms: int, levels: int) -> Iterator[str]:
    for package, (structure, _) in measured.items():
        if structure.cycle:
            yield f"{package} has a cycle of imports: {' <- '.join(structure.cycle)}: take one of them out"
    structure = measured["laminar_codegen"][0]
    if len(structure.levels) > rooms:
        yield f"laminar_codegen has {len(structure.levels)} rooms, more than {rooms}: put modules into folders"
    if max(structure.levels.values()) > levels:
        yield f"laminar_codegen has {max(structure.levels.values())} levels, more than {levels}: have rooms import less"
    if structure.climbing:
        shown = ", ".join(f"{importer} -> {imported}" for importer, imported in sorted(structure.climbing))
        yield f"laminar_codegen has a cycle of rooms: take out {shown}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the packages, and print, write or check the figures.

    Args:
        arguments: The arguments of the command; by default those of the process.

    Returns:
        The exit code: 1 if ``--check`` finds a fault.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.architecture", description="Measures the packages.")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/architecture.md")
    parser.add_argument("--check", action="store_true", help="fail if the figures or limits are not kept")
    parser.add_argument("--rooms", type=int, default=17, help="how many rooms the compiler may have (default: 17)")
    parser.add_argument("--levels", type=int, default=8, help="how many levels the compiler may have (default: 8)")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page of the figures (default: %(default)s)")
    options = parser.parse_args(arguments)
    measured = {package: _measure(package) for package in PACKAGES}
    block = "\n".join([BEGIN, *_page(measured), END])
    page = options.page.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    written = f"{before}{block}{after}"
    if options.write:
        options.page.write_text(written, encoding="utf-8")
    elif not options.check:
        print(block)
    if not options.check:
        return 0
    faults = [*_faults(measured, options.rooms, options.levels)]
    if page != written:
        faults.append(f"{options.page} is not up to date: run python -m tools.architecture --write")
    for fault in faults:
        print(f"architecture: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
