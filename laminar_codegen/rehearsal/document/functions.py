"""Terraform's functions, as far as documents that are rehearsed may hold them.

https://developer.hashicorp.com/terraform/language/functions
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from laminar_codegen.rehearsal.constraints import UNICODE_CLASSES
from laminar_codegen.rehearsal.document.errors import EvaluationError
from laminar_codegen.rehearsal.document.values import (
    SetOf,
    as_flag,
    as_number,
    as_text,
    encode,
    equal,
    kind,
    pairs,
    set_of,
)

__all__ = ["FUNCTIONS"]

_Function = Callable[..., Any]
_VERB = re.compile(r"%(?:(?P<literal>%)|(?P<flags>[-+ 0#]*)(?P<width>\d+)?(?:\.(?P<digits>\d+))?(?P<verb>[bdfqstvx]))")


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise EvaluationError(f"a list or a set is needed, and this is a {kind(value)}")
    return value


def _texts(value: Any) -> list[str]:
    return [as_text(item) for item in _items(value)]


def _map(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise EvaluationError(f"a map is needed, and this is a {kind(value)}")
    return value


def _contains(items: Any, wanted: Any) -> bool:
    return any(equal(item, wanted) for item in _items(items))


def _coalesce(*values: Any) -> Any:
    found = [value for value in values if value is not None and value != ""]
    if not found:
        raise EvaluationError("coalesce() found no value that is not null and not empty")
    return found[0]


def _element(items: Any, index: Any) -> Any:
    found = _items(items)
    if not found:
        raise EvaluationError("element() of an empty list")
    return found[int(as_number(index)) % len(found)]


def _flatten(items: Any) -> list[Any]:
    return [inner for item in _items(items) for inner in (_flatten(item) if isinstance(item, list) else [item])]


def _format(pattern: Any, *values: Any) -> str:
    rest = list(values)

    def write(found: re.Match[str]) -> str:
        if found["literal"]:
            return "%"
        if not rest:
            raise EvaluationError(f"format() has no argument for '{found[0]}'")
        return _write(found, rest.pop(0))

    text = _VERB.sub(write, as_text(pattern))
    if rest:
        raise EvaluationError("format() has more arguments than verbs")
    return text


def _write(verb: re.Match[str], value: Any) -> str:
    """Write a value as a verb of ``format`` says."""
    options = f"%{verb['flags']}{verb['width'] or ''}"
    precision = f".{verb['digits']}" if verb["digits"] else ""
    match verb["verb"]:
        case "d" | "x" as letter:
            return f"{options}{letter}" % int(as_number(value))
        case "b":
            return f"{int(as_number(value)):b}"
        case "f":
            return f"{options}{precision}f" % as_number(value)
        case "q":
            return json.dumps(as_text(value), ensure_ascii=False)
        case "t":
            return as_text(as_flag(value))
    text = encode(value) if value is None or isinstance(value, list | Mapping) else as_text(value)
    return f"{options}{precision}s" % text


def _formatlist(pattern: Any, *values: Any) -> list[str]:
    width = max((len(value) for value in values if isinstance(value, list)), default=1)
    columns = [value if isinstance(value, list) else [value] * width for value in values]
    return [_format(pattern, *row) for row in zip(*columns, strict=True)]


def _index(items: Any, wanted: Any) -> int:
    for place, item in enumerate(_items(items)):
        if equal(item, wanted):
            return place
    raise EvaluationError("index() did not find the value")


def _length(value: Any) -> int:
    if not isinstance(value, str | list | Mapping):
        raise EvaluationError(f"length() of a {kind(value)}")
    return len(value)


def _lookup(values: Any, key: Any, *default: Any) -> Any:
    found = _map(values)
    if key in found:
        return found[key]
    if not default:
        raise EvaluationError(f"lookup() did not find the key {key!r}")
    return default[0]


def _merge(*values: Any) -> dict[str, Any]:
    return {key: item for value in values if value is not None for key, item in _map(value).items()}


def _one(items: Any) -> Any:
    found = _items(items)
    if len(found) > 1:
        raise EvaluationError(f"one() of {len(found)} elements")
    return found[0] if found else None


def _pattern(text: Any) -> re.Pattern[str]:
    """Return a pattern of RE2 as one of Python."""
    source = _SET_OR_CLASS.sub(_replace_classes, as_text(text))
    source = re.sub(r"\[:(\w+):\]", lambda found: _CLASSES.get(found[1], found[0]), source)
    # In RE2 `$` is the end of the text, and `\z` too.
    source = re.sub(r"(?<!\\)\$(?=$|\))", r"\\Z", source).replace(r"\z", r"\Z")
    try:
        return re.compile(source)
    except re.error as error:
        raise EvaluationError(f"the pattern {text!r} is not understood: {error}") from error


def _replace_classes(found: re.Match[str]) -> str:
    """Return a set of characters, or a class of Unicode alone, with classes that Python has."""
    text = found[0]
    for theirs, ours in (UNICODE_CLASSES if text.startswith("[") else _ALONE).items():
        text = text.replace(theirs, ours)
    return text


#: A set, or a class that is in none: only in a set is another class for letters one that comes close.
_SET_OR_CLASS = re.compile(r"\[(?:\[:\w+:\]|\\.|[^\]\\])*\]|\\p\{\w+\}")
_ALONE = {**UNICODE_CLASSES, r"\p{L}": r"[^\W\d_]"}
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r"\t ",
    "digit": "0-9",
    "lower": "a-z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}


def _groups(found: re.Match[str]) -> Any:
    if found.re.groupindex:
        return found.groupdict()
    return list(found.groups()) if found.re.groups else found[0]


def _regex(pattern: Any, text: Any) -> Any:
    found = _pattern(pattern).search(as_text(text))
    if found is None:
        raise EvaluationError(f"the pattern {pattern!r} does not match {text!r}")
    return _groups(found)


def _regexall(pattern: Any, text: Any) -> list[Any]:
    return [_groups(found) for found in _pattern(pattern).finditer(as_text(text))]


def _replace(text: Any, old: Any, new: Any) -> str:
    searched, by = as_text(old), as_text(new)
    if len(searched) > 1 and searched[0] == searched[-1] == "/":
        return _pattern(searched[1:-1]).sub(re.sub(r"\$\{?(\w+)\}?", r"\\g<\1>", by), as_text(text))
    return as_text(text).replace(searched, by)


def _slice(items: Any, start: Any, end: Any) -> list[Any]:
    return _items(items)[int(as_number(start)) : int(as_number(end))]


def _substr(text: Any, start: Any, length: Any) -> str:
    whole, first, count = as_text(text), int(as_number(start)), int(as_number(length))
    first = first + len(whole) if first < 0 else first
    return whole[first:] if count < 0 else whole[first : first + count]


def _range(*bounds: Any) -> list[int | float]:
    numbers = [as_number(bound) for bound in bounds]
    start, end = (0, numbers[0]) if len(numbers) == 1 else numbers[:2]
    step = numbers[2] if len(numbers) > 2 else (1 if start <= end else -1)  # noqa: PLR2004 - the third is the step
    return [start + step * count for count in range(max(0, math.ceil((end - start) / step)))]


def _jsondecode(text: Any) -> Any:
    try:
        return json.loads(as_text(text))
    except ValueError as error:
        raise EvaluationError(f"jsondecode(): {error}") from error


def _digest(name: str) -> _Function:
    return lambda text: hashlib.new(name, as_text(text).encode(), usedforsecurity=False).hexdigest()


def _sort(items: Any) -> list[str]:
    return sorted(_texts(items))


def _sets(combine: Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]]) -> _Function:
    def function(first: Any, *others: Any) -> SetOf:
        found: Sequence[Any] = _items(first)
        for other in others:
            found = combine(found, _items(other))
        return set_of(found)

    return function


def _text_or_null(value: Any) -> str | None:
    return None if value is None else as_text(value)


def _identity(value: Any) -> Any:
    return value


def _numbers(choose: Callable[..., Any]) -> _Function:
    return lambda *values: choose(as_number(value) for value in values)


#: Each function by its name. ``can`` and ``try`` are not among them: they see expressions, not values.
FUNCTIONS: Mapping[str, _Function] = {
    "abs": lambda value: abs(as_number(value)),
    "alltrue": lambda items: all(as_flag(item) for item in _items(items)),
    "anytrue": lambda items: any(as_flag(item) for item in _items(items)),
    "base64decode": lambda text: base64.b64decode(as_text(text)).decode(),
    "base64encode": lambda text: base64.b64encode(as_text(text).encode()).decode(),
    "ceil": lambda value: math.ceil(as_number(value)),
    "chomp": lambda text: as_text(text).rstrip("\r\n"),
    "chunklist": lambda items, size: [
        _items(items)[place : place + int(size)] for place in range(0, len(items), int(as_number(size)))
    ],
    "coalesce": _coalesce,
    "coalescelist": lambda *lists: next((found for found in lists if found), []),
    "compact": lambda items: [item for item in _items(items) if item not in {None, ""}],
    "concat": lambda *lists: [item for items in lists for item in _items(items)],
    "contains": _contains,
    "distinct": lambda items: [item for place, item in enumerate(_items(items)) if not _contains(items[:place], item)],
    "element": _element,
    "endswith": lambda text, end: as_text(text).endswith(as_text(end)),
    "flatten": _flatten,
    "floor": lambda value: math.floor(as_number(value)),
    "format": _format,
    "formatlist": _formatlist,
    "index": _index,
    "join": lambda separator, *lists: as_text(separator).join(text for items in lists for text in _texts(items)),
    "jsondecode": _jsondecode,
    "jsonencode": encode,
    "keys": lambda values: sorted(_map(values)),
    "length": _length,
    "lookup": _lookup,
    "lower": lambda text: as_text(text).lower(),
    "max": _numbers(max),
    "md5": _digest("md5"),
    "merge": _merge,
    "min": _numbers(min),
    "nonsensitive": _identity,
    "one": _one,
    "pow": lambda base, exponent: as_number(base) ** as_number(exponent),
    "range": _range,
    "regex": _regex,
    "regexall": _regexall,
    "replace": _replace,
    "reverse": lambda items: _items(items)[::-1],
    "sensitive": _identity,
    "setintersection": _sets(lambda one, other: [item for item in one if _contains(other, item)]),
    "setproduct": lambda *lists: [list(row) for row in itertools.product(*map(_items, lists))],
    "setsubtract": _sets(lambda one, other: [item for item in one if not _contains(other, item)]),
    "setunion": _sets(lambda one, other: [*one, *other]),
    "sha1": _digest("sha1"),
    "sha256": _digest("sha256"),
    "slice": _slice,
    "sort": _sort,
    "split": lambda separator, text: as_text(text).split(as_text(separator)) if text else [""],
    "startswith": lambda text, start: as_text(text).startswith(as_text(start)),
    "strcontains": lambda text, part: as_text(part) in as_text(text),
    "strrev": lambda text: as_text(text)[::-1],
    "substr": _substr,
    "sum": lambda items: sum(as_number(item) for item in _items(items)),
    "title": lambda text: re.sub(r"(^|\s)(\w)", lambda found: found[0].upper(), as_text(text)),
    "tobool": lambda value: None if value is None else as_flag(value),
    "tolist": lambda items: list(_items(items)),
    "tomap": lambda values: dict(_map(values)),
    "tonumber": lambda value: None if value is None else as_number(value),
    "toset": lambda items: set_of(_items(items)),
    "tostring": _text_or_null,
    "trim": lambda text, characters: as_text(text).strip(as_text(characters)),
    "trimprefix": lambda text, start: as_text(text).removeprefix(as_text(start)),
    "trimspace": lambda text: as_text(text).strip(),
    "trimsuffix": lambda text, end: as_text(text).removesuffix(as_text(end)),
    "upper": lambda text: as_text(text).upper(),
    "values": lambda values: [value for _, value in pairs(_map(values))],
    "zipmap": lambda keys, values: dict(zip(_texts(keys), _items(values), strict=True)),
}
