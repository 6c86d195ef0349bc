"""Layers: classes that users subclass, and whose instances run or are read."""

from __future__ import annotations

import copyreg
import functools
from _thread import get_ident
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from laminar_runtime import _records, stored_attributes, task_environment
from laminar_runtime.configurations.hooks import annotation
from laminar_runtime.configurations.layers import Configuration, State
from laminar_runtime.exceptions import AssignmentError, LayerError
from laminar_runtime.introspection import attributes
from laminar_runtime.introspection.attributes import RESERVED, quote
from laminar_runtime.pickling import scopes
from laminar_runtime.storage.archives import Archive, Artifact
from laminar_runtime.storage.commits import Record

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = [
    "RESERVED",
    "Definition",
    "Layer",
    "LayerRun",
    "Parameters",
    "sharded_items",
    "storage_name",
    "store_as",
]

#: Attributes that a layer gets from its execution. A pickle of a layer names the execution instead.
_OF_EXECUTION = frozenset({"configuration", "definition", "execution"})


@_records.define
class _Private:
    """The state of an instance besides its artifacts.

    Args:
        elements: For a split of a fan-out, the element of each attribute that it fans out over. The split reads it
            instead of the `Accessor`.
        loaded: The artifacts read so far.
        itself: Whether an entry hook of the layer reads it. It has not run, so there are no artifacts to read.
        absent: Names of attributes of the class under which no artifact is stored.
        sharded: The sequences that the running layer reads for its sharded attributes. Outside an execution they are
            lists of the items.
        archives: The archives of these, in an execution.
        assigned: The names that ``__call__`` has assigned, while it runs.
        raised: The errors of properties that Python drops before it calls ``__getattr__``, by thread and name.
        attempt: The token of the attempt that runs here.
        record: The layer's record, once it was read. A finished layer stays finished.
        storage_name: The name that its artifacts are stored under, if it is not the layer's name.
    """

    elements: dict[str, Artifact] = _records.field(factory=dict)
    loaded: dict[str, Any] = _records.field(factory=dict)
    itself: bool = False
    absent: set[str] = _records.field(factory=set)
    sharded: dict[str, Sequence[Any]] = _records.field(factory=dict)
    archives: dict[str, Archive] = _records.field(factory=dict)
    assigned: set[str] | None = None
    raised: dict[tuple[int, str], AttributeError] = _records.field(factory=dict)
    attempt: str = ""
    record: Record | None = None
    storage_name: str = ""


@_records.frozen
class Definition:
    """The registration of a layer to a flow.

    Args:
        flow: The flow's class.
        layer: The layer's class.
        given: The layer's configuration; None for the usual one.
        origin: The registration to a base of the flow that this one repeats; None for one of the flow's own.
    """

    flow: type[Any]
    layer: type[Layer]
    given: Configuration | None = None
    origin: Definition | None = None

    @functools.cached_property
    def configuration(self) -> Configuration:
        """The layer's configuration. The usual one is made on use: a task needs those of a few layers only."""
        if self.given is not None:
            return self.given
        return Configuration() if self.origin is None else self.origin.configuration

    def repeat(self, flow: type[Any]) -> Definition:
        """Return this registration for a flow whose base it belongs to.

        Args:
            flow: The flow's class.
        """
        return Definition(flow, self.layer, self.given, self.first)

    @property
    def first(self) -> Definition:
        """The registration that this one repeats, or itself."""
        return self if self.origin is None else self.origin

    @functools.cached_property
    def hooks(self) -> tuple[Callable[..., Any], ...]:
        """The hooks of the flow and of the layer, in the order of their calls.

        They are found on use: a task does not need the hooks of other layers.
        """
        return annotation.collect(self.flow, self.layer)


class Layer:
    """A step of a flow. Subclass it, define ``__call__`` and register the class to a flow.

    The attributes that ``__call__`` assigns to ``self`` are artifacts. The type hints of its parameters name the layers
    that it depends on. Their artifacts are their attributes, and hide attributes of the class with the same names. A
    layer cannot assign to the names of methods and of properties without a setter, or to reserved names.

    Args:
        **attributes: Attributes to set, for tests.

    Raises:
        AttributeError: If one of them is a property without a setter.

    Example:
        >>> class Hello(Layer):
        ...     def __call__(self) -> None:
        ...         self.message = "hello"
        >>> class World(Layer):
        ...     def __call__(self, hello: Hello) -> None:
        ...         self.sentence = f"{hello.message} world"
        >>> world = World()
        >>> world(Hello(message="good morning"))
        >>> world.sentence
        'good morning world'
    """

    __laminar_layer__: ClassVar[bool] = True

    #: The layer's configuration.
    configuration: Configuration
    #: The registration of the layer.
    definition: Definition
    #: The execution that the layer belongs to.
    execution: Execution
    #: The number of the running attempt, from 1.
    attempt: int | None = None
    #: The index of the running split, from 0.
    index: int | None = None
    #: The number of splits of the layer.
    splits: int | None = None

    def __init__(self, **attributes: Any) -> None:
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Keep the errors of properties, which ``__getattr__`` would hide. Keywords are passed to the bases."""
        super().__init_subclass__(**keywords)
        attributes.prepare(cls, read=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the layer's attributes and its execution, for example for a pool of processes.

        In an artifact, only the execution is pickled: the reader reads the attributes from its own datastore.
        """
        state = {name: value for name, value in vars(self).items() if name not in _OF_EXECUTION}
        execution = vars(self).get("execution")
        if execution is None:
            return copyreg.__newobj__, (type(self),), state  # type: ignore[attr-defined] # what pickle itself takes
        if scopes.within_artifact():
            # Without an attempt it is a layer that is read, not the running layer.
            state = {name: value for name, value in state.items() if name in RESERVED - {"attempt"}}
        known = _records.copy(self._private, loaded={}, absent=set(), assigned=None, raised={})
        return _restore, (execution, self.name), {**state, "_private": known}

    if TYPE_CHECKING:
        # Subclasses may take any layers: https://typing.python.org/en/latest/spec/callables.html
        def __call__(self, *dependencies: Any, **named: Any) -> None:
            """Do the layer's work. Subclasses define it."""

    else:

        def __call__(self) -> None:
            """Do the layer's work. Subclasses define it."""

    def __repr__(self) -> str:
        index = self.__dict__.get("index")
        return f"{self.name}()" if index is None else f"{self.name}(index={index}, splits={self.splits})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return self.name == other
        return isinstance(other, Layer) and type(self) is type(other)

    def __hash__(self) -> int:
        return hash(self.name)

    def __lt__(self, other: Layer | str) -> bool:
        return self.name < (other if isinstance(other, str) else other.name)

    @property
    def name(self) -> str:
        """The layer's name, that of its class."""
        return type(self).__name__

    @property
    def state(self) -> State:
        """The progress of the layer in its execution."""

        def is_finished() -> bool:
            return stored_attributes.read_record(self, read="state.finished") is not None

        def is_running() -> bool:
            task = task_environment.task()
            return (
                task is not None
                and (task.layer, task.execution) == (self.name, self.execution.id)
                and task.key.layer == storage_name(self)
            )

        def failures() -> tuple[int, ...]:
            record = stored_attributes.read_record(self, read="state.failed")
            return record.failed if record else ()

        return State(is_finished, is_running, failures)

    def shard(self, **artifacts: Iterable[Any]) -> None:
        """Store each item of an iterable separately: a split of a fan-out reads one item, other readers an `Accessor`.

        For type checkers, declare the type of one item, for example ``part: str``. Layers that read all items use
        `laminar_runtime.each`.

        Args:
            **artifacts: The iterables by attribute.

        Raises:
            AssignmentError: If a layer cannot have an artifact with this name.
            LayerError: If it is called outside of the layer's ``__call__``.

        Example:
            >>> class Split(Layer):
            ...     def __call__(self) -> None:
            ...         self.shard(part=["a", "b"], number=range(3))
        """
        private = self._private
        for name, items in artifacts.items():
            reason = attributes.refusal(type(self), name)
            if reason is None and attributes.has_setter(type(self), name):
                reason = "is a descriptor of the layer's class, for example a property"
            if reason is not None:
                what = f"layer '{self.name}' cannot shard an attribute of that name. Rename it"
                raise AssignmentError(f"{quote(name)} {reason}: {what}")
            if "execution" not in self.__dict__:
                private.sharded[name] = self.__dict__[name] = list(items)
                continue
            if private.assigned is None:
                raise LayerError(
                    f"layer '{self.name}' shards '{name}' outside of __call__: it would not be stored. "
                    "Call shard in __call__"
                )
            key, store, index = self.execution.key(self), self.execution.datastore, self.index or 0
            archive = store.write(key, index=index, name=name, values=items, sharded=True, attempt=private.attempt)
            private.archives[name] = archive
            private.sharded[name] = self.__dict__[name] = store.read(key.flow, archive)

    @property
    def _private(self) -> _Private:
        private: _Private = self.__dict__.setdefault("_private", _Private())
        return private

    def __setattr__(self, name: str, value: Any) -> None:
        """Record the names that ``__call__`` assigns. They are artifacts, even if a hook assigned the same value."""
        private = self.__dict__.get("_private")
        if private is not None and private.assigned is not None and name not in private.assigned:
            attributes.check_assignable(type(self), name)
            private.assigned.add(name)
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if "_private" in self.__dict__ and (error := self._private.raised.pop((get_ident(), name), None)) is not None:
            raise error
        if name.startswith("__"):
            raise AttributeError(name)
        if "execution" not in self.__dict__ or name in RESERVED:
            raise AttributeError(f"layer '{self.name}' has no attribute '{name}': it belongs to no execution")
        loaded = self._private.loaded
        if name not in loaded:
            loaded[name] = stored_attributes.read(self, name)
        return loaded[name]


#: A layer in an execution, as `Execution.layer` returns it: an instance of the layer's own class. Its artifacts are its
#: attributes, and its `state` says whether it finished. It has this name for code that reads layers of any flow.
LayerRun = Layer


def storage_name(layer: Layer) -> str:
    """Return the name that the artifacts of a layer instance are stored under.

    Args:
        layer: The layer.
    """
    # Pickles of earlier releases lack it.
    return vars(layer._private).get("storage_name") or layer.name  # noqa: SLF001 - one unit


def store_as(layer: Layer, name: str) -> Layer:
    """Store and read the artifacts of a layer instance under another name.

    Args:
        layer: A layer of an execution, before it runs or is read.
        name: The name. No layer of the flow may have it.

    Returns:
        The layer.
    """
    layer._private.storage_name = name  # noqa: SLF001 - one unit
    return layer


def sharded_items(layer: Layer, name: str) -> Sequence[Any] | None:
    """Return the items that a layer sharded under a name.

    Args:
        layer: The layer, running or made for a test.
        name: The attribute.

    Returns:
        The items; None if the layer did not shard the attribute, or assigned another value after that.
    """
    items = layer._private.sharded.get(name)  # noqa: SLF001 - one unit
    return items if items is not None and vars(layer).get(name) is items else None


def _restore(execution: Execution, name: str) -> Layer:
    """Return a layer of an execution. Pickles of layers call this function."""
    return execution.layer(name)


#: The name of `_restore` in pickles of earlier releases.
_restored = _restore


class Parameters(Layer):
    """The keyword arguments of a flow's call. Each flow has this layer, and any layer may depend on it.

    A subclass that is registered to a flow declares its parameters: each annotated attribute is one, with its type and
    its default. Calls, ``--param`` and inputs of the state machine are converted to these types, and checked. Layers
    name the subclass in their hints.

    Args:
        **attributes: The parameters, in a test or as the result of a linker.

    Example:
        >>> class Train(Layer):
        ...     def __call__(self, parameters: Parameters) -> None:
        ...         self.rate = parameters.rate

        >>> import datetime
        >>> from laminar_runtime import Flow
        >>> class Report(Flow): ...
        >>> @Report.register
        ... class Inputs(Parameters):
        ...     day: datetime.date
        ...     rows: int = 100
        >>> @Report.register
        ... class Load(Layer):
        ...     def __call__(self, inputs: Inputs) -> None:
        ...         self.month, self.rows = inputs.day.month, inputs.rows
        >>> from laminar_runtime.configurations import datastores, executors
        >>> flow = Report(datastore=datastores.Memory(), executor=executors.Thread())
        >>> loaded = flow(day="2026-01-31").layer(Load)
        >>> loaded.month, loaded.rows
        (1, 100)
    """

    #: The name of the layer: subclasses are stored and scheduled under it.
    __laminar_parameters__: ClassVar[str] = "Parameters"

    @property
    def name(self) -> str:
        """The layer's name, also if a subclass declares the parameters."""
        return Parameters.__name__

    @property
    def state(self) -> State:
        """The progress of the layer. It is finished from the start, even if the input was not read yet."""
        own = super().state
        return State(lambda: self.execution.take_input() or own.finished, lambda: own.running)
