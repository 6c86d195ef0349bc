"""The values that a target takes from an event: EventBridge names the path of each."""

from __future__ import annotations

import re
from typing import Any

import attrs

from laminar_codegen.ir.structs import Struct
from laminar_codegen.triggers.start_input import find_placeholders
from laminar_runtime.configurations.triggers import EXECUTION_ID, FromEvent, Placeholder

__all__ = ["PATH", "EventPaths"]

#: The paths that EventBridge reads, of at most 256 characters:
#: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
PATH = re.compile(r"(?=.{1,256}\Z)\$(?:\.[A-Za-z0-9_/-]+|\[[0-9]+\])+", re.ASCII)
#: The path of the name of an execution, which the starter makes its id from.
_EXECUTION = "$.detail.name"


@attrs.frozen(eq=False, repr=False)
class EventPaths(Struct):
    """The paths of an input transformer.

    Args:
        named: The paths by the names of their variables in the template.
    """

    named: dict[str, str]

    @classmethod
    def of(cls, value: Any) -> EventPaths:
        """Return the paths of the placeholders in a value, each once.

        Args:
            value: The value.
        """
        paths = dict.fromkeys(map(_path, find_placeholders(value)))
        return cls({f"value{number}": path for number, path in enumerate(paths, 1)})

    def write(self, placeholder: Placeholder) -> str:
        """Return a placeholder as it stands in the template: without quotes, so that its value is JSON.

        Args:
            placeholder: The placeholder.
        """
        path = _path(placeholder)
        return next(f"<{name}>" for name, own in self.named.items() if own == path)


def _path(placeholder: Placeholder) -> str:
    if isinstance(placeholder, FromEvent):
        return placeholder.text
    return _EXECUTION if placeholder == EXECUTION_ID else ""
