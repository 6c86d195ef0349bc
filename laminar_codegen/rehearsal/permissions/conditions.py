"""Whether the condition of a policy's statement holds for a request.

What is not known of a request is told: nothing is taken to hold, or not to hold, that cannot be evaluated.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["UnknownConditionError", "holds", "matches"]

Test = Callable[[str, str], bool]


class UnknownConditionError(Exception):
    """A condition that cannot be evaluated here: its operator, or its key, is not known."""


def matches(pattern: str, text: str) -> bool:
    """Whether a text is like a pattern with `*` and `?`.

    Args:
        pattern: The pattern.
        text: The text.

    Example:
        >>> matches("s3:Get*", "s3:GetObject")
        True
    """
    regex = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(regex, text, re.DOTALL) is not None


def _numeric(compare: Callable[[float, float], bool]) -> Test:
    return lambda actual, wanted: compare(float(actual), float(wanted))


#: What compares the value of a request with each of a policy. Of those that begin with "Not" none may be alike.
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


def holds(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str | None]) -> bool:
    """Whether all conditions of a statement hold.

    Args:
        conditions: Of a statement: operators, keys, values.
        context: What is known of the request, by the keys in small letters. None is what the request does not have.

    Returns:
        Whether they hold. One that does not is enough, whatever the others are.

    Raises:
        UnknownConditionError: The others hold, and one cannot be evaluated.

    Example:
        >>> holds({"Bool": {"aws:SecureTransport": "false"}}, {"aws:securetransport": "true"})
        False
    """
    unknown: list[str] = []
    for test, tested in conditions.items():
        for key, values in tested.items():
            wanted = [_text(value) for value in (values if isinstance(values, list) else [values])]
            if not _known(test, key, context):
                unknown.append(f"{test} {key}")
            elif not _one_holds(test, context[key.lower()], wanted):
                return False
    if unknown:
        raise UnknownConditionError(", ".join(unknown))
    return True


def _known(test: str, key: str, context: Mapping[str, str | None]) -> bool:
    plain = test.removesuffix("IfExists")
    return key.lower() in context and (test == "Null" or plain in _TESTS or plain in _NEGATED)


def _one_holds(test: str, actual: str | None, wanted: list[str]) -> bool:
    if test == "Null":
        return ("true" if actual is None else "false") in wanted
    plain = test.removesuffix("IfExists")
    if actual is None:
        # A negated operator holds of what is not there.
        return plain in _NEGATED or test != plain
    if plain in _NEGATED:
        return not any(_NEGATED[plain](actual, value) for value in wanted)
    return any(_TESTS[plain](actual, value) for value in wanted)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
