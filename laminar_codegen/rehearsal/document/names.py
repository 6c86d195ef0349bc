"""What stands before the dots of references, and is found when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_codegen.rehearsal.document.configuration import Block
from laminar_codegen.rehearsal.document.errors import EvaluationError
from laminar_codegen.rehearsal.document.kinds import Account

__all__ = ["Labels", "Unrehearsed"]


class Unrehearsed:
    """A resource that is not made. Its attributes are made up, so that what refers to it can be evaluated.

    Args:
        block: What declares it.
        account: The account that it would be in.
        arguments: Its arguments, evaluated.
    """

    def __init__(self, block: Block, account: Account, arguments: Mapping[str, Any]) -> None:
        self._type, self._label = block.labels
        self._account = account
        self._arguments = arguments

    def attribute(self, name: str) -> Any:
        """Return an attribute.

        Args:
            name: Its name.
        """
        if name in self._arguments:
            return self._arguments[name]
        if name.endswith("arn"):
            return self._account.arn("rehearsal", f"{self._type}/{self._label}")
        return f"{self._type}-{self._label}-{name}".replace("_", "-")


class Labels:
    """What stands before a dot: the labels behind it are found among the values of blocks.

    Args:
        values: The values, by how expressions refer to the blocks.
        *path: The words before the dot.
    """

    def __init__(self, values: Mapping[tuple[str, ...], Any], *path: str) -> None:
        self._values = values
        self._path = path

    def attribute(self, name: str) -> Any:
        """Return what a label stands for.

        Args:
            name: The label.

        Raises:
            EvaluationError: If it stands for nothing.
        """
        path = (*self._path, name)
        if path in self._values:
            return self._values[path]
        if self._path == ("data",):
            return Labels(self._values, *path)
        raise EvaluationError(f"{'.'.join(path)} has no value")
