"""Refuses variables of flows that the document cannot declare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.inputs import Use, uses_of
from laminar_codegen.lower_terraform.variables import own_variables
from laminar_codegen.problems import CompileError, Problem
from laminar_codegen.problems.rules import LAM080, LAM081

__all__ = ["check_variables"]


def check_variables(deployment: Deployment) -> None:
    """Refuse variables of one name that differ, and those with the name of a variable of the document.

    Args:
        deployment: The deployment.

    Raises:
        CompileError: With all of them.
    """
    uses = uses_of(deployment.graphs)
    if not uses:
        return
    problems = [*_different(uses), *_colliding(uses, deployment)]
    if problems:
        raise CompileError(problems)


def _different(uses: Sequence[Use]) -> Iterator[Problem]:
    first: dict[str, Use] = {}
    for use in uses:
        other = first.setdefault(use.variable.name, use)
        if use.variable != other.variable:
            what = (
                f"{use.who} has {use.variable!r}, and {other.who} ({other.location}) has {other.variable!r}: one name, "
                "and different descriptions or defaults"
            )
            yield Problem(use.location, LAM080, what, "make one Variable, and use it in both places")


def _colliding(uses: Sequence[Use], deployment: Deployment) -> Iterator[Problem]:
    own = {variable.name for variable in own_variables(deployment)}
    first = {use.variable.name: use for use in reversed(uses)}
    for name, use in first.items():
        if name in own:
            what = f"{use.who} has the Variable '{name}', and the document has a variable of this name itself"
            yield Problem(use.location, LAM081, what, "choose another name")
