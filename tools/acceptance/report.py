"""The report of an acceptance run, in Markdown. It has no names of the account: ids and ARNs are left out."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable

from laminar_runtime import __version__
from tools.acceptance.steps import Step

__all__ = ["render", "without_names"]

_ACCOUNT = re.compile(r"\b\d{12}\b")
_RESOURCE = re.compile(r"\b(vpc|subnet|sg|i|rtb|eni)-[0-9a-f]{8,17}\b")


def without_names(text: str) -> str:
    """Return a text without the ids of an account and its networks.

    Args:
        text: The text.

    Example:
        >>> without_names("arn:aws:states:eu-west-1:123456789012:stateMachine:x in vpc-0123456789abcdef0")
        'arn:aws:states:eu-west-1:ACCOUNT:stateMachine:x in vpc-ID'
    """
    return _RESOURCE.sub(r"\1-ID", _ACCOUNT.sub("ACCOUNT", text))


def render(kind: str, steps: Iterable[Step], terraform: str) -> str:
    """Return the report.

    Args:
        kind: The kind of the account: ``embedded`` or ``real``.
        steps: The steps.
        terraform: The version of Terraform, and of the provider.

    Example:
        >>> print(render("embedded", [Step("apply", 1.5, "passed", {"jobs": 2})], "1.11").split("steps", 1)[1])
        <BLANKLINE>
        <BLANKLINE>
        | step | seconds | outcome | measured |
        | --- | --- | --- | --- |
        | apply | 1.5 | passed | jobs 2 |
        <BLANKLINE>
    """
    head = [
        f"# Acceptance of laminar-terraform {__version__}, {kind} AWS",
        "",
        f"Python {platform.python_version()}, {platform.system()}; {terraform}",
        "",
        "## steps",
        "",
        "| step | seconds | outcome | measured |",
        "| --- | --- | --- | --- |",
    ]
    rows = [
        f"| {step.name} | {step.seconds:.1f} | {_cell(step.outcome)} | "
        f"{', '.join(f'{name} {value:g}' for name, value in step.measured.items())} |"
        for step in steps
    ]
    return without_names("\n".join([*head, *rows])) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")
