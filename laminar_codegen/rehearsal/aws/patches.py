"""Changes to moto that can be undone.

moto is corrected from outside (see `step_functions`, `batch_api` and `functions`). Every change goes through one
`Patches`, so that moto is unchanged after the embedded AWS ends.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, MutableMapping
from typing import Any

_ABSENT = object()


class Patches:
    """An undo list of replaced attributes and items."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def attribute(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute of a class or module."""
        before = vars(owner).get(name, _ABSENT)
        setattr(owner, name, value)
        self._undo.append(lambda: delattr(owner, name) if before is _ABSENT else setattr(owner, name, before))

    def item(self, mapping: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        """Set an item of a mapping."""
        before: Any = mapping.get(key, _ABSENT)
        mapping[key] = value

        def restore() -> None:
            if before is _ABSENT:
                del mapping[key]
            else:
                mapping[key] = before

        self._undo.append(restore)

    def imported_name(self, package: str, name: str, value: Any) -> None:
        """Replace a function in its module and wherever the package imported it by name."""
        modules = [
            module
            for module_name, module in sys.modules.copy().items()
            if module_name.startswith(package) and name in vars(module)
        ]
        for module in modules:
            self.attribute(module, name, value)

    def undo(self) -> None:
        """Undo all changes, the last one first."""
        while self._undo:
            self._undo.pop()()
