"""The uses of attributes in one method, by its syntax tree: those of its layer, and of layers that it depends on."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator, Mapping

import attrs

from laminar_codegen.frontend.bound_names import bound_names
from laminar_codegen.ir.structs import Struct
from laminar_codegen.problems import Location

__all__ = ["Access", "Uses", "uses_of"]

#: Functions that only read an instance that they get.
_LOOKING = frozenset({"getattr", "hasattr", "id", "isinstance", "print", "repr", "str", "type"})
#: Functions that use an attribute of a fan-out as a sequence.
_TAKING = frozenset(
    {"all", "any", "dict", "enumerate", "filter", "frozenset", "iter", "len", "list", "map", "max", "min"}
) | frozenset({"next", "reversed", "set", "sorted", "sum", "tuple", "zip"})
#: Errors that an absent attribute raises, and their bases.
_ABSENT = frozenset({"AttributeError", "UnsetError", "ExecutionError", "LaminarError", "Exception", "BaseException"})


@attrs.frozen(eq=False, repr=False)
class Access(Struct):
    """One use of an attribute of a layer that the method depends on.

    Args:
        parameter: The parameter of the method that holds the layer.
        layer: The layer's name.
        attribute: The attribute.
        location: Where it is.
    """

    parameter: str
    layer: str
    attribute: str
    location: Location


@attrs.define
class Uses:
    """The uses of attributes in methods.

    Args:
        opaque: Whether they may do more than their text shows.
        assigned: The attributes of ``self`` that are assigned, each with its first place.
        sharded: Those that ``self.shard`` stores, likewise.
        own: The attributes of ``self`` that are read, likewise.
        reads: The attributes of dependencies that are read, without reads that handle an absent attribute.
        sequences: Those that are iterated, indexed or measured.
        writes: Those that are assigned.
        returned: The places that return a value.
        methods: The attributes of ``self`` that may be methods.
        supers: The methods that are called on ``super()``.
        container: The fields of ``self.configuration.container`` that are assigned, likewise, or whose items are.
    """

    opaque: bool = False
    assigned: dict[str, Location] = attrs.field(factory=dict)
    sharded: dict[str, Location] = attrs.field(factory=dict)
    own: dict[str, Location] = attrs.field(factory=dict)
    reads: list[Access] = attrs.field(factory=list)
    sequences: list[Access] = attrs.field(factory=list)
    writes: list[Access] = attrs.field(factory=list)
    returned: list[Location] = attrs.field(factory=list)
    methods: set[str] = attrs.field(factory=set)
    supers: set[str] = attrs.field(factory=set)
    container: dict[str, Location] = attrs.field(factory=dict)

    def add(self, other: Uses) -> None:
        """Add the uses in another method.

        Args:
            other: Those uses.
        """
        self.opaque |= other.opaque
        for mine, its in (
            (self.assigned, other.assigned),
            (self.sharded, other.sharded),
            (self.own, other.own),
            (self.container, other.container),
        ):
            for name, place in its.items():
                mine.setdefault(name, place)
        self.reads += other.reads
        self.sequences += other.sequences
        self.writes += other.writes
        self.returned += other.returned
        self.methods |= other.methods
        self.supers |= other.supers


def uses_of(function: ast.FunctionDef, file: str, layers: Mapping[str, str], *, returns: bool) -> Uses:
    """Read one method.

    Args:
        function: The method.
        file: The file that it is in, for messages.
        layers: The layers of its parameters, by parameter.
        returns: Whether its returned values are noted.
    """
    arguments = [*function.args.posonlyargs, *function.args.args]
    if not arguments:
        return Uses(opaque=True)
    bound = bound_names(function)
    if arguments[0].arg in bound:
        return Uses(opaque=True)
    layers = {name: layer for name, layer in layers.items() if name not in bound}
    reader = _Reader(arguments[0].arg, file, layers, returns=returns)
    for statement in function.body:
        reader.visit(statement)
    return reader.result()


class _Reader(ast.NodeVisitor):
    """A visitor of the body of a method.

    Args:
        own: The name of its first parameter, most often ``self``.
        file: The file of the method.
        layers: The layers of its parameters, by parameter.
        returns: Whether returned values are noted.
    """

    def __init__(self, own: str, file: str, layers: dict[str, str], *, returns: bool) -> None:
        self.found = Uses()
        self._file = file
        self._own, self._layers, self._returns = own, layers, returns
        self._handled = 0
        self._probed: set[str] = set()

    def result(self) -> Uses:
        """Return the uses, without the attributes that the method checks for before it reads them."""
        self.found.reads[:] = [use for use in self.found.reads if use.attribute not in self._probed]
        self.found.own = {name: place for name, place in self.found.own.items() if name not in self._probed}
        return self.found

    def _place(self, node: ast.expr | ast.stmt) -> Location:
        return Location(self._file, node.lineno)

    # Names and attributes.

    def visit_Name(self, node: ast.Name) -> None:
        """Visit a name that stands alone: `self` goes where the analysis does not follow."""
        if node.id == self._own or node.id in {"eval", "exec"}:
            self.found.opaque = True

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Visit an attribute of `self`, of a dependency, of ``super()``, or of something else."""
        match node.value:
            case ast.Name(id=name) if name == self._own:
                self._of_self(node)
            case ast.Name(id=name) if name in self._layers:
                self._of_dependency(node, name)
            case ast.Call(func=ast.Name(id="super"), args=[]):
                self.found.supers.add(node.attr)
            case ast.Attribute() if not isinstance(node.ctx, ast.Load):
                self._of_container(node)
                self.generic_visit(node)
            case _:
                self.generic_visit(node)

    def _of_self(self, node: ast.Attribute) -> None:
        if node.attr.startswith("__") or node.attr == "shard":
            self.found.opaque = True
        elif isinstance(node.ctx, ast.Load):
            self.found.methods.add(node.attr)
            if not self._handled:
                self.found.own.setdefault(node.attr, self._place(node))
        else:
            self.found.assigned.setdefault(node.attr, self._place(node))

    def _of_dependency(self, node: ast.Attribute, parameter: str) -> None:
        access = Access(parameter, self._layers[parameter], node.attr, self._place(node))
        if not isinstance(node.ctx, ast.Load):
            self.found.writes.append(access)
        elif not self._handled:
            self.found.reads.append(access)

    def _of_container(self, node: ast.expr) -> None:
        of = f"{self._own}.configuration.container"
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == of:
            self.found.container.setdefault(node.attr, self._place(node))

    # Where a sequence is expected.

    def _sequence(self, node: ast.expr) -> None:
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in self._layers:
                self.found.sequences.append(Access(name, self._layers[name], attribute, self._place(node)))
            case _:
                pass

    def visit_For(self, node: ast.For) -> None:
        """Visit a loop."""
        self._sequence(node.iter)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        """Visit a loop of a comprehension."""
        self._sequence(node.iter)
        self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        """Visit an unpacked sequence."""
        self._sequence(node.value)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Visit an index, or a slice."""
        self._sequence(node.value)
        if not isinstance(node.ctx, ast.Load):
            self._of_container(node.value)
        self.generic_visit(node)

    # Calls.

    def visit_Call(self, node: ast.Call) -> None:
        """Visit a call: ``self.shard`` stores, some functions only look, and some accept sequences."""
        match node.func:
            case ast.Attribute(value=ast.Name(id=name), attr="shard") if name == self._own:
                self._shard(node)
                return
            case ast.Name(id=name) if name in _LOOKING:
                self._look(node)
                return
            case ast.Name(id="each") | ast.Attribute(attr="each"):
                self._each(node)
            case ast.Name(id=name) if name in _TAKING:
                for argument in node.args:
                    self._sequence(argument)
            case _:
                pass
        self.generic_visit(node)

    def _shard(self, node: ast.Call) -> None:
        for keyword in node.keywords:
            if keyword.arg is None:
                self.found.opaque = True
            else:
                self.found.sharded.setdefault(keyword.arg, self._place(node))
            self.visit(keyword.value)

    def _look(self, node: ast.Call) -> None:
        match node.args:
            case [_, ast.Constant(value=str() as name), *_]:
                self._probed.add(name)
            case _:
                pass
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if not (isinstance(argument, ast.Name) and argument.id == self._own):
                self.visit(argument)

    def _each(self, node: ast.Call) -> None:
        match node.args:
            case [ast.Name(id=name), ast.Lambda(body=ast.Attribute(value=ast.Name(), attr=attribute))]:
                if name in self._layers and not self._handled:
                    self.found.reads.append(Access(name, self._layers[name], attribute, self._place(node)))
            case _:
                pass

    # Statements.

    def visit_Return(self, node: ast.Return) -> None:
        """Visit a returned value, which is None for a method without one."""
        nothing = node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)
        if self._returns and not nothing:
            self.found.returned.append(self._place(node))
        self.generic_visit(node)

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        """Visit a block that may handle a missing attribute."""
        handled = any(handler.type is None or _names(handler.type) & _ABSENT for handler in node.handlers)
        with self._handling(handled):
            for statement in node.body:
                self.visit(statement)
        for other in [*node.handlers, *node.orelse, *node.finalbody]:
            self.visit(other)

    visit_TryStar = visit_Try  # noqa: N815 - the name of the node

    def visit_With(self, node: ast.With) -> None:
        """Visit a block that may handle a missing attribute by ``contextlib.suppress``."""
        for item in node.items:
            self.visit(item)
        with self._handling(any("suppress" in _names(item.context_expr) for item in node.items)):
            for statement in node.body:
                self.visit(statement)

    @contextlib.contextmanager
    def _handling(self, handled: bool) -> Iterator[None]:  # noqa: FBT001 - one flag, named by the method
        self._handled += handled
        try:
            yield
        finally:
            self._handled -= handled

    # Functions within the method: what they return is theirs, and their parameters hide names.

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Visit a function within the method."""
        self._within(node, node.args)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """Visit an asynchronous function within the method."""
        self._within(node, node.args)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Visit a lambda."""
        self._within(node, node.args)

    def _within(self, node: ast.AST, arguments: ast.arguments) -> None:
        given = {item.arg for item in ast.walk(arguments) if isinstance(item, ast.arg)}
        own, layers, returns = self._own, self._layers, self._returns
        self._own = "" if own in given else own
        self._layers = {name: layer for name, layer in layers.items() if name not in given}
        self._returns = False
        self.generic_visit(node)
        self._own, self._layers, self._returns = own, layers, returns


def _names(node: ast.expr) -> set[str]:
    """Return the names in an expression, and those in its attributes."""
    inner = list(ast.walk(node))
    return {item.id for item in inner if isinstance(item, ast.Name)} | {
        item.attr for item in inner if isinstance(item, ast.Attribute)
    }
