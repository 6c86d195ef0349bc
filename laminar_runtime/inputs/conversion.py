"""Converts parameters to the types that a flow declares, and back to JSON. It loads cattrs.

A value is either of the type, or a JSON value that stands for one: ``"2026-01-31"`` for a `date`. Nothing else is
converted: ``"5"`` is no `int`, and ``1`` is no `bool`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cattrs

from laminar_runtime.exceptions import FlowError
from laminar_runtime.inputs.converter import UnfitError, make_converter, requirement
from laminar_runtime.inputs.declarations import Field, place_of
from laminar_runtime.inputs.shapes import NoFormError, describe

__all__ = ["convert", "problems_of", "to_json"]


def convert(fields: Sequence[Field], given: Mapping[str, Any], flow: str) -> dict[str, Any]:
    """Convert the parameters of a call to their types, and add the defaults of the others.

    Args:
        fields: The parameters that the flow declares.
        given: The given values: Python objects or JSON values.
        flow: The flow's name, for errors.

    Returns:
        The values by name, in the order of the declarations.

    Raises:
        FlowError: If parameters are missing, unknown, or of another type. The message names all of them.
    """
    found: dict[str, Any] = {}
    problems = [*_unknown(fields, given)]
    for field in fields:
        wrong = _take(field, given, found)
        if wrong:
            problems += [*wrong[:-1], f"{wrong[-1]} ({field.owner.__name__}, {place_of(field.owner)})"]
    if problems:
        raise FlowError(f"flow '{flow}' cannot have these parameters: {'; '.join(problems)}")
    return found


def problems_of(field: Field) -> list[str]:
    """Return what is wrong with the declaration of a parameter: its type has no JSON form, or its default another type.

    Args:
        field: The parameter.
    """
    if field.required:
        try:
            describe(field.hint)
        except NoFormError as error:
            return [_no_form(field, error)]
        return []
    return _take(field, {}, {})


def to_json(value: Any) -> Any:
    """Return a value of a declared type as a JSON value, which `convert` converts back.

    Args:
        value: The value.

    Example:
        >>> import datetime
        >>> to_json({"days": (datetime.date(2026, 1, 31),)})
        {'days': ['2026-01-31']}
    """
    return make_converter().unstructure(value)


def _take(field: Field, given: Mapping[str, Any], found: dict[str, Any]) -> list[str]:
    """Convert a parameter, or its default, and return the problems."""
    if field.required and field.name not in given:
        return [f"parameter '{field.name}' is missing: it must be {requirement(field.hint)}"]
    try:
        describe(field.hint)
        found[field.name] = make_converter().structure(given.get(field.name, field.default), field.hint)
    except NoFormError as error:
        return [_no_form(field, error)]
    except Exception as error:  # noqa: BLE001 - the code of a user's class may raise anything
        # Each text is a reason, " @ " and the path of the wrong value.
        texts = cattrs.transform_error(error, path=field.name, format_exception=lambda error, _: _reason(error))
        parts = [text.rpartition(" @ ") for text in texts]
        return [f"parameter '{path}' {reason}" for reason, _, path in parts]
    return []


def _no_form(field: Field, error: NoFormError) -> str:
    return f"parameter '{field.name}' cannot be checked: the type {error}"


def _reason(error: BaseException) -> str:
    if isinstance(error, UnfitError):
        return f"must be {error}"
    if isinstance(error, KeyError):
        return "is missing"
    if isinstance(error, cattrs.ForbiddenExtraKeysError):
        return f"has unknown fields: {', '.join(sorted(map(str, error.extra_fields)))}"
    return f"is refused: {type(error).__name__}: {error}"


def _unknown(fields: Sequence[Field], given: Mapping[str, Any]) -> Iterator[str]:
    known = [field.name for field in fields]
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            others = f"Did you mean '{close[0]}'?" if close else f"The flow declares: {', '.join(known) or 'none'}"
            yield f"parameter '{name}' is unknown. {others}"
