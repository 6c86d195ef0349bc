"""The values of secrets in texts about errors: each is replaced, before a text is shortened, printed or stored.

A container names the variables of its secrets in one more variable, so that they are known before the flow is: also for
the error of an import. A process that runs tasks itself adds those of its layers.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["SECRETS", "escape", "hide", "one_line", "redact", "shorten", "variable", "without_middle"]

#: The environment variable with the names of the variables whose values are secrets, with a comma between them.
SECRETS = "LAMINAR_SECRETS"
#: The variables that are secrets whoever set them, and their shortest values: tests set them to words.
_ALWAYS, _SHORTEST_KEY = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), 20
#: Values of secrets that are shorter stay in texts: words and numbers would be replaced with them.
_SHORTEST = 6
#: The most characters of a text that are kept. An error's message may contain all that a layer read.
_LONGEST = 32_768
#: The most characters of one line.
_LINE = 1_000
_STARS = "***"
#: The control characters of ASCII and of Latin-1, without the line end and the tab.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

#: The names that this process added.
_hidden: set[str] = set()


def variable(names: Iterable[str]) -> dict[str, str]:
    """Return the variable that names the secrets of a container; none if it has no secrets.

    Args:
        names: The names of their variables.

    Example:
        >>> variable(["TOKEN", "PASSWORD"]), variable([])
        ({'LAMINAR_SECRETS': 'PASSWORD,TOKEN'}, {})
    """
    listed = ",".join(sorted(names))
    return {SECRETS: listed} if listed else {}


def hide(names: Iterable[str]) -> None:
    """Replace the values of further variables of this process from now on.

    Args:
        names: The names of the variables.
    """
    _hidden.update(names)


def redact(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Return a text without the values of secrets, as they are and as Python, JSON and URLs write them.

    Args:
        text: The text.
        environment: The variables; those of this process by default.

    Example:
        >>> redact("x: it's me", {"LAMINAR_SECRETS": "NAME", "NAME": "it's me"})
        'x: ***'
    """
    variables = os.environ if environment is None else environment
    always = (name for name in _ALWAYS if len(variables.get(name, "")) >= _SHORTEST_KEY)
    names = {*always, *_hidden, *variables.get(SECRETS, "").split(",")}
    values = {value for name in names for value in _parts(variables.get(name, ""))}
    spelled = {spelling for value in values for spelling in _spellings(value)}
    # The longest first: one may be in another.
    for found in sorted(spelled, key=len, reverse=True):
        text = text.replace(found, _STARS)
    return text


def shorten(text: str, longest: int = _LONGEST) -> str:
    """Return a text without the values of secrets, and without its middle if it is very long.

    Args:
        text: The text.
        longest: The most characters that are kept.
    """
    return without_middle(redact(text), longest)


def without_middle(text: str, longest: int) -> str:
    """Return a text without its middle if it is very long.

    Args:
        text: The text.
        longest: The most characters that are kept.
    """
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n... ({len(text) - 2 * half} characters omitted) ...\n{text[-half:]}"


def one_line(text: str) -> str:
    r"""Return the first line of a text without the values of secrets, and without its end if it is very long.

    Args:
        text: The text.

    Example:
        >>> one_line("ValueError: first\nsecond")
        'ValueError: first ...'
    """
    first, _, more = redact(text).strip().partition("\n")
    first = escape(first.strip())
    if len(first) > _LINE:
        return f"{first[:_LINE]} ..."
    return f"{first} ..." if more.strip() else first


def escape(text: str) -> str:
    r"""Return a text with its control characters, but line ends and tabs, as Python writes them: a terminal obeys none.

    Args:
        text: The text.

    Example:
        >>> escape("progress 10%\rdone \x1b[8m hidden\n")
        'progress 10%\\rdone \\x1b[8m hidden\n'
    """
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text.replace("\r\n", "\n"))


def _parts(value: str) -> Iterator[str]:
    """Yield a value, its lines if it has several, and the texts in it if it is JSON."""
    lines = value.splitlines()
    texts = [value, *(lines if len(lines) > 1 else ())]
    if value.startswith(("{", "[", '"')):
        import json

        with contextlib.suppress(ValueError, RecursionError):
            texts += _texts(json.loads(value))
    yield from (text.strip() for text in texts if len(text.strip()) >= _SHORTEST)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield from (value, *(value.splitlines() if "\n" in value else ()))
        case dict():
            for item in value.values():
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
        case int():
            yield str(value)


def _spellings(value: str) -> Iterator[str]:
    """Yield how a value is written in texts of errors: ``KeyError`` and others show its ``repr``."""
    import json
    from urllib.parse import quote, quote_plus

    encoded = value.encode(errors="surrogateescape")
    yield value
    yield from (repr(value)[1:-1], repr(encoded)[2:-1])
    # In a text with both kinds of quotes, `repr` escapes one of them.
    yield from (repr(f"{value}'\"")[1:-4], repr(encoded + b"'\"")[2:-4])
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (quote(encoded), quote(encoded, safe=""), quote_plus(encoded))
