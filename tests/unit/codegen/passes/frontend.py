"""The cases of `laminar_codegen.frontend`, and of what reads files for it.

The input of most is a flow file: see tests/support/flow_snippets.py.
"""

from __future__ import annotations

import ast
import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from laminar_codegen.frontend.attribute_uses import Uses, uses_of
from laminar_codegen.frontend.bound_names import bound_names
from laminar_codegen.frontend.build_graph import build_graph
from laminar_codegen.frontend.loader import Source, load
from laminar_codegen.frontend.locations import Locator
from laminar_codegen.frontend.method_bodies import read_bodies
from laminar_codegen.frontend.read_inputs import read_inputs
from laminar_codegen.ir.graph import LayerNode, Retry
from laminar_codegen.targets.batch.target import BatchTarget
from laminar_codegen.targets.planners import planner_of
from laminar_runtime import Flow, Parameters
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION
from laminar_runtime.programs.main_guard import called_flows, guarded_arguments, guarded_chains
from laminar_runtime.programs.places import FlowFileError, find_place
from tests.support.cases import cases_of
from tests.support.flow_snippets import PRELUDE_LINES, folder_of, of_snippet, without_folder
from tests.support.shown import options_in, or_problems

ROOT = Path(__file__).parents[4]


@cases_of("frontend.bound_names")
def bound(text: str) -> str:
    """A function -> the names that it binds."""
    return ", ".join(sorted(bound_names(ast.parse(text).body[0]))) or "none"


@cases_of("laminar_runtime.programs.main_guard")
def guards(text: str) -> str:
    """A file that knows the flows One and Two -> what is behind a check of its name. With ``made`` it made some."""
    options, text = options_in(text, "made")
    flows, made = {"One", "Two"}, options.get("made", ())
    lines = [f"{line}: {what}" for line, what in guarded_arguments(text.encode(), flows, made)]
    lines += [f"chain: {ast.unparse(block)}" for block in guarded_chains(text.encode(), made)]
    lines += [f"calls {name}" for name in sorted(called_flows(text.encode(), flows))]
    return "\n".join(lines) or "nothing"


@cases_of("frontend.attribute_uses")
def uses(text: str) -> str:
    """A method, whose hints are layers -> what it does with attributes."""
    (function,) = ast.parse(text).body
    assert isinstance(function, ast.FunctionDef)
    layers = {item.arg: item.annotation.id for item in function.args.args if isinstance(item.annotation, ast.Name)}
    return "\n".join(_uses(uses_of(function, "flow.py", layers, returns=True))) or "nothing"


def _uses(found: Uses, *, before: int = 0) -> Iterator[str]:
    """Yield what there is of uses, each with its line, which is counted behind the prelude."""
    if found.opaque:
        yield "opaque"
    for name in ("assigned", "sharded", "own"):
        places = getattr(found, name)
        if places:
            yield f"{name}: {', '.join(f'{item} ({place.line - before})' for item, place in places.items())}"
    for name in ("reads", "sequences", "writes"):
        if accesses := getattr(found, name):
            named = [f"{use.layer}.{use.attribute} ({use.location.line - before})" for use in accesses]
            yield f"{name}: {', '.join(named)}"
    if found.returned:
        yield f"returns ({', '.join(str(place.line - before) for place in found.returned)})"
    for name in ("methods", "supers"):
        if names := sorted(getattr(found, name)):
            yield f"{name}: {', '.join(names)}"


@cases_of("frontend.method_bodies")
@of_snippet
def bodies(source: Source) -> str:
    """A flow -> what the methods of each layer do with attributes, and those of its hooks."""
    lines = []
    for name, body in read_bodies(source.flow, Locator(source).shown_name).items():
        for what, found in ((name, body.call), (f"{name}, hooks", body.hooks)):
            lines += [f"{what} {line}" for line in _uses(found, before=PRELUDE_LINES)]
        lines += [f"{name} keeps {', '.join(sorted(body.artifacts))}"] if body.artifacts else []
    return "\n".join(lines) or "nothing"


@cases_of("frontend.build_graph")
@of_snippet
def graph(source: Source) -> str:
    """A flow -> its graph, and of each layer what is unusual."""
    found = build_graph(source)
    flow = [
        f"{name}: {value}"
        for name, value in _unusual(found, ("summary", "in_memory", "timeout", "encryption", "planner"))
    ]
    return "\n".join([str(found).rstrip(), *flow, *(line for layer in found.layers for line in _facts(layer))])


_FACTS = ("summary", "hooks", "retry", "executor", "calls", "initialised")
_USUAL: dict[str, Any] = {
    "calls": "__call__",
    "encryption": NO_ENCRYPTION,
    "executor": BatchTarget(),
    "planner": planner_of(None, None),
    "retry": Retry(1, 0.1, 2, 0.1),
    "timeout": 86400,
}


def _unusual(value: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name in names:
        found = getattr(value, name)
        if (found or name == "calls") and found != _USUAL.get(name):
            yield name, found


def _facts(layer: LayerNode) -> Iterator[str]:
    yield f"{layer.name} at {layer.location}"
    yield from (f"  {hint.function}({hint.parameter}) is {hint.problem}" for hint in layer.hints if hint.problem)
    yield from (f"  {name}: {value!r}" for name, value in _unusual(layer, _FACTS))


@cases_of("frontend.locations")
@of_snippet
def locations(source: Source) -> str:
    """A flow -> the places of its layers."""
    locator = Locator(source)
    classes = [cls for cls in source.flow.classes.values() if cls is not Parameters]
    return "\n".join(f"{cls.__name__}: {locator.location(cls)}" for cls in classes)


@cases_of("frontend.loader")
def load_file(text: str) -> str:
    """A flow file -> the flow that is meant. With ``target`` another file or flow is."""
    options, text = options_in(text, "target")
    errors = io.StringIO()
    with folder_of(text) as folder, contextlib.redirect_stderr(errors):
        output = or_problems(lambda: _source(load(options.get("target", "flow.py"))))
        return without_folder(f"{errors.getvalue()}{output}", folder)


def _source(source: Source) -> str:
    flows: tuple[Flow, ...] = (source.flow, *source.following)
    module = f", the module {source.module}" if source.module else ""
    deployed = [f"{name}={value!r}" for name, value in (("schedule", source.scheduler.started_by),) if value]
    return f"{' -> '.join(flow.name for flow in flows)} of {source.name}{module} {' '.join(deployed)}".rstrip()


@cases_of("laminar_runtime.programs.places")
def places(text: str) -> str:
    """The files of a folder, and the ``target`` that is named -> the file, its module, where it imports from."""
    options, text = options_in(text, "target")
    with folder_of(text, prelude="") as folder:

        def show() -> str:
            place = find_place(options["target"])
            return (
                f"{place.name}, {f'module {place.module}' if place.module else 'a script'}, imports from {place.folder}"
            )

        try:
            found = show()
        except FlowFileError as error:
            found = str(error)
        found = found.replace(f"{folder}/", "").replace(str(folder), ".")
        return found.replace(str(ROOT), "ROOT")


@cases_of("frontend.read_inputs")
@of_snippet
def inputs(source: Source) -> str:
    """A flow file -> the parameters that it declares."""
    found = read_inputs(source.flow, Locator(source))
    if found is None:
        return "untyped"
    lines = []
    for item in found:
        lines.append(f"{item.name}: {item.hint} = {item.default} at {item.location} {item.description!r}")
        lines += [f"  {item.shape}", *(f"  problem: {problem}" for problem in item.problems)]
    return "\n".join(lines)
