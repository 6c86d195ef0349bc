"""Flows: classes that users subclass, and register layers to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Never, TypeVar, cast, overload

from laminar_runtime import _records, arguments, launching, task_environment, types
from laminar_runtime.configurations import containers, datastores, executors, flows, layers
from laminar_runtime.exceptions import FlowError, LayerError
from laminar_runtime.execution import Execution
from laminar_runtime.introspection import attributes, functions, interactive, naming
from laminar_runtime.layer import Definition, Layer, Parameters
from laminar_runtime.pickling import homes, scopes

if TYPE_CHECKING:
    from laminar_runtime.configurations.schedulers import Scheduler
    from laminar_runtime.deployed.deployment import Deployment

__all__ = ["Flow"]

LayerClass = TypeVar("LayerClass", bound=type[Layer])

_PARAMETERS = Parameters.__name__


class _Field:
    """A field of a flow. It is missing, and reading it raises an error, if the user's ``__init__`` did not set it."""

    def __get__(self, flow: Flow | None, _: type[Flow]) -> Any:
        if flow is None:
            return self
        raise FlowError(f"the __init__ of flow '{flow.name}' must call super().__init__(...), but it does not")


class _Registry:
    """The layers registered to a flow. Those of an instance have containers that refine the flow's."""

    def __get__(self, flow: Flow | None, cls: type[Flow]) -> dict[str, Definition]:
        registered = cls._registered
        configuration = None if flow is None else vars(flow).get("configuration")
        if configuration is None or configuration.container is None:
            return registered
        known = configuration.definitions
        for name, definition in registered.items():
            if name not in known or known[name][0] is not definition:
                own = definition.configuration
                refined = _records.copy(own, container=containers.refine(configuration.container, own.container))
                known[name] = definition, _records.evolve(definition, given=refined)
        return {name: known[name][1] for name in registered}


class Flow:
    """A directed acyclic graph of layers. Subclass it, register layers to the class, and call an instance.

    Args:
        datastore: The store of the artifacts. The default is `datastores.Local`.
        executor: Runs the tasks. The default is `executors.Process`.
        scheduler: Decides when a layer runs. The default is the local scheduler.
        container: The container of its layers. A layer that is registered with a container of its own refines it:
            arguments that this was given win, and the maps `environment`, `secrets`, `log_options` and `tags` are
            merged by name. The attribute `container` of the class is refined in the same way.
        timeout: Seconds after which an execution is ended, whatever runs in it; None for the attribute `timeout` of
            the class. The execution fails with a `TimeLimitError`. A resumed execution has the whole time again. For a
            deployed flow it is a whole number, and does not include the wait for a turn.
        **others: Arguments of a class after `Flow` in the method resolution order.

    Raises:
        FlowError: If the executor cannot use the datastore, the container is no `Container`, or the timeout is
            not a number greater than 0.
        TypeError: If an argument is unknown.

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

    #: The layers registered to the flow, by name. Those of an instance refine the container of the flow.
    registry: ClassVar[dict[str, Definition]]
    _registered: ClassVar[dict[str, Definition]] = {}
    if not TYPE_CHECKING:
        registry = _Registry()
    #: The container that the layers of the flow refine; None for the defaults of `Container`.
    container: ClassVar[layers.Container | None] = None
    #: Seconds after which an execution of the flow is ended; None for no limit.
    timeout: ClassVar[float | None] = None
    #: The classes of these layers, by name.
    classes: ClassVar[dict[str, type[Layer]]] = {}
    #: The subclasses of `Parameters` that are registered to it; none if its parameters are untyped.
    declared: ClassVar[tuple[type[Parameters], ...]] = ()
    configuration: flows.Configuration
    execution: Execution
    _datastore: datastores.DataStore | None
    if not TYPE_CHECKING:
        configuration, execution, _datastore = _Field(), _Field(), _Field()

    #: The file name of the code that defines the flow, for example of a file or of a notebook's cell.
    cell: ClassVar[str] = ""

    def __init__(
        self,
        *,
        datastore: datastores.DataStore | None = None,
        executor: executors.Executor | None = None,
        scheduler: Scheduler | None = None,
        container: layers.Container | None = None,
        timeout: float | None = None,
        **others: Never,
    ) -> None:
        if others and getattr(super().__init__, "__objclass__", None) is object:
            options = ("datastore", "executor", "scheduler", "container", "timeout")
            raise TypeError(arguments.unknown(self.name, next(iter(others)), options))
        super().__init__(**others)
        store = datastore or datastores.Local()
        if store.in_process:
            self._check_threads(executor)
        limit = self._time_limit(type(self).timeout if timeout is None else timeout)
        self.configuration = flows.Configuration(store, executor, scheduler, self._container(container), limit)
        found = task_environment.task()
        self.execution = Execution(found.execution if found and found.flow == self.name else None, self)
        self._datastore: datastores.DataStore | None = None
        scopes.settle(self, store)
        launching.note(self, sys._getframe(1))  # noqa: SLF001 - the frame that calls this class

    def _container(self, own: layers.Container | None) -> layers.Container | None:
        """Return the container that layers refine: that of the class, refined by the flow's own."""
        given = [container for container in (type(self).container, own) if container is not None]
        for container in given:
            if not isinstance(container, layers.Container):
                raise FlowError(f"the container of flow '{self.name}' must be a Container, not {container!r}")
        return containers.refine(*given) if len(given) > 1 else next(iter(given), None)

    def _time_limit(self, seconds: float | None) -> float | None:
        """Return the time limit of executions, if it is one."""
        number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if seconds is not None and not (number and 0 < seconds < float("inf")):
            msg = f"the timeout of flow '{self.name}' must be a number of seconds greater than 0, not {seconds!r}"
            raise FlowError(msg)
        return seconds

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle a flow. In an artifact, it becomes the flow of the reader of the artifact."""
        return scopes.reduce_flow(self)

    def __getstate__(self) -> dict[str, Any]:
        own = {name: value for name, value in vars(self).items() if name not in {"configuration", "execution"}}
        return {**own, "_datastore": self.datastore}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a flow for reading, in a process that a layer starts and sends a pickled layer to."""
        self.__dict__.update(state)
        store = state["_datastore"]
        self.configuration = flows.Configuration(store, executors.Thread() if store.in_process else None, None)
        self.execution = Execution(None, self)
        scopes.settle(self, store)

    def _check_threads(self, runner: executors.Executor | None) -> None:
        """Check that all executors share the memory of this process."""
        only = f"flow '{self.name}' uses the Memory datastore, which works with the Thread executor only"
        if not isinstance(runner, executors.Thread):
            raise FlowError(only)
        for name, definition in self.registry.items():
            own = definition.configuration.executor
            if not isinstance(own, executors.Thread | None):
                raise FlowError(f"{only}, and layer '{name}' has the executor {type(own).__name__}")

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Register the layers of the bases. Keywords of the class are passed to the bases."""
        super().__init_subclass__(**keywords)
        if cls.__name__ and (reason := naming.flaw(cls.__name__)) is not None:
            what = f"the name of flow {attributes.quote(cls.__name__)}"
            raise FlowError(f"{what} {reason}, but it is the name of a folder. Rename the class")
        homes.define(cls)
        cls._registered, cls.classes = {}, {}
        cls.cell = interactive.defining_cell(cls)
        cls._declare(())
        cls._take_over()
        for base in cls.__bases__:
            for name, definition in getattr(base, "registry", {}).items():
                known = cls._registered.get(name)
                # Two bases may have the same registration from a common base.
                once = known is not None and known.first is definition.first
                if name != _PARAMETERS and not once:
                    cls._add(definition.repeat(cls))
            cls._declare(getattr(base, "declared", ()))

    @classmethod
    def _declare(cls, declared: Iterable[type[Parameters]]) -> None:
        """Add subclasses of `Parameters` that declare the flow's parameters.

        Raises:
            FlowError: If two declare a parameter differently, or a name is reserved.
        """
        known = {one.__name__: one for one in cls.__dict__.get("declared", ())}
        for one in declared:
            other = known.setdefault(one.__name__, one)
            if other is not one and not interactive.same(one, other):
                where = ", ".join(f"{item.__module__}.{item.__qualname__}" for item in (other, one))
                raise FlowError(f"flow '{cls.__name__}' has two classes named '{one.__name__}' ({where}): rename one")
            known[one.__name__] = one
        joined: Any = cls._join(tuple(known.values())) if known else Parameters
        cls.declared = tuple(known.values())
        cls.registry[_PARAMETERS], cls.classes[_PARAMETERS] = Definition(cls, joined), joined

    @classmethod
    def _join(cls, declared: tuple[type[Parameters], ...]) -> type[Parameters]:
        """Return the class of the parameters that classes declare together, if they agree."""
        # Imported here, so that a task of a flow with untyped parameters does not load it.
        from laminar_runtime.inputs import declarations

        for one in declared:
            attributes.check_fit(one)
            declarations.check_names(one, Parameters, cls.__name__)
        joined = declarations.join(declared, _PARAMETERS)
        declarations.check_agreement(joined, declared, cls.__name__)
        return joined

    @classmethod
    def _take_over(cls) -> None:
        """Keep the layers of other cells if a notebook's cell that defines this class is run again."""
        before = getattr(sys.modules.get(cls.__module__), cls.__name__, None)
        if isinstance(before, type) and issubclass(before, Flow) and interactive.same(cls, before):
            inherited = {name for base in before.__bases__ for name in getattr(base, "registry", ())}
            for name, definition in before.registry.items():
                elsewhere = not before.cell or interactive.cell_of(definition.layer) != before.cell
                if elsewhere and name not in {_PARAMETERS, *inherited}:
                    cls._add(definition.repeat(cls))
            cls._declare(one for one in before.declared if not before.cell or interactive.cell_of(one) != before.cell)

    def __repr__(self) -> str:
        return f"{self.name}()"

    @classmethod
    def _add(cls, definition: Definition, *, again: bool = False) -> None:
        name = definition.layer.__name__
        if not getattr(definition.layer, "__laminar_layer__", False):
            raise FlowError(f"flow '{cls.__name__}' registers '{name}', which is not a subclass of Layer")
        # An empty name is reported with the other problems of the flow, or when the flow is called.
        if name and (reason := naming.flaw(name)) is not None:
            what = f"flow '{cls.__name__}' registers layer {attributes.quote(name)}"
            raise FlowError(f"{what}, whose name {reason}, but it is the name of a folder. Rename the class")
        attributes.check_fit(definition.layer)
        call = definition.layer.__call__
        if not functions.returns_at_once(call):
            raise FlowError(f"'{name}.__call__' is async or a generator, so it would not run: make it a plain method")
        if name in cls._registered and not again:
            other = cls._registered[name].layer
            where = ", ".join(f"{item.__module__}.{item.__qualname__}" for item in (other, definition.layer))
            raise FlowError(f"flow '{cls.__name__}' has two layers named '{name}' ({where}): rename one of them")
        cls._registered[name] = definition
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
        pack: bool | None = None,
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
        pack: bool | None = None,
        **unknown: Any,
    ) -> Any:
        """Register a layer to the flow. Use it as a decorator, with or without arguments.

        Args:
            layer: The layer's class.
            container: The container that it runs in.
            foreach: The attributes that it fans out over.
            retry: How often a failed task runs again.
            catch: The errors that do not fail it.
            executor: Runs its tasks. The default is the flow's executor.
            pack: False for a layer that always has a job of its own, also where the compiler packs others.
            **unknown: Any other argument is refused.

        Returns:
            The class, so that it can be registered to several flows.

        Raises:
            FlowError: If the flow has a layer with the same name, or the class is not a layer.
            LayerError: If an argument has a wrong type, or an attribute of the class has a reserved name.
            TypeError: If an argument is unknown.

        Example:
            >>> class Report(Flow): ...
            >>> @Report.register(container=layers.Container(memory=4096), retry=layers.Retry(attempts=3))
            ... class Load(Layer):
            ...     def __call__(self) -> None: ...
            >>> sorted(Report.registry)
            ['Load', 'Parameters']
        """
        options = {
            "container": container,
            "foreach": foreach,
            "retry": retry,
            "catch": catch,
            "executor": executor,
            "pack": pack,
        }
        if unknown:
            raise TypeError(arguments.unknown(f"{cls.__name__}.register", next(iter(unknown)), options))
        given: dict[str, Any] = {name: option for name, option in options.items() if option is not None}
        configuration = layers.Configuration(**given) if given else None
        frame = sys._getframe(1)  # noqa: SLF001 - of the code that registers it
        place, names = frame.f_globals.get("__name__", ""), frame.f_locals

        def decorate(cls_: LayerClass) -> LayerClass:
            homes.register(cls, cls_, place)
            if hasattr(cls_, "__laminar_parameters__"):
                cls._register_parameters(cast("type[Parameters]", cls_), given, names)
                return cls_
            known = cls._registered.get(cls_.__name__)
            again = known is not None and interactive.redefines(cls_, known.layer)
            cls._add(Definition(cls, cls_, configuration), again=again)
            return cls_

        return decorate if layer is None else decorate(layer)

    @classmethod
    def _register_parameters(
        cls, declared: type[Parameters], options: Collection[str], names: Mapping[str, Any]
    ) -> None:
        """Register a subclass of `Parameters`, which declares parameters of the flow.

        Args:
            declared: The class.
            options: The names of the options of the registration: it takes none.
            names: The names that its type hints may use.

        Raises:
            FlowError: If it cannot be registered.
        """
        what = f"flow '{cls.__name__}' registers '{declared.__name__}'"
        if declared is Parameters:
            raise FlowError(f"{what}, which it has without that: register a subclass that declares the parameters")
        if options:
            raise FlowError(f"{what} with {', '.join(options)}: it declares parameters and never runs. Remove them")
        # Imported here, so that a task of a flow with untyped parameters does not load it.
        from laminar_runtime.inputs import declarations

        declarations.resolve(declared, names)
        cls._declare((declared,))

    @property
    def name(self) -> str:
        """The flow's name, that of its class."""
        return type(self).__name__

    @property
    def datastore(self) -> datastores.DataStore:
        """The store of the flow's artifacts. For a deployed flow it is the store of the deployment.

        Raises:
            DeploymentError: If AWS Step Functions schedules the flow, and it is not deployed.
        """
        if self._datastore is None:
            return self._keep_in(self.configuration.scheduler.datastore(flow=self))
        return self._datastore

    def _keep_in(self, datastore: datastores.DataStore) -> datastores.DataStore:
        """Use a datastore for the flow's artifacts."""
        self._datastore = datastore
        scopes.settle(self, datastore)
        return datastore

    @property
    def dependencies(self) -> dict[str, set[str]]:
        """The names of the layers that each layer depends on.

        Raises:
            LayerError: If a type hint is missing or is not a layer of the flow.

        Example:
            >>> class Report(Flow): ...
            >>> @Report.register
            ... class Load(Layer):
            ...     def __call__(self, parameters: Parameters) -> None: ...
            >>> Report().dependencies
            {'Parameters': set(), 'Load': {'Parameters'}}
        """
        return {name: self.dependencies_of(name) for name in self.registry}

    def dependencies_of(self, layer: str) -> set[str]:
        """Return the names of the layers that a layer depends on.

        Args:
            layer: The layer's name.

        Raises:
            KeyError: If the flow has no such layer.
            LayerError: If a type hint is missing or is not a layer of the flow.
        """
        # As registered: what a flow's container adds to that is no dependency.
        definition, classes = self._registered[layer], self.classes
        cls = definition.layer
        if layer == _PARAMETERS:
            return set()
        found: set[str] = set()
        for function in (cls.__call__, *definition.hooks):
            found.update(types.names(function, classes, layer=cls.__name__, flow=self.name))
        for parameter in definition.configuration.foreach.parameters:
            if parameter.name not in classes:
                msg = (
                    f"layer '{layer}' of flow '{self.name}' fans out over '{parameter.name}', which is not registered "
                    "to the flow: register it"
                )
                raise LayerError(msg)
            found.add(parameter.name)
        return found

    @property
    def dependents(self) -> dict[str, set[str]]:
        """The names of the layers that depend on each layer.

        Raises:
            LayerError: If a type hint is missing or is not a layer of the flow.
        """
        found: dict[str, set[str]] = {name: set() for name in self.registry}
        for child, parents in self.dependencies.items():
            for parent in parents:
                found[parent].add(child)
        return found

    def __bool__(self) -> bool:
        """Return whether this process launches the flow. In the process of a task of this flow, run the task.

        During an import the flows of the module are false. A flow that starts a chain of flows is true in the tasks of
        each of them.
        """
        return launching.enter_guard(self, sys._getframe(1))  # noqa: SLF001 - the frame of the `if` statement

    def __call__(self, execution: str | None = None, **parameters: Any) -> Execution:
        """Run the flow; if AWS Step Functions schedules it, start it.

        Args:
            execution: The execution's id. By default a new id is made.
            **parameters: The attributes of the flow's `Parameters` layer.

        Returns:
            The execution.

        Raises:
            FlowError: If the flow is declared incorrectly, if a module is being imported, or if a layer calls the flow
                and the flow's datastore would be lost at the end of the layer's task.
            ExecutionError: If the execution fails, or the id was used before with other parameters. If a task runs in
                this process, an error of the flow's own code is raised unchanged, with a note that names the task.
        """
        # Imported here, so that the traceback of an error of the user's code has no frame of this package.
        from laminar_runtime.failures import tracebacks

        with tracebacks.Trimmed():
            return launching.launch(self, execution, parameters)

    def _start(self, execution: str, parameters: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Start an execution of the deployed flow, for `laminar_runtime.deployed`, which has this flow's code."""
        launching.launch(self, execution, parameters, tags)

    def _results(self, execution: str) -> Mapping[str, Any]:
        """Return the results of an execution, for `laminar_runtime.deployed`."""
        from laminar_runtime.results import Results

        return Results(self.execution(execution))

    def _bind(self, deployment: Deployment) -> Flow:
        """Return the same flow, as a deployment runs it: for `laminar_runtime.deployed`."""
        from laminar_runtime.configurations import schedulers

        if deployment.flows and self.name not in deployment.flows:
            names = ", ".join(deployment.flows)
            raise FlowError(f"the deployment '{deployment.name}' has the flows {names}, not '{self.name}'")
        flow = type(self).__new__(type(self))
        flow.__dict__.update(vars(self))
        own = self.configuration
        scheduler = schedulers.AWS.StepFunctions.of(deployment, self.name)
        flow.configuration = flows.Configuration(own.datastore, own.executor, scheduler, own.container, own.timeout)
        flow.__dict__.update(execution=Execution(None, flow), _datastore=None)
        return flow
