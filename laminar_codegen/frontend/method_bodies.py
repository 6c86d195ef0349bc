"""The uses of attributes in the methods of layers, by their source text. No method is run.

Before::

    class Work(Layer):
        def __call__(self, seed: Seed) -> None:
            self.y = seed.xs * 10

After: ``Work`` assigns ``y``, and reads ``xs`` of ``Seed``.

A text does not show all: ``setattr``, or a function that gets ``self``, makes a body `opaque`. Nothing is certain about
its attributes then, and rules about them report nothing.
"""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

import attrs

from laminar_codegen.frontend.attribute_uses import Uses, uses_of
from laminar_codegen.ir.structs import Struct
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.hooks import annotation
from laminar_runtime.introspection.attributes import find, look_up
from laminar_runtime.types import resolve

__all__ = ["Body", "read_bodies"]

#: Methods of a class that handle all attributes: its text does not show the attributes.
_DYNAMIC = ("__getattr__", "__getattribute__", "__setattr__", "__delattr__")


@attrs.frozen(eq=False, repr=False)
class Body(Struct):
    """The uses of attributes in the methods of one layer.

    Args:
        call: The uses in ``__call__``, and in the methods that it uses.
        hooks: The uses in its hooks, and in those of its flow.
        known: The names of its class: methods, properties, class attributes.
    """

    call: Uses
    hooks: Uses
    known: frozenset[str]

    @property
    def opaque(self) -> bool:
        """Whether ``__call__`` may do more with attributes than its text shows."""
        return self.call.opaque

    @functools.cached_property
    def artifacts(self) -> frozenset[str]:
        """The names that ``__call__`` assigns or shards."""
        return frozenset(self.call.assigned) | frozenset(self.call.sharded)


def read_bodies(flow: Flow, shown: Callable[[str], str]) -> Mapping[str, Body]:
    """Read the bodies of all layers of a flow.

    Args:
        flow: The flow.
        shown: Returns the name of a file for messages.

    Returns:
        The body of each layer, by the layer's name. `Parameters` is not among them.
    """
    text = _Text(shown)
    return {
        name: _body(flow, definition.layer, definition.hooks, text)
        for name, definition in flow.registry.items()
        if name != Parameters.__name__
    }


def _body(flow: Flow, cls: type[Layer], hooks: Sequence[Callable[..., Any]], text: _Text) -> Body:
    reader = _Reader(flow, cls, text)
    dynamic = any(_defines(cls, name) for name in _DYNAMIC)
    called, hooked = reader.read([cls.__call__]), reader.read(hooks)
    called.opaque |= dynamic
    hooked.opaque |= dynamic
    return Body(called, hooked, frozenset(dir(cls)))


def _defines(cls: type[Layer], name: str) -> bool:
    """Return whether a class, or a base of it below `Layer`, defines a name itself: the runtime may add it as well."""
    owners = (base for base in cls.__mro__ if base not in Layer.__mro__)
    return any(name in vars(base) and vars(base)[name] is not look_up for base in owners)


@attrs.frozen(eq=False, repr=False)
class _Reader(Struct):
    """A reader of the methods of one layer, and of the methods of its class that they use."""

    flow: Flow
    cls: type[Layer]
    text: _Text

    def read(self, functions: Sequence[Callable[..., Any]]) -> Uses:
        """Return the uses of several methods together."""
        total, seen = Uses(), set[object]()
        todo: list[Any] = list(functions)
        while todo:
            function = todo.pop()
            if function in seen:
                continue
            seen.add(function)
            uses = self._uses(function, entry=function in functions)
            total.add(uses)
            for method in self._behind(uses):
                if isinstance(method, FunctionType):
                    todo.append(method)
                else:
                    total.opaque = True
            todo += [method for name in uses.supers for method in self._above(function, name)]
        return total

    def _uses(self, function: Callable[..., Any], *, entry: bool) -> Uses:
        if getattr(function, "__wrapped__", None) is not None or not isinstance(function, FunctionType):
            # A decorator's own function gets `self`, too.
            return Uses(opaque=True)
        node = self.text.function(function)
        if node is None:
            return Uses(opaque=True)
        hints = resolve(function, self.flow.classes) if entry else ()
        named = {hint.parameter: hint.layer for hint in hints if hint.layer}
        return uses_of(node, self.text.name(function), named, returns=entry and annotation.kind_of(function) is None)

    def _behind(self, uses: Uses) -> Iterator[object]:
        """Yield the code behind an attribute of the class: a function, or an object without a text."""
        for name in sorted(uses.methods):
            yield from _run(self._attribute(name), "__get__")
        for name in sorted(uses.assigned):
            yield from _run(self._attribute(name), "__set__")

    def _attribute(self, name: str) -> object:
        """Return the attribute of the class, or of one of its own bases."""
        known = find(self.cls, name)
        return None if known is None or known[0] in Layer.__mro__ else known[1]

    def _above(self, function: Callable[..., Any], name: str) -> Iterator[Callable[..., Any]]:
        """Yield the method that ``super()`` finds in a method."""
        order = self.cls.__mro__
        place = next((at for at, base in enumerate(order) if function in map(_first, vars(base).values())), len(order))
        for base in order[place + 1 :]:
            if name in vars(base):
                if base is not Layer:
                    yield from _functions(vars(base)[name])
                return


def _functions(value: object) -> Iterator[Callable[..., Any]]:
    """Yield the function behind an attribute of a class, if the call passes the instance."""
    match value:
        case FunctionType():
            yield value
        case property(fget=function) if function is not None:
            yield function
        case functools.cached_property(func=function):
            yield function
        case _:
            return


def _run(value: object, how: str) -> Iterator[object]:
    """Yield the code that runs when an attribute is read, ``__get__``, or assigned, ``__set__``."""
    match value:
        case staticmethod() | classmethod():
            return
        case property(fset=function) if how == "__set__":
            yield from [] if function is None else [function]
        case FunctionType() | property() | functools.cached_property():
            yield from _functions(value) if how == "__get__" else ()
        case _ if hasattr(type(value), how):
            yield value


def _first(value: object) -> object:
    return next(_functions(value), None)


@attrs.frozen(eq=False, repr=False)
class _Text(Struct):
    """The text of functions; each file is parsed once.

    Args:
        shown: Returns the name of a file for messages.
    """

    _shown: Callable[[str], str]
    _files: dict[str, dict[int, ast.FunctionDef]] = attrs.field(factory=dict, init=False)

    def name(self, function: FunctionType) -> str:
        """Return the file of a function, for messages."""
        return self._shown(function.__code__.co_filename)

    def function(self, function: FunctionType) -> ast.FunctionDef | None:
        """Return the text of a function, None if it has none, such as one made by ``exec``."""
        code = function.__code__
        if code.co_filename not in self._files:
            self._files[code.co_filename] = _definitions(code.co_filename)
        node = self._files[code.co_filename].get(code.co_firstlineno)
        return node if node is not None and node.name == code.co_name else None


def _definitions(file: str) -> dict[int, ast.FunctionDef]:
    """Return the functions of a file by their first line, which is the line of the first decorator."""
    linecache.checkcache(file)
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return {}
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {min([node.lineno, *(item.lineno for item in node.decorator_list)]): node for node in found}
