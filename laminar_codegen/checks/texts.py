"""The rules about texts: Terraform keeps only some texts as they are, and changes others without a message.

Terraform has all texts in Unicode's normal form C, and puts a mark between what combines with one letter too often
(https://developer.hashicorp.com/terraform/language/expressions/types, https://unicode.org/reports/tr15/#Stream_Safe_Text_Format).
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.placement import Container, properties_of
from laminar_codegen.problems import Location, Problem
from laminar_codegen.problems.rules import LAM045
from laminar_runtime import _records

__all__ = ["TEXT_RULES", "fault_of"]

#: The most combining characters that may follow each other.
_COMBINING = 30
#: Characters that ``jsonencode`` writes as an escape sequence. A combining character after one would combine with the
#: last letter of the sequence, and both would be lost.
_ENCODED = re.compile("[\x00-\x1f<>&\x7f\u2028\u2029](.)", re.DOTALL)


def fault_of(text: str) -> str | None:
    """Return why Terraform would change a text, None if it would not.

    Args:
        text: The text.

    Example:
        >>> fault_of("größe"), fault_of("e" + chr(0x301))
        (None, "is not in Unicode's normal form C")
    """
    if text.isascii():
        return None
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "has half of a surrogate pair, which is not a character"
    if not unicodedata.is_normalized("NFC", text):
        return "is not in Unicode's normal form C"
    decomposed = unicodedata.normalize("NFD", text)
    runs = itertools.groupby(decomposed, key=lambda character: unicodedata.combining(character) > 0)
    if any(combining and sum(1 for _ in run) > _COMBINING for combining, run in runs):
        return f"has more than {_COMBINING} combining characters in a row"
    if any(unicodedata.combining(follower) for follower in _ENCODED.findall(decomposed)):
        return "has a combining character after a line break, another control character or one of <>&"
    return None


def check_texts(graph: Graph) -> Iterator[Problem]:
    """Check that Terraform keeps docstrings, containers, executors, parameters, triggers and settings as written."""
    of_flow = (
        ("the docstring", graph.summary),
        ("a trigger", graph.triggers),
        ("a setting", graph.settings),
        ("the planner", graph.planner),
    )
    for where, value in of_flow:
        yield from (_problem(graph.location, f"flow '{graph.flow}'", where, text) for text in _faulty(value))
    for item in graph.inputs or ():
        default = None if item.default is None else json.loads(item.default)
        for text in _faulty((item.name, item.shape, default, item.description)):
            yield _problem(item.location, f"flow '{graph.flow}'", f"the parameter {item.name!a}", text)
    # Most layers of large flows have the same container, and the same executor.
    of_container = functools.cache(lambda container: _faulty((container, _properties(container))))
    of_executor = functools.cache(_faulty)
    for layer in graph.layers:
        found = (
            ("the docstring", _faulty(layer.summary)),
            ("the container", of_container(layer.container)),
            ("the executor", of_executor(layer.executor)),
        )
        for where, texts in found:
            yield from (_problem(layer.location, f"layer '{layer.name}'", where, text) for text in texts)


def _properties(container: Container) -> Mapping[str, Any]:
    """Return the further properties of a container, which it has as one text of JSON."""
    given = container.requested.get("properties")
    return {} if given is None else properties_of(given, lambda item: item.variable)


def _problem(location: Location, who: str, where: str, text: str) -> Problem:
    what = f"{where} of {who} has the text {text!a}, which {fault_of(text)}: Terraform would change it"
    fix = "use a text that Terraform keeps, such as the result of unicodedata.normalize('NFC', text)"
    return Problem(location, LAM045, what, fix)


def _faulty(value: Any) -> Iterable[str]:
    """Return the texts in a value that Terraform would change, each once."""
    return dict.fromkeys(text for text in _texts(value) if fault_of(text))


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts in a value."""
    if isinstance(value, str):
        yield value
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _texts(getattr(value, field.name))
    elif _records.has_fields(type(value)):
        yield from _texts(tuple(_records.plain(value).values()))
    elif isinstance(value, Mapping):
        yield from _texts(tuple(value.items()))
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _texts(item)


#: The rules of this module.
TEXT_RULES: tuple[Callable[[Graph], Iterator[Problem]], ...] = (check_texts,)
