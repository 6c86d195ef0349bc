"""Flows: what users subclass to collect layers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Never, TypeVar, overload

from laminar_runtime import _records, arguments, launching, task_environment, types
from laminar_runtime.configurations import datastores, executors, flows, layers
from laminar_runtime.exceptions import FlowError, LayerError
from laminar_runtime.execution import Execution
from laminar_runtime.introspection import attributes, functions, interactive, naming
from laminar_runtime.layer import Definition, Layer, Parameters
from laminar_runtime.pickling import homes, scopes

if TYPE_CHECKING:
    from laminar_runtime.configurations.schedulers import Scheduler

__all__ = ["Flow"]

LayerClass = TypeVar("LayerClass", bound=type[Layer])

_PARAMETERS = Parameters.__name__


class _Field:
    """A field of a flow: reading it says why a flow lacks it, which is that an ``__init__`` of its own left it out."""

    def __get__(self, flow: Flow | None, _: type[Flow]) -> Any:
        if flow is None:
            return self
        raise FlowError(f"the __init__ of flow '{flow.name}' must call super().__init__(...), and does not")


class Flow:
    """A directed acyclic graph of layers. Subclass it, register layers to the class, and call an instance.

    Args:
        datastore: Where artifacts are kept; `datastores.Local` unless given.
        executor: What runs the tasks; `executors.Process` unless given.
        scheduler: What decides when a layer runs; the local scheduler unless given.
        **others: What a class that stands behind `Flow` among the bases takes.

    Raises:
        FlowError: If the configuration cannot work.
        TypeError: If no class takes one of the others.

    Example:
        >>> from laminar_runtime.configurations import datastores, executors
        >>> class Greeting(Flow): ...
        >>> @Greeting.register
        ... class Hello(Layer):
        ...     def __call__(self, parameters: Parameters) -> None:
        ...         self.message = f"hello {parameters.whom}"
        >>> flow = Greeting(datastore=datastores.Memory(), executor=executors.Thread())
        >>> flow(whom="world").layer(Hello).message
        'hello world'
    """

    #: The layers registered to the flow, by name.
    registry: ClassVar[dict[str, Definition]] = {}
    #: Their classes, by name.
    classes: ClassVar[dict[str, type[Layer]]] = {}
    configuration: flows.Configuration
    execution: Execution
    _datastore: datastores.DataStore | None
    if not TYPE_CHECKING:
        configuration, execution, _datastore = _Field(), _Field(), _Field()

    #: The text that defines the flow, such as a file or the cell of a notebook.
    cell: ClassVar[str] = ""

    def __init__(
        self,
        *,
        datastore: datastores.DataStore | None = None,
        executor: executors.Executor | None = None,
        scheduler: Scheduler | None = None,
        **others: Never,
    ) -> None:
        if others and getattr(super().__init__, "__objclass__", None) is object:
            options = ("datastore", "executor", "scheduler")
            raise TypeError(arguments.unknown(self.name, next(iter(others)), options))
        super().__init__(**others)
        store = datastore or datastores.Local()
        runner = executor or executors.Process()
        if isinstance(store, datastores.Memory):
            self._check_threads(runner)
        self.configuration = flows.Configuration(store, runner, scheduler)
        found = task_environment.task()
        self.execution = Execution(found.execution if found and found.flow == self.name else None, self)
        self._datastore: datastores.DataStore | None = None
        scopes.settle(self, store)
        launching.note(self, sys._getframe(1))  # noqa: SLF001 - who makes it

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as a part of an artifact, a flow is that of whoever reads the artifact."""
        return scopes.reduce_flow(self)

    def __getstate__(self) -> dict[str, Any]:
        own = {name: value for name, value in vars(self).items() if name not in {"configuration", "execution"}}
        return {**own, "_datastore": self.datastore}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become a flow that reads: in processes that a layer starts, which layers are pickled for."""
        self.__dict__.update(state)
        store = state["_datastore"]
        runner = executors.Thread() if isinstance(store, datastores.Memory) else executors.Process()
        self.configuration = flows.Configuration(store, runner, None)
        self.execution = Execution(None, self)
        scopes.settle(self, store)

    def _check_threads(self, runner: executors.Executor) -> None:
        """Refuse executors that do not share this process's memory."""
        only = f"flow '{self.name}' uses the Memory datastore, which works with the Thread executor only"
        if not isinstance(runner, executors.Thread):
            raise FlowError(only)
        for name, definition in self.registry.items():
            own = definition.configuration.executor
            if not isinstance(own, executors.Thread | None):
                raise FlowError(f"{only}, and layer '{name}' has the executor {type(own).__name__}")

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Start the flow with the layers of its bases; keywords of the class are for bases that take them."""
        super().__init_subclass__(**keywords)
        if cls.__name__ and (reason := naming.flaw(cls.__name__)) is not None:
            what = f"the name of flow {attributes.quote(cls.__name__)}"
            raise FlowError(f"{what} {reason}: it names a folder. Rename the class")
        homes.define(cls)
        cls.registry, cls.classes = {}, {}
        cls.cell = interactive.defining_cell(cls)
        cls._add(Definition(cls, Parameters, layers.Configuration()))
        cls._take_over()
        for base in cls.__bases__:
            for name, definition in getattr(base, "registry", {}).items():
                known = cls.registry.get(name)
                # What two bases have of a base of their own is one registration.
                once = known is not None and known.configuration is definition.configuration
                if name != _PARAMETERS and not once:
                    cls._add(_records.evolve(definition, flow=cls))

    @classmethod
    def _take_over(cls) -> None:
        """Keep the layers of other cells, if this class is defined by a cell of a notebook that is run again."""
        before = getattr(sys.modules.get(cls.__module__), cls.__name__, None)
        if isinstance(before, type) and issubclass(before, Flow) and interactive.same(cls, before):
            inherited = {name for base in before.__bases__ for name in getattr(base, "registry", ())}
            for name, definition in before.registry.items():
                elsewhere = not before.cell or interactive.cell_of(definition.layer) != before.cell
                if elsewhere and name not in {_PARAMETERS, *inherited}:
                    cls._add(_records.evolve(definition, flow=cls))

    def __repr__(self) -> str:
        return f"{self.name}()"

    @classmethod
    def _add(cls, definition: Definition, *, again: bool = False) -> None:
        name = definition.layer.__name__
        if not getattr(definition.layer, "__laminar_layer__", False):
            raise FlowError(f"flow '{cls.__name__}' registers '{name}', which is no subclass of Layer")
        if definition.layer is not Parameters and issubclass(definition.layer, Parameters):
            what = f"flow '{cls.__name__}' registers '{name}', a subclass of Parameters"
            why = "a flow fills no other layer than Parameters itself with what it is called with"
            raise FlowError(f"{what}: {why}. Have layers name that one, as in 'parameters: Parameters'")
        # One that is empty is told with the other problems of the flow, or when it is called.
        if name and (reason := naming.flaw(name)) is not None:
            what = f"flow '{cls.__name__}' registers layer {attributes.quote(name)}"
            raise FlowError(f"{what}, whose name {reason}: it names a folder. Rename the class")
        attributes.check_fit(definition.layer)
        call = definition.layer.__call__
        if not functions.returns_at_once(call):
            raise FlowError(f"'{name}.__call__' is async or a generator, which would not run: make it a plain method")
        if name in cls.registry and not again:
            other = cls.registry[name].layer
            where = ", ".join(f"{item.__module__}.{item.__qualname__}" for item in (other, definition.layer))
            raise FlowError(f"flow '{cls.__name__}' has two layers named '{name}' ({where}): rename one of them")
        cls.registry[name] = definition
        cls.classes[name] = definition.layer

    @overload
    @classmethod
    def register(cls, layer: LayerClass, /) -> LayerClass: ...
    @overload
    @classmethod
    def register(
        cls,
        layer: None = None,
        /,
        *,
        container: layers.Container | None = None,
        foreach: layers.ForEach | None = None,
        retry: layers.Retry | None = None,
        catch: layers.Catch | None = None,
        executor: executors.Executor | None = None,
    ) -> Callable[[LayerClass], LayerClass]: ...
    @classmethod
    def register(
        cls,
        layer: Any = None,
        /,
        *,
        container: layers.Container | None = None,
        foreach: layers.ForEach | None = None,
        retry: layers.Retry | None = None,
        catch: layers.Catch | None = None,
        executor: executors.Executor | None = None,
        **unknown: Any,
    ) -> Any:
        """Add a layer to the flow, as a decorator with or without arguments.

        Args:
            layer: The layer's class.
            container: The container that it runs in.
            foreach: What it fans out over.
            retry: How often a failed task is run again.
            catch: Errors that end it early, but as finished.
            executor: What runs its tasks, if not the flow's executor.
            **unknown: None of these.

        Returns:
            The class, so that it may be registered to several flows.

        Raises:
            FlowError: If the flow has a layer of that name, or it is no layer.
            LayerError: If one of the others is of a wrong type, or the layer's class has what no layer can have.
            TypeError: If there is an unknown one.
        """
        options = {"container": container, "foreach": foreach, "retry": retry, "catch": catch, "executor": executor}
        if unknown:
            raise TypeError(arguments.unknown(f"{cls.__name__}.register", next(iter(unknown)), options))
        given: dict[str, Any] = {name: option for name, option in options.items() if option is not None}
        configuration = layers.Configuration(**given)
        place = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 - the module that registers it

        def decorate(cls_: LayerClass) -> LayerClass:
            homes.register(cls, cls_, place)
            known = cls.registry.get(cls_.__name__)
            again = known is not None and interactive.redefines(cls_, known.layer)
            cls._add(Definition(cls, cls_, configuration), again=again)
            return cls_

        return decorate if layer is None else decorate(layer)

    @property
    def name(self) -> str:
        """The flow's name, that of its class."""
        return type(self).__name__

    @property
    def datastore(self) -> datastores.DataStore:
        """Where the flow's artifacts are: as configured, or, of a deployed flow, where its deployment keeps them.

        Raises:
            DeploymentError: If the flow is scheduled by another engine and no deployment of it is found.
        """
        if self._datastore is None:
            return self._keep_in(self.configuration.scheduler.datastore(flow=self))
        return self._datastore

    def _keep_in(self, datastore: datastores.DataStore) -> datastores.DataStore:
        """Have the flow's artifacts be in a datastore."""
        self._datastore = datastore
        scopes.settle(self, datastore)
        return datastore

    @property
    def dependencies(self) -> dict[str, set[str]]:
        """The names of the layers that each layer depends on.

        Raises:
            LayerError: If a type hint is missing or names no layer of the flow.
        """
        return {name: self.dependencies_of(name) for name in self.registry}

    def dependencies_of(self, layer: str) -> set[str]:
        """The names of the layers that a layer depends on.

        Args:
            layer: The layer's name.

        Raises:
            LayerError: If a type hint is missing or names no layer of the flow.
        """
        definition, classes = self.registry[layer], self.classes
        cls = definition.layer
        if cls is Parameters:
            return set()
        found: set[str] = set()
        for function in (cls.__call__, *definition.hooks):
            found.update(types.names(function, classes, layer=cls.__name__, flow=self.name))
        for parameter in definition.configuration.foreach.parameters:
            if parameter.name not in classes:
                msg = f"layer '{layer}' of flow '{self.name}' fans out over '{parameter.name}': register that layer"
                raise LayerError(msg)
            found.add(parameter.name)
        return found

    @property
    def dependents(self) -> dict[str, set[str]]:
        """The names of the layers that depend on each layer."""
        found: dict[str, set[str]] = {name: set() for name in self.registry}
        for child, parents in self.dependencies.items():
            for parent in parents:
                found[parent].add(child)
        return found

    def __bool__(self) -> bool:
        """Whether this process launches the flow. In a task's process, run the task if it is one of this flow.

        While a module is imported its flows are false. What guards a chain of flows is true in tasks of each of them.
        """
        return launching.enter_guard(self, sys._getframe(1))  # noqa: SLF001 - of whom the interpreter asks this for

    def __call__(self, execution: str | None = None, **parameters: Any) -> Execution:
        """Run the flow, or start it if another engine schedules it.

        Args:
            execution: The execution's id; a new one unless given.
            **parameters: The attributes of the flow's `Parameters` layer.

        Returns:
            The execution.

        Raises:
            FlowError: If the flow is declared wrongly, a module is imported meanwhile, or the call is of a layer, and
                the flow's datastore ends with the layer's task.
            ExecutionError: If it fails, or was run before under the same id. Where tasks run within this process, an
                error of the flow's own code is raised as it is, with a note that says where it happened.
        """
        # Here, so that no frame of this package is in the traceback of an error of the user's code.
        from laminar_runtime.failures import tracebacks

        with tracebacks.Trimmed():
            return launching.launch(self, execution, parameters)
