"""Validators of the fields of a layer's configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from laminar_runtime import _records
from laminar_runtime.exceptions import LayerError

__all__ = ["GREATEST", "article", "is_of", "one_of"]


#: The greatest integer that AWS takes where it names no other bound:
#: https://smithy.io/2.0/spec/simple-types.html#integer
GREATEST = 2**31 - 1


def is_of(
    *kinds: type, least: float | None = None, most: float | None = None, empty: bool = False
) -> Callable[[Any, _records.Field, Any], None]:
    """Return a validator of a value's type. It refuses values out of bounds, empty text, and a bool for a number."""
    wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)

    def validate(instance: object, attribute: _records.Field, value: Any) -> None:
        what = f"{attribute.name} of {article(instance)} {type(instance).__name__}"
        bool_for_number = isinstance(value, bool) and bool not in kinds
        if not isinstance(value, kinds) or bool_for_number or (value == "" and not empty):
            raise LayerError(f"the {what} must be of type {wanted}, not {value!r}")
        if least is not None and isinstance(value, int | float) and value < least:
            raise LayerError(f"the {what} must be at least {least}, not {value!r}")
        if most is not None and isinstance(value, int | float) and value > most:
            raise LayerError(f"the {what} must be at most {most}, not {value!r}")

    return validate


def article(instance: object) -> str:
    """Return the article before the name of an instance's class."""
    return "an" if type(instance).__name__[0] in "AEIOU" else "a"


def one_of(*choices: str) -> Callable[[Any, _records.Field, Any], None]:
    """Return a validator that accepts some words only."""

    def validate(instance: object, attribute: _records.Field, value: Any) -> None:
        if value not in choices:
            wanted = " or ".join(repr(choice) for choice in choices)
            raise LayerError(f"the {attribute.name} of a {type(instance).__name__} must be {wanted}, not {value!r}")

    return validate
