"""Layers: what users subclass, and what a run makes instances of."""

from __future__ import annotations

import copyreg
import functools
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Protocol

from laminar_runtime import fanout, homes, settings, values
from laminar_runtime.artifacts import Archive, Artifact, LayerKey
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.hooks import annotation
from laminar_runtime.configurations.layers import Configuration, State
from laminar_runtime.exceptions import ExecutionError, LayerError, MissingError, UnsetError

__all__ = ["RESERVED", "Definition", "Layer", "Parameters"]

#: Names on a layer that are not artifacts.
RESERVED = frozenset(
    {"attempt", "configuration", "definition", "execution", "index", "name", "shard", "splits", "state", "_private"}
)


#: What a layer has of its execution: a pickle of it names the execution.
_OF_EXECUTION = frozenset({"configuration", "definition", "execution"})


class _Execution(Protocol):
    """What a layer needs of the execution that it belongs to."""

    @property
    def id(self) -> str | None: ...
    @property
    def datastore(self) -> DataStore: ...
    @property
    def known(self) -> bool: ...
    @property
    def flow_name(self) -> str: ...
    def key(self, layer: str, *, read: str = "") -> LayerKey: ...
    def take_input(self) -> bool: ...
    def layer(self, layer: str) -> Layer: ...


@values.define
class _Private:
    """What an instance knows besides its artifacts.

    Args:
        elements: For a split of a fan-out: the artifact that it sees under a name, in place of the `Accessor`.
        loaded: The values read so far.
        sharded: What the running layer sharded.
    """

    elements: dict[str, Artifact] = values.field(factory=dict)
    loaded: dict[str, Any] = values.field(factory=dict)
    sharded: dict[str, Archive] = values.field(factory=dict)


@values.frozen
class _Default:
    """A default that a class gives an attribute: readers of the layer get what the layer assigned, if it did."""

    name: str
    value: Any

    def __get__(self, layer: Layer | None, _: type[Layer]) -> Any:
        if layer is None or "execution" not in vars(layer) or layer.index is not None:
            return self.value
        try:
            return layer.__getattr__(self.name)
        except AttributeError:
            return self.value


@values.frozen
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
    depends on; their artifacts are their attributes.

    Args:
        **attributes: Attributes to set, for tests.

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
    execution: _Execution
    #: The attempt that runs here, from 1.
    attempt: int | None
    #: The split that runs here, from 0.
    index: int | None
    #: The number of splits of the layer.
    splits: int | None

    __call__: Callable[..., None]

    def __init__(self, **attributes: Any) -> None:
        super().__init__()
        self.__dict__.update(attributes)

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Have artifacts be found behind the defaults that a class gives attributes of the same names."""
        super().__init_subclass__(**keywords)
        for name, value in list(vars(cls).items()):
            plain = not (callable(value) or hasattr(value, "__get__") or isinstance(value, property))
            if plain and not name.startswith("_") and name not in RESERVED:
                setattr(cls, name, _Default(name, value))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the layer, as for a pool of processes: what is assigned to it, and which execution it is of.

        As an artifact it is only the second: its attributes are read from the datastore of whoever reads it.
        """
        state = {name: value for name, value in vars(self).items() if name not in _OF_EXECUTION}
        execution = vars(self).get("execution")
        if execution is None:
            return copyreg.__newobj__, (type(self),), state  # type: ignore[attr-defined] # what pickle itself takes
        if homes.within_artifact():
            state = {name: value for name, value in state.items() if name in RESERVED}
        return _restored, (execution, self.name), {**state, "_private": values.copy(self._private, loaded={})}

    def __call__(self) -> None:  # type: ignore[no-redef] # subclasses take what layers they like
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
            key = self.execution.key(self.name, read="state.finished")
            return self.execution.datastore.exists(path=key.record)

        def running() -> bool:
            task = settings.task()
            return task is not None and (task.layer, task.execution) == (self.name, self.execution.id)

        return State(finished, running)

    def shard(self, **artifacts: Iterable[Any]) -> None:
        """Store each item of an iterable on its own, so that a fan-out sees one and readers get an `Accessor`.

        Args:
            **artifacts: The iterables by attribute.

        Example:
            >>> class Split(Layer):
            ...     def __call__(self) -> None:
            ...         self.shard(part=["a", "b"], number=range(3))
        """
        for name, items in artifacts.items():
            if name in RESERVED:
                raise LayerError(
                    f"'{name}' is reserved on layers: '{self.name}' cannot shard an attribute of that name"
                )
            if "execution" not in self.__dict__:
                self.__dict__[name] = list(items)
                continue
            key, index = self.execution.key(self.name), self.index or 0
            archive = self.execution.datastore.write(key, index=index, name=name, values=items, sharded=True)
            self._private.sharded[name] = archive
            self._private.loaded.pop(name, None)
            self.__dict__.pop(name, None)

    @property
    def _private(self) -> _Private:
        private: _Private = self.__dict__.setdefault("_private", _Private())
        return private

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in {"attempt", "index", "splits"}:
            return None
        if "execution" not in self.__dict__ or name in RESERVED:
            raise AttributeError(f"layer '{self.name}' has no attribute '{name}': it belongs to no execution")
        loaded = self._private.loaded
        if name not in loaded:
            loaded[name] = self._load(name)
        return loaded[name]

    def _load(self, name: str) -> Any:
        private, execution, store = self._private, self.execution, self.execution.datastore
        if name in private.elements:
            return store.read_artifact(execution.flow_name, private.elements[name])
        key = execution.key(self.name, read=name)
        if name in private.sharded:
            return store.read(key.flow, private.sharded[name])
        if self.index is not None and self.state.running:
            raise UnsetError(f"layer '{self.name}' has no attribute '{name}': it has not assigned it")
        try:
            archive = self._archive(name)
        except (ExecutionError, MissingError) as error:
            if not execution.known:
                raise UnsetError(f"flow '{key.flow}' has no execution {key.execution} in {store.root}") from error
            raise UnsetError(self._absence(name)) from error
        return store.read(key.flow, archive)

    def _absence(self, name: str) -> str:
        """Why an attribute of a known execution cannot be read."""
        finished = "It finished, but did not assign it." if self.state.finished else "It did not finish."
        return f"layer '{self.name}' has no attribute '{name}' in execution {self.execution.id}. {finished}"

    def _archive(self, name: str) -> Archive:
        key, store = self.execution.key(self.name), self.execution.datastore
        if self.index is not None:
            return store.read_archive(key, index=self.index, name=name)
        if self.configuration.foreach:
            return fanout.archive_of(store, key, name, index=None)
        return store.read_archive(key, index=0, name=name)


def _restored(execution: _Execution, name: str) -> Layer:
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

    def _archive(self, name: str) -> Archive:
        try:
            return super()._archive(name)
        except MissingError:
            if not self.execution.take_input():
                raise
            return super()._archive(name)

    def _absence(self, name: str) -> str:
        key = self.execution.key(self.name)
        return f"flow '{key.flow}' was called without the parameter '{name}' in execution {key.execution}"
