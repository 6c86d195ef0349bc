"""Escapes text for Terraform: writes a template that Terraform evaluates to the text.

Both syntaxes, JSON and HCL, have the same rules: every string is a template, in which ``${`` begins an expression and
``%{`` a directive, and ``$${`` and ``%%{`` stand for these two texts
(https://developer.hashicorp.com/terraform/language/expressions/strings).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from laminar_codegen.ir.expressions import Ref

__all__ = ["escape_template"]

#: Two or more marks, followed by another one with its brace.
_RUNS = re.compile(r"\${2,}(?=\$\{)|%{2,}(?=%\{)")


def escape_template(parts: Sequence[str | Ref], quote: Callable[[str], str] = str) -> str:
    r"""Write plain text and references as one template.

    Args:
        parts: Plain text and references. No two texts stand together.
        quote: Quotes plain text for the syntax, if the template is written without further quoting.

    Returns:
        The template, without quotes around it.

    Example:
        >>> escape_template(["costs ${5}, ", Ref("var.name")])
        'costs $${5}, ${var.name}'
    """
    if len(parts) == 1 and isinstance(parts[0], str) and "{" not in parts[0]:
        return quote(parts[0])  # as most texts are
    parts = tuple(piece for part in parts for piece in _split_runs(part))
    # After a bare carriage return Terraform reads marks in another way, too.
    returns = any(isinstance(part, str) and "\r" in part and "{" in part for part in parts)
    if len(parts) == 1 and isinstance(parts[0], str) and not returns:
        return _escape(quote(parts[0]))
    if returns or any(isinstance(part, Ref) for part in parts):
        parts = tuple(piece for part in parts for piece in _split_returns(part, quote))
    else:
        parts = tuple(quote(part) if isinstance(part, str) else part for part in parts)
    written = ""
    for place, part in enumerate(parts):
        if isinstance(part, Ref):
            written += f"${{{part.expression}}}"
        else:
            escaped = _escape(part)
            written += escaped if place + 1 == len(parts) else _escape_end(escaped)
    return written


def _split_runs(part: str | Ref) -> Iterator[str | Ref]:
    """Yield text with runs of marks before an escaped mark as expressions: Terraform would pair these marks."""
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


def _escape(text: str) -> str:
    return text.replace("${", "$${").replace("%{", "%%{")


def _split_returns(part: str | Ref, quote: Callable[[str], str]) -> Iterator[str | Ref]:
    """Yield quoted text with carriage returns as expressions: Terraform reads no expressions after a bare one."""
    if isinstance(part, Ref):
        yield part
        return
    for place, text in enumerate(quote(part).split("\r")):
        if place:
            yield Ref(r'"\r"')
        if text:
            yield text


def _escape_end(escaped: str) -> str:
    """Return text before a reference, marks at its end as an expression: they would escape the reference's mark."""
    text = escaped.rstrip("$%")
    return f'{text}${{"{escaped[len(text) :]}"}}' if text != escaped else text
