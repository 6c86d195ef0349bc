"""The homes of flows: the modules that define them. Pickles name classes and functions relative to a home.

See `laminar_runtime.pickling.scopes` for the names.

The module of a flow has another name in each process: ``__main__`` as a script, ``report`` if an application imports
it, ``main`` in a container. So its class ``Point`` is pickled as "``Point`` of the flow's home", without the name of a
file or a module. The reasons are in docs/adr/0015-pickles-by-name.md.
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

__all__ = ["Home", "UnknownNameError", "add_instance", "define", "defines", "find_flow", "home_of", "register"]

_MAIN = "__main__"


class UnknownNameError(LookupError):
    """A pickle contains a name that the flow's module does not define in this process."""


class Home:
    """The module that defines a flow, in this process.

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
        """The module's file, for messages."""
        return str(self._names.get("__file__", self.module))

    @property
    def standing(self) -> bool:
        """Whether other processes can load the module: it has a file. A notebook does not."""
        return "__file__" in self._names

    def note(self) -> None:
        """Record the names that the module defines so far: tasks do not run the code below the flow's call."""
        if self._noted is None and self.standing:
            # Other values than classes and functions are not kept: they may be large, and the module may drop them.
            self._noted = {name: value if callable(value) else _LIVE for name, value in self._names.items()}
            self._places = None

    def own(self, key: str) -> Any:
        """Return an attribute that every module has, for example ``__file__``."""
        return self._names.get(key)

    def name_of(self, value: Any, own_name: str) -> str | None:
        """Return the module's name for a class, a function, or another value that is pickled by name.

        Args:
            value: The value.
            own_name: The name that the value itself has, for example ``Point.Inner``.

        Returns:
            The name; None if other processes have no name for the value.
        """
        if not self.standing:
            return None
        module = value.__module__
        if module == self.module:
            return own_name if self._find(own_name) is value else self._find_name(value)
        # dataclasses.make_dataclass sets the module to "types", and a module loaded by path may not be found by name.
        if defines(module, own_name, value):
            return None
        return self._find_name(value) or self._find_qualified_name(module, own_name, value)

    def is_module(self, value: ModuleType) -> bool:
        """Return whether a value is the module itself."""
        return vars(value) is self._names and sys.modules.get(self.module) is value

    def find(self, name: str) -> Any:
        """Return the value that the module defines under a name.

        Args:
            name: The name that `name_of` returned, in this or another process; empty for the module itself.

        Raises:
            UnknownNameError: If the module does not define the name.
        """
        found = self._find(name)
        if found is _NOTHING:
            what = f"the file of flow '{self.flow}' ({self.file}) does not define '{name}', which the artifact needs"
            fix = f"If it was renamed, add {name} = ... to the file"
            raise UnknownNameError(f"{what}. {fix}; if it is below the call of the flow, move it above the call")
        return found

    def beside(self, module: str) -> Iterator[str]:
        """Yield the possible names of a module in the folder of the flow's file.

        A module may have another name in this process than in the process that wrote an artifact. If the file is part
        of a package here, the module is as well. If the file is a script, it is not.

        Args:
            module: The name of the module in the process that wrote the artifact.
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
        """Return the name of a type in archives. There, the flow's module is always named ``__main__``.

        Args:
            kind: The type.
        """
        return f"{_MAIN if kind.__module__ == self.module else kind.__module__}.{kind.__qualname__}"

    def local(self, dtype: str) -> str:
        """Return the name of a type in this process.

        Args:
            dtype: Its name in archives.
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

    def _find_name(self, value: Any) -> str | None:
        """Return a name that the module has for a value, which may differ from the value's own name."""
        places = self._places
        if places is None:
            places = {id(self._find(name)): name for name in reversed(self._known_names())}
            self._places = None if self._noted is None else places
        name = places.get(id(value))
        return name if name is not None and self._find(name) is value else None

    def _find_qualified_name(self, module: str, own_name: str, value: Any) -> str | None:
        """Return the name of a value of another module, qualified by this module's name for that module."""
        for name in self._known_names():
            found, qualified = self._find(name), f"{name}.{own_name}"
            if isinstance(found, ModuleType) and found.__name__ == module and self._find(qualified) is value:
                return qualified
        return None

    def _known_names(self) -> list[str]:
        return list(self._names if self._noted is None else self._noted)


_NOTHING: Any = object()
_LIVE: Any = object()


def _module(flow: type[Flow]) -> str:
    """Return the module that defines a flow: that of its class, unless all of its layers are registered elsewhere.

    Otherwise it is the first module that registers one of its own layers.
    """
    own, places = flow.__module__, _registered.get(flow, ())
    if any(own in place for place in places):
        return own
    return next((layer for layer, by in places if layer == by), own)


def _names(flow: type[Flow], module: str) -> dict[str, Any]:
    """Return the globals of the module that defines a flow.

    They are taken from the methods of its layers: a module that was loaded by path may be missing in `sys.modules`, and
    another module may have its name there.
    """
    for definition in flow.registry.values():
        if definition.layer.__module__ == module:
            for value in vars(definition.layer).values():
                plain = functions.unwrap(value) if isinstance(value, FunctionType) else None
                if isinstance(plain, FunctionType) and plain.__globals__.get("__name__") == module:
                    return plain.__globals__
    return vars(sys.modules[module]) if module in sys.modules else {}


def defines(module: str, name: str, value: Any) -> bool:
    """Return whether a loaded module has a value under a name.

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
#: For each flow, the module of each of its layers and the module that registers the layer.
_registered: weakref.WeakKeyDictionary[Any, list[tuple[str, str]]] = weakref.WeakKeyDictionary()
#: The classes of flows by name: those with the latest instance, and those with the latest definition.
_made: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
_defined: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()


def home_of(flow: Any) -> Home:
    """Return the home of a flow. It is found once.

    Args:
        flow: The flow's class.
    """
    home = _homes.get(flow)
    if home is None:
        home = _homes[flow] = Home(flow)
    return home


def define(flow: Any) -> None:
    """Register the name of a flow, until another flow of the same name has an instance.

    Args:
        flow: The flow's class.
    """
    _defined[flow.__name__] = flow


def add_instance(flow: Any) -> None:
    """Register the name of a flow that has a new instance.

    Args:
        flow: The flow's class.
    """
    _made[flow.__name__] = flow


def find_flow(flow: str) -> Any:
    """Return the class of the flow with a name; None if this process does not define it.

    Args:
        flow: The flow's name.
    """
    found = _made.get(flow)
    return _defined.get(flow) if found is None else found


def register(flow: Any, layer: type, by: str) -> None:
    """Record the module that registers a layer to a flow: it may be the flow's home.

    Args:
        flow: The flow's class.
        layer: The layer's class.
        by: The module's name.
    """
    _registered.setdefault(flow, []).append((layer.__module__, by))
    _homes.pop(flow, None)
