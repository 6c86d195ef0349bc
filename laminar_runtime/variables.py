"""Values that differ between environments: a name in the flow's file, and a value for each environment.

In the Terraform configuration of a flow each is a variable. On this machine the value is in the environment, under the
name by which Terraform reads it, too: one file of such variables serves both.
https://developer.hashicorp.com/terraform/cli/config/environment-variables#tf_var_name
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from laminar_runtime import _records
from laminar_runtime.exceptions import FlowError

__all__ = ["ListVariable", "Text", "Variable", "text_of", "texts_of"]

#: The prefix of the environment variables that have the values.
PREFIX = "TF_VAR_"
#: The names that Terraform accepts, and those that it keeps for itself:
#: https://developer.hashicorp.com/terraform/language/block/variable
_NAME = "[A-Za-z_][A-Za-z0-9_-]*"
_RESERVED = frozenset(
    {"count", "depends_on", "for_each", "lifecycle", "locals", "provider", "providers", "source", "version"}
)


def _check_name(_: object, __: _records.Field, value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch(_NAME, value):
        msg = (
            f"a Variable cannot have the name {value!r}: use letters, digits, underscores and hyphens, and no digit or "
            "hyphen at the beginning"
        )
        raise FlowError(msg)
    if value in _RESERVED:
        raise FlowError(f"a Variable cannot have the name {value!r}, which Terraform uses itself: choose another")


def _check_text(_: object, attribute: _records.Field, value: Any) -> None:
    wanted = "text or None" if attribute.name == "default" else "text"
    if not isinstance(value, str) and (value is not None or attribute.name != "default"):
        raise FlowError(f"the {attribute.name} of a Variable must be {wanted}, not {value!r}")


@_records.frozen
class Variable:
    """A text that differs between environments, such as dev and prod. Use it in the place of the text.

    In the Terraform configuration it is a variable of this name. On this machine its value is that of the environment
    variable ``TF_VAR_<name>``, or of ``laminar run --var``, else its default. A rehearsal has the options ``--var`` and
    ``--var-file``, too.
    If a flow uses a name several times, description and default must be the same each time.

    Args:
        name: Its name: letters, digits, underscores and hyphens.
        description: Its description, for those who deploy the flow.
        default: Its default. Without one each environment must give a value.

    Raises:
        FlowError: If Terraform does not accept the name, or an argument is not text.

    Example:
        >>> from laminar_runtime.configurations.layers import Container
        >>> Container(image=Variable("model_image", description="The image with the model.")).image.name
        'model_image'
    """

    name: str = _records.field(validator=_check_name)
    description: str = _records.field(default="", kw_only=True, validator=_check_text)
    default: str | None = _records.field(default=None, kw_only=True, validator=_check_text)

    def __format__(self, spec: str) -> str:
        """Refuse to be a part of a text: only the environment knows the value.

        Raises:
            FlowError: Always.
        """
        msg = (
            f"the Variable {self.name!r} cannot be a part of a text, because its value is not known here: use it for "
            "the whole text"
        )
        raise FlowError(msg)


def _check_list(_: object, __: _records.Field, value: Any) -> None:
    is_list = isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value)
    if value is not None and not is_list:
        raise FlowError(f"the default of a ListVariable must be a list of texts or None, not {value!r}")


def _to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@_records.frozen
class ListVariable:
    """A list of texts that differs between environments, such as the subnets of dev and prod.

    In the Terraform configuration it is a variable of this name with the type ``list(string)``. Flows use it where a
    whole list is expected: see `laminar_runtime.configurations.networks.Network`.

    Args:
        name: Its name: letters, digits, underscores and hyphens.
        description: Its description, for those who deploy the flow.
        default: Its default. Without one each environment must give a list.

    Raises:
        FlowError: If Terraform does not accept the name, the description is not text or the default no list of texts.

    Example:
        >>> ListVariable("subnet_ids", description="Private subnets.").name
        'subnet_ids'
    """

    name: str = _records.field(validator=_check_name)
    description: str = _records.field(default="", kw_only=True, validator=_check_text)
    default: Sequence[str] | None = _records.field(
        default=None, kw_only=True, converter=_to_tuple, validator=_check_list
    )


#: Text, or a variable that stands for it.
Text: TypeAlias = str | Variable


def text_of(value: Text, environment: Mapping[str, str] | None = None) -> str:
    """Return a text as it is on this machine.

    Args:
        value: The text, or a variable that stands for it.
        environment: The environment with the values of variables, None for that of this process.

    Raises:
        FlowError: If the variable has no value here.

    Example:
        >>> text_of(Variable("stage", default="dev"), {})
        'dev'
        >>> text_of(Variable("stage", default="dev"), {"TF_VAR_stage": "prod"})
        'prod'
    """
    if isinstance(value, str):
        return value
    found = (os.environ if environment is None else environment).get(f"{PREFIX}{value.name}", value.default)
    if found is None:
        msg = (
            f"the Variable {value.name!r} has no value on this machine: set the environment variable "
            f"{PREFIX}{value.name}, or give it a default: Variable({value.name!r}, default=...)"
        )
        raise FlowError(msg)
    return found


def texts_of(values: Mapping[str, Text], environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return texts as they are on this machine, by name.

    Args:
        values: The texts, or variables that stand for them.
        environment: The environment with the values of variables, None for that of this process.

    Raises:
        FlowError: If a variable has no value here. The message has all of these.
    """
    found, missing = {}, []
    for name, value in values.items():
        try:
            found[name] = text_of(value, environment)
        except FlowError as error:
            missing.append(str(error))
    if missing:
        raise FlowError("\n".join(missing))
    return found
