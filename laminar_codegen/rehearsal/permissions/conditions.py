"""Conditions of policy statements, evaluated for a request.

A condition that cannot be evaluated is an error: it is taken neither for true nor for false.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Context", "UnknownConditionError", "holds", "matches"]

Test = Callable[[str, str], bool]
#: What is known of a request, by key in small letters: a value, several, or None for a key that it does not have.
Context = Mapping[str, str | tuple[str, ...] | None]
#: The prefix of an operator that holds if it does for all values of a request, also for none:
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
_ALL = "ForAllValues:"


class UnknownConditionError(Exception):
    """A condition cannot be evaluated: its operator or its key is unknown."""


def matches(pattern: str, text: str) -> bool:
    """Return whether a text matches a pattern with `*` and `?`.

    Args:
        pattern: The pattern.
        text: The text.

    Example:
        >>> matches("s3:Get*", "s3:GetObject")
        True
    """
    return _compile(pattern).fullmatch(text) is not None


@functools.cache
def _compile(pattern: str) -> re.Pattern[str]:
    """Return a pattern as a regular expression. A rehearsal has few, and asks for each of them at each call."""
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _numeric(compare: Callable[[float, float], bool]) -> Test:
    return lambda actual, wanted: compare(float(actual), float(wanted))


#: The comparisons of the value in a request with a value in a policy. A negated operator holds if no value matches.
_TESTS: Mapping[str, Test] = {
    "ArnEquals": lambda actual, wanted: matches(wanted, actual),
    "ArnLike": lambda actual, wanted: matches(wanted, actual),
    "Bool": lambda actual, wanted: actual.lower() == wanted.lower(),
    "NumericEquals": _numeric(operator.eq),
    "NumericGreaterThan": _numeric(operator.gt),
    "NumericGreaterThanEquals": _numeric(operator.ge),
    "NumericLessThan": _numeric(operator.lt),
    "NumericLessThanEquals": _numeric(operator.le),
    "StringEquals": operator.eq,
    "StringEqualsIgnoreCase": lambda actual, wanted: actual.lower() == wanted.lower(),
    "StringLike": lambda actual, wanted: matches(wanted, actual),
}
_NEGATED: Mapping[str, Test] = {
    name.replace("Equals", "NotEquals").replace("Like", "NotLike"): test
    for name, test in _TESTS.items()
    if name.endswith(("Equals", "Like", "IgnoreCase")) and "Than" not in name
}


def holds(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Return whether all conditions of a statement hold.

    Args:
        conditions: The operators of the statement, with their keys and values.
        context: The known values of the request, by lower-case keys. None means that the request does not have the key.

    Returns:
        Whether all hold. A single false condition is enough for False, even if others are unknown.

    Raises:
        UnknownConditionError: If a condition cannot be evaluated, and all others hold.

    Example:
        >>> holds({"Bool": {"aws:SecureTransport": "false"}}, {"aws:securetransport": "true"})
        False
    """
    unknown: list[str] = []
    for test, tested in conditions.items():
        for key, values in tested.items():
            wanted = [_text(value) for value in (values if isinstance(values, list) else [values])]
            if not _can_evaluate(test, key, context):
                unknown.append(f"{test} {key}")
            elif not _all_hold(test, context[key.lower()], wanted):
                return False
    if unknown:
        raise UnknownConditionError(", ".join(unknown))
    return True


def _can_evaluate(test: str, key: str, context: Context) -> bool:
    plain = test.removeprefix(_ALL).removesuffix("IfExists")
    if key.lower() not in context or isinstance(context[key.lower()], tuple) != test.startswith(_ALL):
        return False
    return test == "Null" or plain in _TESTS or plain in _NEGATED


def _all_hold(test: str, actual: str | tuple[str, ...] | None, wanted: list[str]) -> bool:
    if isinstance(actual, tuple):
        return all(_one_holds(test.removeprefix(_ALL), value, wanted) for value in actual)
    return _one_holds(test, actual, wanted)


def _one_holds(test: str, actual: str | None, wanted: list[str]) -> bool:
    if test == "Null":
        return ("true" if actual is None else "false") in wanted
    plain = test.removesuffix("IfExists")
    if actual is None:
        # A negated operator holds if the request does not have the key.
        return plain in _NEGATED or test != plain
    if plain in _NEGATED:
        return not any(_NEGATED[plain](actual, value) for value in wanted)
    return any(_TESTS[plain](actual, value) for value in wanted)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
