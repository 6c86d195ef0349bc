"""Layers: what users subclass, and what a run makes instances of."""

from __future__ import annotations

import copyreg
import functools
from collections.abc import Callable, Iterable, Sequence
from threading import get_ident
from typing import TYPE_CHECKING, Any, ClassVar

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations.hooks import annotation
from laminar_runtime.configurations.layers import Configuration, State
from laminar_runtime.exceptions import AssignmentError, ExecutionError, LayerError, MissingError, UnsetError
from laminar_runtime.introspection import attributes
from laminar_runtime.introspection.attributes import RESERVED, quote
from laminar_runtime.pickling import scopes
from laminar_runtime.splits import fanout
from laminar_runtime.storage.archives import Archive, Artifact
from laminar_runtime.storage.commits import Record

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = ["RESERVED", "Definition", "Layer", "Parameters", "absent", "sharded", "storage_name", "store_as"]

#: What a layer has of its execution: a pickle of it names the execution.
_OF_EXECUTION = frozenset({"configuration", "definition", "execution"})


@_records.define
class _Private:
    """What an instance knows besides its artifacts.

    Args:
        elements: For a split of a fan-out: the artifact that it sees under a name, in place of the `Accessor`.
        loaded: The values read so far.
        itself: Whether it is asked before it runs, by an entry hook: there is nothing to read yet.
        absent: What is known not to be stored, of names that the class has attributes of.
        sharded: What the running layer sharded, as it reads it back; outside an execution the lists of items.
        archives: Their archives, of a layer of an execution.
        assigned: While ``__call__`` runs: the names that it assigned.
        raised: The errors of properties that are on their way, by thread and name.
        attempt: The token of the attempt that runs here.
        record: The layer's record, once it was read: a layer that finished stays so.
        storage_name: The name that its artifacts are stored under, if it is not the layer's.
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
    """A layer as it is registered to a flow.

    Args:
        flow: The flow's class.
        layer: Its class.
        configuration: How it runs.
    """

    flow: type[Any]
    layer: type[Layer]
    configuration: Configuration

    @functools.cached_property
    def hooks(self) -> tuple[Callable[..., Any], ...]:
        """The flow's and the layer's hooks, in the order in which they are called.

        They are looked for when they are asked for: a task has no use for those of other layers.
        """
        return annotation.collect(self.flow, self.layer)


class Layer:
    """One step of a flow. Subclass it, define ``__call__`` and register the class to a flow.

    What ``__call__`` assigns to ``self`` is an artifact. Its parameters, by their type hints, are the layers that it
    depends on; their artifacts are their attributes, whatever the layer's class has under the same names. It cannot
    assign to names of methods, of properties without a setter, or to those that all layers have.

    Args:
        **attributes: Attributes to set, for tests.

    Raises:
        AttributeError: If the class computes one of them, and takes no value for it.

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

    #: How the layer runs.
    configuration: Configuration
    #: The layer as registered.
    definition: Definition
    #: The execution that the layer belongs to.
    execution: Execution
    #: The attempt that runs here, from 1.
    attempt: int | None = None
    #: The split that runs here, from 0.
    index: int | None = None
    #: The number of splits of the layer.
    splits: int | None = None

    def __init__(self, **attributes: Any) -> None:
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Have errors of properties be reported as they are; keywords of the class are for bases that take them."""
        super().__init_subclass__(**keywords)
        attributes.prepare(cls, read=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the layer, as for a pool of processes: what is assigned to it, and which execution it is of.

        As an artifact it is only the second: its attributes are read from the datastore of whoever reads it.
        """
        state = {name: value for name, value in vars(self).items() if name not in _OF_EXECUTION}
        execution = vars(self).get("execution")
        if execution is None:
            return copyreg.__newobj__, (type(self),), state  # type: ignore[attr-defined] # what pickle itself takes
        if scopes.within_artifact():
            # Without its attempt it is not taken for the layer that runs.
            state = {name: value for name, value in state.items() if name in RESERVED - {"attempt"}}
        known = _records.copy(self._private, loaded={}, absent=set(), assigned=None, raised={})
        return _restored, (execution, self.name), {**state, "_private": known}

    if TYPE_CHECKING:
        # Subclasses take what layers they like: https://typing.python.org/en/latest/spec/callables.html
        def __call__(self, *dependencies: Any, **named: Any) -> None:
            """Do the layer's work; a subclass defines it."""

    else:

        def __call__(self) -> None:
            """Do the layer's work; a subclass defines it."""

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
        """How far the layer is in its execution."""

        def finished() -> bool:
            return _record(self, read="state.finished") is not None

        def running() -> bool:
            task = task_environment.task()
            return task is not None and (task.layer, task.execution) == (self.name, self.execution.id)

        return State(finished, running)

    def shard(self, **artifacts: Iterable[Any]) -> None:
        """Store each item of an iterable on its own, so that a fan-out sees one and readers get an `Accessor`.

        To type checkers the attribute is what its declaration says: declare what a split sees, as in ``part: str``, and
        have readers of all items use `laminar_runtime.each`.

        Args:
            **artifacts: The iterables by attribute.

        Raises:
            AssignmentError: If a layer cannot have an artifact of that name.
            LayerError: If it is not the layer's ``__call__`` that shards.

        Example:
            >>> class Split(Layer):
            ...     def __call__(self) -> None:
            ...         self.shard(part=["a", "b"], number=range(3))
        """
        private = self._private
        for name, items in artifacts.items():
            reason = attributes.refusal(type(self), name)
            if reason is None and attributes.has_setter(type(self), name):
                reason = "is computed by the layer's class, which takes what is assigned to it"
            if reason is not None:
                what = f"layer '{self.name}' cannot shard an attribute of that name"
                raise AssignmentError(f"{quote(name)} {reason}: {what}")
            if "execution" not in self.__dict__:
                private.sharded[name] = self.__dict__[name] = list(items)
                continue
            if private.assigned is None:
                raise LayerError(f"layer '{self.name}' shards '{name}' outside of __call__: it would not be stored")
            key, store, index = self.execution.key(self), self.execution.datastore, self.index or 0
            archive = store.write(key, index=index, name=name, values=items, sharded=True, attempt=private.attempt)
            private.archives[name] = archive
            private.sharded[name] = self.__dict__[name] = store.read(key.flow, archive)

    @property
    def _private(self) -> _Private:
        private: _Private = self.__dict__.setdefault("_private", _Private())
        return private

    def __setattr__(self, name: str, value: Any) -> None:
        """Note what ``__call__`` assigns: that is an artifact, also if it is an object that a hook had assigned."""
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
            loaded[name] = _load(self, name)
        return loaded[name]


def _load(layer: Layer, name: str) -> Any:
    """Read an attribute of a layer of an execution."""
    private, execution, store = layer._private, layer.execution, layer.execution.datastore  # noqa: SLF001 - one unit
    if name in private.elements:
        return store.read_artifact(execution.flow_name, private.elements[name])
    key = execution.key(layer, read=name)
    if layer.index is not None and layer.state.running:
        raise UnsetError(f"layer '{layer.name}' has no attribute '{name}': it has not assigned it")
    try:
        archive = _archive(layer, name)
    except (ExecutionError, MissingError) as error:
        raise absent(layer, name, error) from None  # it says all that a reader needs
    return store.read(key.flow, archive)


def _archive(layer: Layer, name: str) -> Archive:
    try:
        return _stored(layer, name)
    except MissingError:
        if not (isinstance(layer, Parameters) and layer.execution.take_input()):
            raise
        return _stored(layer, name)


def _stored(layer: Layer, name: str) -> Archive:
    key, store, record = layer.execution.key(layer), layer.execution.datastore, _record(layer)
    if record is not None:
        return store.ledger.read_whole(key, record=record, index=layer.index, name=name)
    if layer.index is None and layer.configuration.foreach:
        return fanout.archive_of(store, key, name, index=None)
    index = layer.index or 0
    commit = store.ledger.read_split(key, index=index)
    if commit is not None:
        return store.ledger.read_committed(key, index=index, name=name, commit=commit)
    # People who look for what went wrong see what the last attempt assigned. To tasks it is as if it had not been.
    if task_environment.task() is not None:
        raise MissingError(f"nothing says that split {index} finished at {store.uri(path=key.archives)}")
    return store.ledger.read_uncommitted(key, index=index, name=name)


def _record(layer: Layer, *, read: str = "") -> Record | None:
    """The layer's record, None if the layer has not finished."""
    private, key = layer._private, layer.execution.key(layer, read=read)  # noqa: SLF001 - one unit
    if private.record is None:
        private.record = layer.execution.datastore.ledger.read_record(key)
    return private.record


def absent(layer: Layer, name: str, error: ExecutionError | MissingError) -> UnsetError:
    """Why an attribute of a layer of an execution cannot be read.

    Args:
        layer: The layer.
        name: The attribute.
        error: What reading it raised.
    """
    execution, key = layer.execution, layer.execution.key(layer)
    if not execution.known:
        return UnsetError(f"flow '{key.flow}' has no execution {key.execution} in {execution.datastore.root}")
    if isinstance(layer, Parameters):
        return UnsetError(
            f"flow '{key.flow}' was called without the parameter {quote(name)} in execution {execution.id}"
        )
    if isinstance(error, MissingError) and error.splits:
        others = f"each(layer, lambda layer: layer.{name}) reads what the others assigned"
        found = UnsetError(f"in execution {execution.id} {error}: {others}")
        found.splits = error.splits
        return found
    finished = "It finished, but did not assign it." if layer.state.finished else "It did not finish."
    return UnsetError(f"layer '{layer.name}' has no attribute {quote(name)} in execution {execution.id}. {finished}")


def storage_name(layer: Layer) -> str:
    """Return the name that the artifacts of a layer instance are stored under.

    Args:
        layer: The layer.
    """
    # Pickles of earlier releases lack it.
    return vars(layer._private).get("storage_name") or layer.name  # noqa: SLF001 - one unit


def store_as(layer: Layer, name: str) -> Layer:
    """Have the artifacts of a layer instance be stored, and read, under a name of its own.

    Args:
        layer: A layer of an execution, before it runs or is read.
        name: The name, which no layer of the flow has.

    Returns:
        The layer.
    """
    layer._private.storage_name = name  # noqa: SLF001 - one unit
    return layer


def sharded(layer: Layer, name: str) -> Sequence[Any] | None:
    """The items that a layer sharded under a name, as it reads them back; None if it did not, or assigned it since.

    Args:
        layer: The layer, running or made for a test.
        name: The attribute.
    """
    items = layer._private.sharded.get(name)  # noqa: SLF001 - one unit
    return items if items is not None and vars(layer).get(name) is items else None


def _restored(execution: Execution, name: str) -> Layer:
    """A layer of an execution: pickles of layers call this."""
    return execution.layer(name)


class Parameters(Layer):
    """The keyword arguments that a flow was called with: each flow has this layer, and any layer may depend on it.

    Example:
        >>> class Train(Layer):
        ...     def __call__(self, parameters: Parameters) -> None:
        ...         self.rate = parameters.rate
    """

    @property
    def state(self) -> State:
        """How far the layer is: finished from the start, also where an input has yet to be taken."""
        own = super().state
        return State(lambda: self.execution.take_input() or own.finished, lambda: own.running)
