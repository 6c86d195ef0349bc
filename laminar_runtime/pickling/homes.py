"""The modules that define flows, by which pickles name what such a module defines.

See `laminar_runtime.pickling.scopes` for the names.

A flow's file has another name in each process: ``__main__`` where it is the script, ``report`` where an application
imports it, ``main`` in a container. So what it defines is known as "``Point`` of the module that defines the flow",
the flow's home, and neither by a file nor by a module. docs/adr/0015-pickles-by-name.md says why.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from laminar_runtime.introspection import functions

if TYPE_CHECKING:
    from laminar_runtime.flow import Flow

__all__ = ["Home", "UnknownNameError", "define", "defines", "find_flow", "home_of", "made", "register"]

_MAIN = "__main__"


class UnknownNameError(LookupError):
    """A pickle names what the flow's module does not define here."""


class Home:
    """The module that defines a flow, as this process has it.

    Args:
        flow: The flow's class.
    """

    def __init__(self, flow: type[Flow]) -> None:
        self.flow = flow.__name__
        #: The module's name in this process.
        self.module = _module(flow)
        self._names = _names(flow, self.module)
        self._noted: dict[str, Any] | None = None
        self._places: dict[int, str] | None = None

    @property
    def file(self) -> str:
        """The module's file, for people."""
        return str(self._names.get("__file__", self.module))

    @property
    def standing(self) -> bool:
        """Whether other processes have the module too: one without a file, as of a notebook, is only here."""
        return "__file__" in self._names

    def note(self) -> None:
        """Note what the module defines by now: what comes below the flow's call is not there in its tasks."""
        if self._noted is None and self.standing:
            # What is no class or function is not held: it may be large, and the module may let it go.
            self._noted = {name: value if callable(value) else _LIVE for name, value in self._names.items()}
            self._places = None

    def own(self, key: str) -> Any:
        """Return an attribute that every module has, such as ``__file__``."""
        return self._names.get(key)

    def name_of(self, value: Any, said: str) -> str | None:
        """Return the name by which the module defines a class, a function, or another value that is pickled by name.

        Args:
            value: The value.
            said: The name that the value says it has, such as ``Point.Inner``.

        Returns:
            The name; None if this very value has none that other processes know.
        """
        if not self.standing:
            return None
        module = value.__module__
        if module == self.module:
            return said if self._find(said) is value else self._place(value)
        # dataclasses.make_dataclass says the module "types", and a module loaded by its path may not be found by name.
        return None if defines(module, said, value) else self._place(value) or self._part(module, said, value)

    def is_module(self, value: ModuleType) -> bool:
        """Whether a value is the module itself."""
        return vars(value) is self._names and sys.modules.get(self.module) is value

    def find(self, name: str) -> Any:
        """Return the value that the module defines under a name.

        Args:
            name: What `name_of` gave, here or elsewhere; empty for the module itself.

        Raises:
            UnknownNameError: If it defines nothing of that name.
        """
        found = self._find(name)
        if found is _NOTHING:
            what = f"the file of flow '{self.flow}' ({self.file}) defines no '{name}', which the artifact is made of"
            fix = f"If it was renamed, let the file say {name} = ... as well"
            raise UnknownNameError(f"{what}. {fix}; if it stands below the call of the flow, move it above")
        return found

    def beside(self, module: str) -> Iterator[str]:
        """Yield the names that a module beside the flow's file may have in this process, as it has not the one it had.

        Where the file is one of a package, that module is, too; where it is a script, neither is.

        Args:
            module: The name that the module had where the artifact was written.
        """
        from pathlib import Path

        package = self.own("__package__")
        parts = module.split(".")
        for place in range(len(parts)):
            path = Path(self.file).parent.joinpath(*parts[place:])
            name = ".".join((package, *parts[place:]) if package else parts[place:])
            if name != module and (path.with_suffix(".py").is_file() or path.is_dir()):
                yield name

    def dtype(self, kind: type) -> str:
        """Return the name of a type as archives have it: whoever writes, the flow's module is ``__main__`` there.

        Args:
            kind: The type.
        """
        return f"{_MAIN if kind.__module__ == self.module else kind.__module__}.{kind.__qualname__}"

    def local(self, dtype: str) -> str:
        """Return the name that a type has in this process.

        Args:
            dtype: Its name as archives have it.
        """
        return self.module + dtype.removeprefix(_MAIN) if dtype.startswith(f"{_MAIN}.") else dtype

    def _find(self, name: str) -> Any:
        if not name:
            return sys.modules.get(self.module, _NOTHING)
        first, *rest = name.split(".")
        found = _LIVE if self._noted is None else self._noted.get(first, _NOTHING)
        if found is _LIVE:
            found = self._names.get(first, _NOTHING)
        for part in rest:
            found = getattr(found, part, _NOTHING)
        return found

    def _place(self, value: Any) -> str | None:
        """Return a name that the module has for a value, whatever the value itself says that its name is."""
        places = self._places
        if places is None:
            places = {id(self._find(name)): name for name in reversed(self._known())}
            self._places = None if self._noted is None else places
        name = places.get(id(value))
        return name if name is not None and self._find(name) is value else None

    def _part(self, module: str, said: str, value: Any) -> str | None:
        """Return the name of what is defined by another module that this one has a name for."""
        for name in self._known():
            found = self._find(name)
            if isinstance(found, ModuleType) and found.__name__ == module and self._find(f"{name}.{said}") is value:
                return f"{name}.{said}"
        return None

    def _known(self) -> list[str]:
        return list(self._names if self._noted is None else self._noted)


_NOTHING: Any = object()
_LIVE: Any = object()


def _module(flow: type[Flow]) -> str:
    """Return the module that defines a flow: that of its class, unless all of its layers are registered elsewhere.

    Then it is the first module that registers a layer of its own: the class is only what layers meet at.
    """
    own, places = flow.__module__, _registered.get(flow, ())
    if any(own in place for place in places):
        return own
    return next((layer for layer, by in places if layer == by), own)


def _names(flow: type[Flow], module: str) -> dict[str, Any]:
    """Return the names of the module that defines a flow.

    The methods of its layers hold them. A module that was loaded by its path need not be in `sys.modules`, and another
    one may be there under its name.
    """
    for definition in flow.registry.values():
        if definition.layer.__module__ == module:
            for value in vars(definition.layer).values():
                plain = functions.unwrap(value) if isinstance(value, FunctionType) else None
                if isinstance(plain, FunctionType) and plain.__globals__.get("__name__") == module:
                    return plain.__globals__
    return vars(sys.modules[module]) if module in sys.modules else {}


def defines(module: str, name: str, value: Any) -> bool:
    """Whether a value is what a module that is loaded has under a name.

    Args:
        module: The module's name.
        name: The value's name in it.
        value: The value.
    """
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is value


_homes: weakref.WeakKeyDictionary[Any, Home] = weakref.WeakKeyDictionary()
#: Of each layer that is registered to a flow: its module, and the one that registers it.
_registered: weakref.WeakKeyDictionary[Any, list[tuple[str, str]]] = weakref.WeakKeyDictionary()
#: The classes of flows by name: of which an instance was made last, and which were defined last.
_made: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
_defined: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()


def home_of(flow: Any) -> Home:
    """Return the home of a flow, which is found once.

    Args:
        flow: The flow's class.
    """
    home = _homes.get(flow)
    if home is None:
        home = _homes[flow] = Home(flow)
    return home


def define(flow: Any) -> None:
    """Know a flow by its name, until an instance of another one of that name is made.

    Args:
        flow: The flow's class.
    """
    _defined[flow.__name__] = flow


def made(flow: Any) -> None:
    """Know a flow by its name, as an instance of it was made.

    Args:
        flow: The flow's class.
    """
    _made[flow.__name__] = flow


def find_flow(flow: str) -> Any:
    """Return the class of the flow of a name, None if there is none in this process.

    Args:
        flow: The flow's name.
    """
    found = _made.get(flow)
    return _defined.get(flow) if found is None else found


def register(flow: Any, layer: type, by: str) -> None:
    """Note which module registers a layer to a flow: the flow's home may be that one.

    Args:
        flow: The flow's class.
        layer: The layer's class.
        by: The module's name.
    """
    _registered.setdefault(flow, []).append((layer.__module__, by))
    _homes.pop(flow, None)
