"""Terraform expressions with values in them, in the layout of ``terraform fmt``."""

from __future__ import annotations

from laminar_codegen.ir.expressions import Ref, Value
from laminar_codegen.render.hcl_values import STEP, write_expression

__all__ = ["call", "choose", "if_given"]


def call(function: str, *arguments: Value) -> Ref:
    """Return the call of a function: on one line, unless several arguments or a part have lines of their own.

    Args:
        function: The name of the function.
        *arguments: The arguments.

    Example:
        >>> print(call("merge", {"a": 1}, Ref("var.more")).expression)
        merge(
          {
            a = 1
          },
          var.more,
        )
        >>> print(call("jsonencode", {"a": 1}).expression)
        jsonencode({
          a = 1
        })
    """
    if len(arguments) == 1:
        return Ref(f"{function}({write_expression(arguments[0])})")
    lines = "".join(f"{STEP}{write_expression(argument, STEP)},\n" for argument in arguments)
    return Ref(f"{function}(\n{lines})")


def choose(condition: str, then: Value, otherwise: Value) -> Ref:
    """Return a conditional expression.

    Args:
        condition: The condition.
        then: The value if it holds.
        otherwise: The value if it does not.

    Example:
        >>> choose("var.on", {}, Ref("local.off")).expression
        'var.on ? {} : local.off'
    """
    return Ref(f"{condition} ? {write_expression(then)} : {write_expression(otherwise)}")


def if_given(nullable: str, members: Value) -> Ref:
    """Return an object that is empty if something is null.

    Args:
        nullable: The expression that may be null.
        members: The object if it is not.

    Example:
        >>> if_given("var.schedule", Ref("local.more")).expression
        'merge([for _ in var.schedule[*] : local.more]...)'
    """
    return Ref(f"merge([for _ in {nullable}[*] : {write_expression(members)}]...)")
