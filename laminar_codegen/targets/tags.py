"""The validation of variables that are values of tags."""

from __future__ import annotations

from laminar_codegen.ir.terraform import Validation

__all__ = ["validate_tag"]


def validate_tag(reference: str) -> Validation:
    """Return the validation of a variable that is the value of a tag.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_TagResource.html

    Args:
        reference: The reference to the variable.

    Example:
        >>> validate_tag("var.team").condition[-23:]
        'length(var.team) <= 256'
    """
    letters = r"[\\p{L}\\p{Z}\\p{N}_.:/=+@-]"
    return Validation(
        f'can(regex("^{letters}*$", {reference})) && length({reference}) <= 256',
        "A tag must have at most 256 letters, digits, spaces and characters of .:/=+-@_.",
    )
