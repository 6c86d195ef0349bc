"""Patterns of events, as EventBridge has them: what is wrong with one, and whether an event matches it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html. The rules of a flow check
patterns, and a rehearsal matches sample events: both by the same table of operators.
"""

from __future__ import annotations

import ipaddress
import json
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from laminar_codegen.ir.structs import Struct
from laminar_runtime.variables import Variable

__all__ = ["find_pattern_flaws", "matches"]

_OR = "$or"
#: A field that an event does not have.
_MISSING: Any = object()
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}


@attrs.frozen(eq=False, repr=False)
class _Operator(Struct):
    """An operator: which arguments it takes, in words and by a function, and whether a value matches one."""

    takes: str
    accepts: Callable[[Any], bool]
    matches: Callable[[Any, Any], bool]


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Return whether an event matches a pattern.

    Args:
        pattern: The pattern, without flaws.
        event: The event, or a part of it. Of a list one item must match.

    Example:
        >>> matches({"detail": {"size": [{"numeric": [">", 0]}]}}, {"detail": {"size": 3}})
        True
    """
    if isinstance(event, list):
        return any(matches(pattern, item) for item in event)
    known = event if isinstance(event, Mapping) else {}
    return all(_matches_field(name, wanted, known) for name, wanted in pattern.items())


def _matches_field(name: str, wanted: Any, event: Mapping[str, Any]) -> bool:
    if name == _OR:
        return any(matches(alternative, event) for alternative in wanted)
    if isinstance(wanted, Mapping):
        return matches(wanted, event.get(name, {}))
    found = event.get(name, _MISSING)
    # An empty list is as good as no field.
    values = (found or [_MISSING]) if isinstance(found, list) else [found]
    return any(_matches_value(rule, value) for rule in wanted for value in values)


def _matches_value(rule: Any, value: Any) -> bool:
    if isinstance(rule, Mapping):
        ((name, argument),) = rule.items()
        if name == "exists":
            return bool(argument) == (value is not _MISSING and not isinstance(value, Mapping))
        return value is not _MISSING and _OPERATORS[name].matches(argument, value)
    return value is not _MISSING and _same(rule, value)


def _same(one: Any, other: Any) -> bool:
    """Return whether values are the same in JSON: numbers are compared as they are written."""
    return type(one) is type(other) and json.dumps(one) == json.dumps(other)


def _texts(argument: Any) -> Sequence[Any]:
    return argument if isinstance(argument, list) else [argument]


def _by_text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    """Return the matcher of an operator of texts, whose argument may ignore the case."""

    def match(argument: Any, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        if isinstance(argument, Mapping):
            return test(value.lower(), argument["equals-ignore-case"].lower())
        return any(test(value, text) for text in _texts(argument))

    return match


def _matches_wildcard(argument: Any, value: Any) -> bool:
    return isinstance(value, str) and any(re.fullmatch(_wildcard(text), value, re.DOTALL) for text in _texts(argument))


def _wildcard(text: str) -> str:
    """Return a wildcard as a regular expression. A backslash makes the next character plain."""
    parts = re.findall(r"\\.|[^\\]|\\$", text, re.DOTALL)
    return "".join(".*" if part == "*" else re.escape(part[-1]) for part in parts)


def _matches_numbers(argument: Any, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    pairs = zip(argument[::2], argument[1::2], strict=True)
    return all(_COMPARISONS[sign](value, number) for sign, number in pairs)


def _matches_address(argument: Any, value: Any) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(argument, strict=False)
    except ValueError:
        return False


def _differs(argument: Any, value: Any) -> bool:
    if isinstance(argument, Mapping):
        ((name, own),) = argument.items()
        return not _OPERATORS[name].matches(own, value)
    return not any(_same(one, value) for one in _texts(argument))


def _is_text(argument: Any) -> bool:
    return isinstance(argument, str)


def _is_part(argument: Any) -> bool:
    if isinstance(argument, Mapping):
        return argument.keys() == {"equals-ignore-case"} and _is_text(argument["equals-ignore-case"])
    return _is_text(argument)


def _is_wildcard(argument: Any) -> bool:
    plain = re.sub(r"\\[*\\]", "", argument) if _is_text(argument) else "\\"
    return "\\" not in plain and "**" not in plain


def _is_numbers(argument: Any) -> bool:
    if not isinstance(argument, list) or len(argument) not in (2, 4):
        return False
    signs, numbers = argument[::2], argument[1::2]
    if not (all(isinstance(sign, str) and sign in _COMPARISONS for sign in signs) and all(map(_is_number, numbers))):
        return False
    # A range has a lower bound first, and values between its bounds.
    return len(signs) == 1 or (signs[0] in {">", ">="} and signs[1] in {"<", "<="} and numbers[0] < numbers[1])


def _is_number(argument: Any) -> bool:
    return isinstance(argument, (int, float)) and not isinstance(argument, bool) and math.isfinite(argument)


def _is_network(argument: Any) -> bool:
    try:
        ipaddress.ip_network(argument if _is_text(argument) else "", strict=False)
    except ValueError:
        return False
    return True


def _is_other(argument: Any) -> bool:
    if isinstance(argument, Mapping):
        nested = {"prefix", "suffix", "wildcard", "equals-ignore-case"}
        known = argument.keys() <= nested and len(argument) == 1
        return known and all(
            bool(_texts(own)) and all(bool(one) and _OPERATORS[name].accepts(one) for one in _texts(own))
            for name, own in argument.items()
        )
    given = _texts(argument)
    return bool(given) and (all(map(_is_text, given)) or all(map(_is_number, given)))


#: All operators, except `$or`, which stands in the place of a field.
_OPERATORS: Mapping[str, _Operator] = {
    "anything-but": _Operator("texts, or numbers, or an operator of texts that are not empty", _is_other, _differs),
    "cidr": _Operator("a range of addresses", _is_network, _matches_address),
    "equals-ignore-case": _Operator("text", _is_text, _by_text(lambda value, text: value.lower() == text.lower())),
    "exists": _Operator("true or false", lambda argument: isinstance(argument, bool), lambda _, __: True),
    "numeric": _Operator(
        "one comparison, or a lower and a higher bound, as in ['>', 0, '<=', 5]", _is_numbers, _matches_numbers
    ),
    "prefix": _Operator("text", _is_part, _by_text(str.startswith)),
    "suffix": _Operator("text", _is_part, _by_text(str.endswith)),
    "wildcard": _Operator("text with single *, where \\* stands for a star", _is_wildcard, _matches_wildcard),
}


def find_pattern_flaws(pattern: Any, place: str = "") -> Iterator[str]:
    """Yield what is wrong with a pattern.

    Args:
        pattern: The pattern.
        place: The path of the pattern in another one.
    """
    if not isinstance(pattern, Mapping) or not pattern:
        yield f"{place or 'the pattern'} is not a mapping with at least one field"
        return
    for name, wanted in pattern.items():
        inner = f"{place}.{name}" if place else str(name)
        if not isinstance(name, str):
            yield f"{place or 'the pattern'} has the field {name!r}, whose name is not text"
        elif name == _OR:
            yield from _flaws_of_alternatives(wanted, inner)
        elif isinstance(wanted, Mapping):
            yield from find_pattern_flaws(wanted, inner)
        elif not isinstance(wanted, (list, tuple)) or not wanted:
            yield f"{inner} is {wanted!r}, and not a list of at least one value"
        else:
            for rule in wanted:
                yield from _flaws_of_rule(rule, inner)


def _flaws_of_alternatives(wanted: Any, place: str) -> Iterator[str]:
    if not isinstance(wanted, (list, tuple)) or len(wanted) < 2:  # noqa: PLR2004 - one is no choice
        yield f"{place} is not a list of at least two patterns"
        return
    for number, alternative in enumerate(wanted):
        yield from find_pattern_flaws(alternative, f"{place}[{number}]")


def _flaws_of_rule(rule: Any, place: str) -> Iterator[str]:
    if not isinstance(rule, Mapping):
        if isinstance(rule, (list, tuple)):
            yield f"{place} has a list in its list"
        elif not (rule is None or isinstance(rule, (bool, str, Variable)) or _is_number(rule)):
            yield f"{place} has {rule!r}, which is not text, a number, true, false or null"
        return
    if len(rule) != 1:
        yield f"{place} has {dict(rule)!r}, which is not one operator"
        return
    ((name, argument),) = rule.items()
    known = _OPERATORS.get(name)
    if known is None:
        yield f"{place} has the operator '{name}', and EventBridge has only {', '.join(_OPERATORS)} and {_OR}"
    elif variable := next(_variables_of(argument), None):
        yield (
            f"{place}: the operator '{name}' has the Variable '{variable.name}': EventBridge refuses a pattern with an "
            "argument that the operator does not take, and a plan of Terraform cannot find that out. Use text here, or "
            "the Variable in the place of the operator"
        )
    elif not known.accepts(argument):
        yield f"{place}: the operator '{name}' takes {known.takes}, not {argument!r}"


def _variables_of(value: Any) -> Iterator[Variable]:
    """Yield the variables in the argument of an operator."""
    match value:
        case Variable():
            yield value
        case Mapping():
            yield from _variables_of([*value.values()])
        case list() | tuple():
            for item in value:
                yield from _variables_of(item)
