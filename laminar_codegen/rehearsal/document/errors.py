"""What is wrong with a document, and where."""

from __future__ import annotations

from laminar_runtime.exceptions import LaminarError

__all__ = ["DocumentError", "EvaluationError", "ExpressionError"]


class DocumentError(LaminarError):
    """A document that cannot be deployed, with each reason on a line of its own."""


class ExpressionError(Exception):
    """Text that is not an expression, or one that the rehearsal does not understand."""


class EvaluationError(Exception):
    """An expression without a value. Terraform's ``try`` and ``can`` catch it."""
