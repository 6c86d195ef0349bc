"""Parameters of a flow as words of a command: ``--param NAME=VALUE``, typed by what the flow declares."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from laminar_runtime.exceptions import FlowError
from laminar_runtime.layer import RESERVED, Parameters

if TYPE_CHECKING:
    from laminar_runtime.flow import Flow
    from laminar_runtime.inputs.shapes import Shape

__all__ = ["add_parameters", "parse_parameter", "read_json", "read_parameters"]

#: What a call of a flow means by itself, or a layer: none is a name of a parameter.
_NO_PARAMETERS = RESERVED | {"execution", "self"}


def add_parameters(parser: argparse._ActionsContainer) -> None:
    """Add the option ``--param``.

    Args:
        parser: The parser of a command that starts a flow, or a group of its options.
    """
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        type=parse_parameter,
        metavar="NAME=VALUE",
        help="a parameter of the flow, its value as JSON, or as plain text if the flow declares it as text, a date, a "
        "path or an enum; may be given again",
    )


def parse_parameter(text: str) -> tuple[str, str]:
    """Return the name and the text of a parameter.

    Args:
        text: ``NAME=VALUE``.

    Raises:
        ArgumentTypeError: If it does not have that form, or no flow can have a parameter of the name.

    Example:
        >>> parse_parameter("day=2026-01-31")
        ('day', '2026-01-31')
    """
    name, equals, value = text.partition("=")
    if not (equals and name.isidentifier()):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    if name in _NO_PARAMETERS:
        raise argparse.ArgumentTypeError(f"{name!r} is reserved: no flow can have a parameter of that name")
    return name, value


def read_parameters(flow: Flow, given: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    """Return the values of ``--param``: JSON, or text as it is where a flow declares a parameter as text.

    Args:
        flow: The flow.
        given: The names and the texts.

    Raises:
        FlowError: If a text is not JSON, or the values do not fit what the flow declares.
    """
    from laminar_runtime.inputs.declarations import fields_of
    from laminar_runtime.inputs.shapes import describe
    from laminar_runtime.stored_parameters import convert

    fields = fields_of(flow.classes[Parameters.__name__], flow.name)
    shapes = {field.name: describe(field.hint) for field in fields}
    unknown = {name for name, _ in given} - shapes.keys() if shapes else set()
    # What the flow does not declare is refused by its name, whatever its value.
    return convert(
        flow, {name: text if name in unknown else _read(name, text, shapes.get(name)) for name, text in given}
    )


def read_json(given: Sequence[tuple[str, str]], schema: str = "") -> dict[str, Any]:
    """Return the values of ``--param`` for a flow whose code is not here: JSON, else text as it is.

    Args:
        given: The names and the texts.
        schema: The JSON schema of the parameters, as JSON: what it says is text stays text. Empty if it is not known.

    Example:
        >>> read_json([("day", "2026-01-31"), ("rows", "7"), ("names", '["Ada"]')])
        {'day': '2026-01-31', 'rows': 7, 'names': ['Ada']}
    """
    from laminar_runtime.inputs.json_schema import allows_null, takes_text

    known = json.loads(schema).get("properties", {}) if schema else {}
    texts = {name: allows_null(one) for name, one in known.items() if takes_text(one)}
    return {
        name: text if name in texts and not (text == "null" and texts[name]) else _json_or_text(text)
        for name, text in given
    }


def _json_or_text(text: str) -> Any:
    try:
        return _parse(text)
    except (RecursionError, ValueError):
        return text


def _parse(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)


def _refuse_constant(text: str) -> NoReturn:
    """Refuse a number that JSON does not have, and that the state machine would refuse as input."""
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_constant(text)


def _read(name: str, text: str, shape: Shape | None) -> Any:
    from laminar_runtime.inputs.shapes import Anything, accepts_null, is_text

    if shape is not None and is_text(shape):
        return None if text == "null" and accepts_null(shape) else text
    try:
        return _parse(text)
    except RecursionError:
        raise FlowError(f"the value of {name!r} is nested too deeply") from None
    except ValueError as error:
        if shape not in {None, Anything()}:
            return text  # the type of the parameter says more of what is wrong
        fix = f"Text is quoted, as in --param '{name}=\"text\"'"
        raise FlowError(f"the value of {name!r} is not JSON: {error}. {fix}") from None
