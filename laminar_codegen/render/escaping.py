"""Escapes text for Terraform: what is written is a template, which Terraform evaluates to the text.

The rules are those of both of its syntaxes, JSON and HCL: every string is a template, in which ``${`` begins an
expression and ``%{`` a directive, and ``$${`` and ``%%{`` stand for them
(https://developer.hashicorp.com/terraform/language/expressions/strings).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from laminar_codegen.ir.expressions import Ref

__all__ = ["escape_template"]

#: Two marks and more before another one with its brace.
_RUNS = re.compile(r"\${2,}(?=\$\{)|%{2,}(?=%\{)")


def escape_template(parts: Sequence[str | Ref], quote: Callable[[str], str] = str) -> str:
    r"""Write plain text and references as one template.

    Args:
        parts: Plain text and references. No two texts stand together.
        quote: How the syntax quotes plain text besides, if the template is to stand in it as it is.

    Returns:
        The template, without quotes around it.

    Example:
        >>> escape_template(["costs ${5}, ", Ref("var.name")])
        'costs $${5}, ${var.name}'
    """
    if len(parts) == 1 and isinstance(parts[0], str) and "{" not in parts[0]:
        return quote(parts[0])  # as most texts are
    parts = tuple(piece for part in parts for piece in _runs_apart(part))
    # Behind a bare carriage return Terraform reads marks otherwise, too.
    returns = any(isinstance(part, str) and "\r" in part and "{" in part for part in parts)
    if len(parts) == 1 and isinstance(parts[0], str) and not returns:
        return _escaped(quote(parts[0]))
    if returns or any(isinstance(part, Ref) for part in parts):
        parts = tuple(piece for part in parts for piece in _without_returns(part, quote))
    else:
        parts = tuple(quote(part) if isinstance(part, str) else part for part in parts)
    written = ""
    for place, part in enumerate(parts):
        if isinstance(part, Ref):
            written += f"${{{part.expression}}}"
        else:
            escaped = _escaped(part)
            written += escaped if place + 1 == len(parts) else _apart(escaped)
    return written


def _runs_apart(part: str | Ref) -> Iterator[str | Ref]:
    """Text, its longer runs of marks before what is escaped as expressions: Terraform would pair these marks."""
    if isinstance(part, Ref):
        yield part
        return
    place = 0
    for run in _RUNS.finditer(part):
        if run.start() > place:
            yield part[place : run.start()]
        yield Ref(f'"{run[0]}"')
        place = run.end()
    if place < len(part) or not part:
        yield part[place:]


def _escaped(text: str) -> str:
    return text.replace("${", "$${").replace("%{", "%%{")


def _without_returns(part: str | Ref, quote: Callable[[str], str]) -> Iterator[str | Ref]:
    """Quoted text, its carriage returns as expressions: behind a bare one Terraform knows no expressions."""
    if isinstance(part, Ref):
        yield part
        return
    for place, text in enumerate(quote(part).split("\r")):
        if place:
            yield Ref(r'"\r"')
        if text:
            yield text


def _apart(escaped: str) -> str:
    """Text that a reference follows: marks at its end would double the reference's, which is then no reference."""
    text = escaped.rstrip("$%")
    return f'{text}${{"{escaped[len(text) :]}"}}' if text != escaped else text
