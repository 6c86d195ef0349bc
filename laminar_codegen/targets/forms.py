"""The forms of texts that AWS accepts in places where a flow may have a variable.

Before: what a container, or its target, has in a place. After: the validation of a variable there, with which a plan
fails and no job does; and the problem of a variable whose default would fail it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from laminar_codegen.ir.expressions import Input
from laminar_codegen.ir.graph import LayerNode
from laminar_codegen.ir.terraform import Validation
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM123

__all__ = ["TAG", "Form", "find_faults"]


@attrs.frozen(eq=False, repr=False)
class Form:
    """A form of a text.

    Args:
        condition: Returns the Terraform expression for whether a variable has it, given the reference.
        accepts: Returns whether a text has it.
        message: What a text must be, as a sentence.
    """

    condition: Callable[[str], str]
    accepts: Callable[[str], bool]
    message: str

    def validation(self, reference: str) -> Validation:
        """Return the validation of a variable.

        Args:
            reference: The reference to it.
        """
        return Validation(self.condition(reference), self.message)


#: The value of a tag: https://docs.aws.amazon.com/batch/latest/APIReference/API_TagResource.html
TAG = Form(
    lambda reference: (
        f'can(regex("^[\\\\p{{L}}\\\\p{{Z}}\\\\p{{N}}_.:/=+@-]*$", {reference})) && length({reference}) <= 256 '
        f'&& !can(regex("(?i)^aws:", {reference}))'
    ),
    lambda text: re.fullmatch(r"(?!(?i:aws:))[\w .:/=+@-]{0,256}", text) is not None,
    "A tag must have at most 256 letters, digits, spaces and characters of .:/=+-@_, and not begin with aws:.",
)


def find_faults(layer: LayerNode, places: Iterable[tuple[Any, Form]]) -> Iterator[Problem]:
    """Yield the problems of variables whose defaults AWS does not accept. The message does not show the default.

    Args:
        layer: The layer.
        places: What its container and its target have, each with its form.
    """
    for value, form in places:
        if isinstance(value, Input) and value.default is not None and not form.accepts(value.default):
            what = f"layer '{layer.name}' has the Variable '{value.variable.name}', whose default is not valid here"
            yield Problem(layer.location, LAM123, what, f"give it another one, or none. {form.message}")
