"""When two Terraform values of one type are the same value."""

from __future__ import annotations

from typing import Any

from tools.terraform_standin.text_equality import TextEquality
from tools.terraform_standin.values import has_unknown


def equal(left: Any, right: Any, type_: Any, same: TextEquality | None = None) -> bool:
    """Compare by type: sets without order, JSON by meaning; an unknown equals nothing known."""
    if left == right:
        return True
    if has_unknown(left) or has_unknown(right) or left is None or right is None:
        return False
    if same is not None:
        return same(left, right)
    if isinstance(type_, list) and type_[0] == "set":
        return sorted(map(repr, left)) == sorted(map(repr, right))
    return False


def is_zero(value: object) -> bool:
    """Return whether a value is AWS's answer for an unset argument: null, empty, false or zero."""
    return value in (None, "", False, 0, [], {})
