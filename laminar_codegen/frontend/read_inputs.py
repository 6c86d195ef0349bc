"""Reads the parameters that a flow declares, with their docstrings.

Before: a class with annotations, each with a text below it or in ``Args:`` of the class. After: a `DeclaredParameter`
for each. No later pass needs the types of the user's code.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from laminar_codegen.frontend.locations import Locator
from laminar_codegen.ir.graph import PARAMETERS, DeclaredParameter
from laminar_codegen.problems import Location
from laminar_runtime import Flow, _records
from laminar_runtime.configurations.triggers import EXECUTION_ID, SCHEDULED_TIME, Placeholder
from laminar_runtime.exceptions import FlowError
from laminar_runtime.inputs.declarations import Field, fields_of
from laminar_runtime.variables import Variable

if TYPE_CHECKING:
    from laminar_runtime.inputs.shapes import Shape

__all__ = ["find_misfits", "read_inputs"]

#: An example of each value that is known when a trigger starts the flow.
_SAMPLES = {SCHEDULED_TIME: "2026-03-22T18:59:43Z", EXECUTION_ID: "an-id"}

_ENTRY = re.compile(r"(\w+)(?: \([^)]*\))?: (.+)")


def read_inputs(flow: Flow, locator: Locator) -> tuple[DeclaredParameter, ...] | None:
    """Return the parameters that a flow declares, None if its parameters are untyped.

    Args:
        flow: The flow.
        locator: Finds the places of classes.
    """
    if not flow.declared:
        return None
    try:
        fields = fields_of(flow.classes[PARAMETERS], flow.name)
    except FlowError as error:
        place = locator.location(flow.declared[0])
        return (DeclaredParameter("", None, "", None, "", place, (str(error),)),)
    texts = {owner: _docstrings(owner) for owner in {field.owner for field in fields}}
    return tuple(
        _read(field, texts[field.owner].get(field.name, ""), locator.location(field.owner)) for field in fields
    )


def find_misfits(flow: Flow, starts: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Yield what is wrong with the parameters that triggers start a flow with, if it declares its parameters.

    What an event gives is known when it starts the flow only. A variable gives text: its default is an example.

    Args:
        flow: The flow.
        starts: The names of the starts, each with its parameters.
    """
    if not flow.declared:
        return
    # Imported here, so that a flow with untyped parameters does not need cattrs.
    from laminar_runtime.inputs import conversion

    try:
        fields = fields_of(flow.classes[PARAMETERS], flow.name)
    except FlowError:
        return  # the problem is one of the declaration
    for name, parameters in starts:
        given = {key: _sample(value) for key, value in parameters.items()}
        yield from _variables_without_text(name, fields, given)
        checked = [_records.evolve(field, hint=Any) if _is_open(given.get(field.name)) else field for field in fields]
        try:
            conversion.convert(checked, given, flow.name)
        except FlowError as error:
            yield f"the trigger '{name}' has other parameters than the flow declares: {error}"


def _variables_without_text(name: str, fields: Iterable[Field], given: Mapping[str, Any]) -> Iterator[str]:
    """Yield the variables of a trigger without a default, in the place of parameters that are never text."""
    from laminar_runtime.inputs.shapes import NoFormError, describe, spell

    for field in fields:
        value = given.get(field.name)
        if not isinstance(value, Variable):
            continue
        try:
            fits = _takes_text(describe(field.hint))
        except NoFormError:
            continue  # the problem is one of the declaration
        if not fits:
            yield (
                f"the trigger '{name}' has the Variable '{value.name}' as the parameter '{field.name}', which must be "
                f"{spell(field.hint)}: a Variable is text"
            )


def _sample(value: Any) -> Any:
    """Return an example of a value that is known when a trigger starts the flow, other values as they are."""
    match value:
        case Placeholder():
            return _SAMPLES.get(value, value)
        case Variable(default=str() as default):
            return default
        case Mapping():
            return {key: _sample(item) for key, item in value.items()}
        case list() | tuple():
            return [*map(_sample, value)]
        case _:
            return value


def _takes_text(shape: Shape) -> bool:
    """Return whether a form has texts."""
    from laminar_runtime.inputs.shapes import Anything, OneOf, Scalar, Union

    match shape:
        case Anything():
            return True
        case Scalar(kind):
            return kind == "string"
        case OneOf(values):
            return any(isinstance(value, str) for value in values)
        case Union(members):
            return any(map(_takes_text, members))
        case _:
            return False


def _is_open(value: Any) -> bool:
    match value:
        case Placeholder() | Variable():
            return True
        case Mapping():
            return any(map(_is_open, value.values()))
        case list() | tuple():
            return any(map(_is_open, value))
        case _:
            return False


def _read(field: Field, text: str, place: Location) -> DeclaredParameter:
    # Imported here, so that a flow with untyped parameters does not need cattrs.
    from laminar_runtime.inputs import conversion
    from laminar_runtime.inputs.shapes import NoFormError, describe, spell

    problems = tuple(conversion.problems_of(field))
    default = None
    if not (problems or field.required):
        (value,) = conversion.convert([field], {}, "").values()
        default = json.dumps(conversion.to_json(value))
    try:
        shape = describe(field.hint)
    except NoFormError:
        shape = None
    return DeclaredParameter(field.name, shape, spell(field.hint), default, text, place, problems)


def _docstrings(cls: type) -> dict[str, str]:
    """Return the descriptions of the attributes of a class."""
    found = dict(_entries(cls.__doc__ or ""))
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, SyntaxError, TypeError):
        return found
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    for node, after in itertools.pairwise(body):
        match node, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = _line(text)
    return found


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names and descriptions of the section ``Args:`` or ``Attributes:`` of a docstring."""
    lines = inspect.cleandoc(text).splitlines()
    heads = [place for place, line in enumerate(lines) if line in {"Args:", "Attributes:"}]
    for head in heads:
        section: list[str] = []
        for line in lines[head + 1 :]:
            if line and not line.startswith(" "):
                break
            section.append(line)
        inner = textwrap.dedent("\n".join(section))
        for entry in re.split(r"\n(?=\S)", inner):
            found = _ENTRY.fullmatch(_line(entry))
            if found:
                yield found[1], found[2]


def _line(text: str) -> str:
    return " ".join(text.split())
