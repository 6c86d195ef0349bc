"""Flows: what users subclass to collect layers, and the executions of it."""

from __future__ import annotations

import graphlib
import os
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, overload

import attrs

from laminar_runtime import loading, plan_layer, settings, task, types
from laminar_runtime.artifacts import LayerKey, cache_prefix, layers_prefix
from laminar_runtime.configurations import datastores, executors, flows, hooks, layers
from laminar_runtime.exceptions import ExecutionError, FlowError, LayerError, MissingError
from laminar_runtime.identifiers import check_execution_id, new_execution_id
from laminar_runtime.layer import RESERVED, Definition, Layer, Parameters

__all__ = ["Execution", "Flow"]

LayerT = TypeVar("LayerT", bound=Layer)
LayerClass = TypeVar("LayerClass", bound=type[Layer])

_PARAMETERS = Parameters.__name__


@attrs.define(slots=False, eq=False)
class Execution:
    """One run of a flow: what it is asked to do, and its results.

    Args:
        id: The execution's id, None before there is one.
        flow: The flow.
        retry: Whether it is being resumed.

    Example:
        >>> from laminar_runtime import Flow
        >>> class Report(Flow): ...
        >>> Report().execution("e1").id
        'e1'
    """

    id: str | None
    flow: Flow = attrs.field(repr=lambda flow: flow.name)
    retry: bool = False

    def __call__(self, id: str) -> Execution:  # noqa: A002 - the name that users pass it by
        """The execution of the same flow that has an id.

        Args:
            id: The execution's id.
        """
        return type(self)(id, self.flow)

    @property
    def datastore(self) -> datastores.DataStore:
        """Where the execution's artifacts are."""
        return self.flow.datastore

    @property
    def classes(self) -> dict[str, type[Layer]]:
        """The classes of the flow's layers by name."""
        return self.flow.classes

    @property
    def flow_name(self) -> str:
        """The flow's name."""
        return self.flow.name

    def key(self, layer: str) -> LayerKey:
        """What the datastore knows a layer of this execution by.

        Args:
            layer: The layer's name.

        Raises:
            ExecutionError: If the execution has no id.
        """
        if self.id is None:
            msg = f"flow '{self.flow.name}' has not been run: run it, or name an execution as in flow.execution('...')"
            raise ExecutionError(msg)
        return LayerKey(self.flow.name, self.id, layer)

    @property
    def known(self) -> bool:
        """Whether anything of the execution is in the datastore."""
        key = self.key("")
        prefixes = (layers_prefix(key.flow, key.execution), cache_prefix(key.flow, key.execution))
        return any(self.datastore.names(prefix=prefix) for prefix in prefixes)

    @property
    def finished(self) -> bool:
        """Whether all layers finished. One that was skipped did not."""
        return all(self.layer(name).state.finished for name in self.flow.registry if name != _PARAMETERS)

    @property
    def running(self) -> bool:
        """Whether this code runs in a task of the execution."""
        return (settings.current.execution.id, settings.current.flow.name) == (self.id, self.flow.name)

    @overload
    def layer(self, layer: str, **attributes: Any) -> Layer: ...
    @overload
    def layer(self, layer: type[LayerT], **attributes: Any) -> LayerT: ...
    @overload
    def layer(self, layer: LayerT, **attributes: Any) -> LayerT: ...
    def layer(self, layer: str | type[Layer] | Layer, **attributes: Any) -> Layer:
        """A layer of this execution: its attributes are its artifacts.

        Args:
            layer: The layer, by name, by class or by another instance.
            **attributes: Attributes to set on it.

        Returns:
            A new instance.

        Raises:
            FlowError: If the flow has no such layer.
        """
        name = layer if isinstance(layer, str) else getattr(layer, "__name__", None) or layer.name
        definition = self.flow.registry.get(str(name))
        if definition is None:
            known = ", ".join(sorted(self.flow.registry))
            raise FlowError(f"flow '{self.flow.name}' has no layer '{name}'; it has {known}")
        configuration = definition.configuration.copy()
        instance = definition.layer.__new__(definition.layer)
        instance.__dict__.update(execution=self, configuration=configuration, definition=definition, **attributes)
        return instance

    def parameters(self, **artifacts: Any) -> Execution:
        """Store the flow's parameters for this execution.

        Args:
            **artifacts: The parameters.

        Returns:
            This execution.

        Raises:
            FlowError: If one has a name that means something else on a layer.
        """
        if reserved := sorted(RESERVED & artifacts.keys()):
            names = ", ".join(reserved)
            raise FlowError(f"flow '{self.flow.name}' cannot have parameters of reserved names: {names}. Rename them")
        key = self.key(_PARAMETERS)
        for name, value in artifacts.items():
            self.datastore.write(key, index=0, name=name, values=[value], sharded=False)
        self.datastore.write_record(key, splits=1)
        return self

    def take_input(self) -> bool:
        """Store as parameters what a state machine was started with, if it was and nobody did so before.

        Returns:
            Whether there was such an input, with parameters.

        Raises:
            FlowError: If the input is not of the form ``{"parameters": {...}}``.
        """
        import json

        key = self.key(_PARAMETERS)
        if self.datastore.read_record(key) is not None:
            return False
        try:
            document = json.loads(self.datastore.read_input(key.flow, key.execution))
        except MissingError:
            return False
        given = document.get("parameters", {}) if isinstance(document, dict) else None
        if not isinstance(given, dict):
            msg = f'the input of execution {self.id} is not of the form {{"parameters": {{...}}}}'
            raise FlowError(msg)
        self.parameters(**given)
        return True

    def schedule(self, *, dependencies: dict[str, set[str]]) -> Execution:
        """Run the execution, or start it if another engine schedules it.

        Args:
            dependencies: The layers that each layer depends on.

        Returns:
            This execution.

        Raises:
            FlowError: If layers depend on each other in a circle.
            ExecutionError: If it fails.
        """
        try:
            graphlib.TopologicalSorter(dependencies).prepare()
        except graphlib.CycleError as error:
            circle = " -> ".join(reversed(error.args[1]))
            raise FlowError(f"layers of flow '{self.flow.name}' depend on each other in a circle: {circle}") from None
        self.flow.configuration.scheduler.run(execution=self)
        return self

    def resume(self) -> Execution:
        """Run the execution again, without the layers and the splits that finished.

        Returns:
            The execution, resumed.

        Raises:
            ExecutionError: If it fails again, or nothing is known of it.
        """
        if loading.active() is not None or task.requested():
            return self.flow.follow(None)
        if not self.known:
            where = f"flow '{self.flow.name}' has no execution {self.id} in {self.datastore.root}"
            raise ExecutionError(f"{where}: there is nothing to resume")
        return attrs.evolve(self, retry=True).schedule(dependencies=self.flow.dependencies)

    def wait(self, *, timeout: float | None = None) -> Execution:
        """Wait until the execution ended, if another engine schedules it.

        Args:
            timeout: Seconds to wait at most; without end unless given.

        Returns:
            This execution.

        Raises:
            ExecutionError: If it failed, or has not ended in time.

        Example:
            >>> from laminar_runtime.configurations.schedulers import AWS
            >>> flow = Flow(scheduler=AWS.StepFunctions())  # doctest: +SKIP
            >>> flow(day="2026-01-01").wait().layer("Load").rows  # doctest: +SKIP
        """
        self.flow.configuration.scheduler.wait_for(execution=self, timeout=timeout)
        return self

    def next(self, *, flow: Flow, linker: Callable[[Execution], Parameters]) -> Execution:
        """Run another flow after this execution ended, under the same id.

        Args:
            flow: The flow to run.
            linker: Makes the parameters of that flow from this execution.

        Returns:
            The execution of that flow.
        """
        given = {name: value for name, value in vars(linker(self.wait())).items() if name != "_private"}
        if self.retry:  # what a resumed execution goes on to may have been begun too
            return flow.execution(self.key("").execution).parameters(**given).resume()
        return flow(self.id, **given)


class _NoResults(Execution):
    """What ``flow()`` gives where it runs nothing: in a task's process, and while the compiler reads the file."""

    def layer(self, layer: Any, **attributes: Any) -> Any:
        """Results are for the process that launched the flow."""
        if loading.active() is not None:
            raise loading.LoadingStopped
        raise SystemExit(0)

    def wait(self, *, timeout: float | None = None) -> Execution:
        """Go on: a task that waited for the execution that it is part of would wait without end."""
        return self

    def next(self, *, flow: Flow, linker: Callable[[Execution], Parameters]) -> Execution:
        """Go on to the next flow: its task may be the one that this process was started for."""
        return flow.follow(self.flow)


class Flow:
    """A directed acyclic graph of layers. Subclass it, register layers to the class, and call an instance.

    Args:
        datastore: Where artifacts are kept; `datastores.Local` unless given.
        executor: What runs the tasks; `executors.Process` unless given.
        scheduler: What decides when a layer runs; the local scheduler unless given.

    Raises:
        FlowError: If the configuration cannot work.

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
    #: What makes the scheduler of a flow that is given none; the package sets it.
    default_scheduler: ClassVar[Callable[[], flows.Engine]]

    def __init__(
        self,
        *,
        datastore: datastores.DataStore | None = None,
        executor: executors.Executor | None = None,
        scheduler: flows.Engine | None = None,
    ) -> None:
        store = datastore or datastores.Local()
        runner = executor or executors.Process()
        if isinstance(store, datastores.Memory) and not isinstance(runner, executors.Thread):
            msg = f"flow '{self.name}' uses the Memory datastore, which works with the Thread executor only"
            raise FlowError(msg)
        self.configuration = flows.Configuration(store, runner, scheduler or type(self).default_scheduler())
        self.execution = Execution(settings.current.execution.id, self)
        self._datastore: datastores.DataStore | None = None
        if (loaded := loading.active()) is not None:
            loaded.flows.append(self)

    def __init_subclass__(cls) -> None:
        """Start the flow with the layers of its bases."""
        cls.registry, cls.classes = {}, {}
        cls._add(Definition(Parameters, layers.Configuration()))
        for base in cls.__bases__:
            for name, definition in getattr(base, "registry", {}).items():
                known = cls.registry.get(name)
                # What two bases have of a base of their own is one registration.
                once = known is not None and known.configuration is definition.configuration
                if name != _PARAMETERS and not once:
                    cls._add(attrs.evolve(definition, hooks=hooks.annotation.collect(cls, definition.layer)))

    def __repr__(self) -> str:
        return f"{self.name}()"

    @classmethod
    def _add(cls, definition: Definition) -> None:
        name = definition.layer.__name__
        if not getattr(definition.layer, "__laminar_layer__", False):
            raise FlowError(f"flow '{cls.__name__}' registers '{name}', which is no subclass of Layer")
        if name in cls.registry:
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
    ) -> Any:
        """Add a layer to the flow, as a decorator with or without arguments.

        Args:
            layer: The layer's class.
            container: The container that it runs in.
            foreach: What it fans out over.
            retry: How often a failed task is run again.
            catch: Errors that end it early, but as finished.

        Returns:
            The class, so that it may be registered to several flows.

        Raises:
            FlowError: If the flow has a layer of that name, or it is no layer.
        """
        configuration = layers.Configuration(
            container or layers.Container(),
            foreach or layers.ForEach(),
            retry or layers.Retry(),
            catch or layers.Catch(),
        )

        def decorate(cls_: LayerClass) -> LayerClass:
            cls._add(Definition(cls_, configuration, hooks.annotation.collect(cls, cls_)))
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
            self._datastore = self.configuration.scheduler.datastore(flow=self)
        return self._datastore

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
        """Whether this process launches the flow. In a task's process, run the task if it is one of this flow."""
        if loading.active() is not None:
            return False
        if task.requested():
            self._run_task()
            return False
        return True

    def __call__(self, execution: str | None = None, **parameters: Any) -> Execution:
        """Run the flow, or start it if another engine schedules it.

        Args:
            execution: The execution's id; a new one unless given.
            **parameters: The attributes of the flow's `Parameters` layer.

        Returns:
            The execution.

        Raises:
            FlowError: If the flow is declared wrongly.
            ExecutionError: If it fails, or was run before under the same id.
        """
        if loading.active() is not None or task.requested():
            return self.follow(None)
        dependencies = self.dependencies
        run = Execution(new_execution_id() if execution is None else check_execution_id(execution), self)
        if execution is not None:
            self.configuration.scheduler.check_new(execution=run)
        return run.parameters(**parameters).schedule(dependencies=dependencies)

    def follow(self, before: Flow | None) -> Execution:
        """What a call of the flow does in a process that launches none: note it, or run the task.

        Args:
            before: The flow whose end the call waits for, if any.
        """
        if (loaded := loading.active()) is not None:
            loaded.calls.append((self, before))
        else:
            self._run_task()
        return _NoResults(self.execution.id, self)

    def _run_task(self) -> None:
        """Run, or plan, the task that this process was started for, if it is one of this flow."""
        context = task.claim(self.name)
        if context is None:
            return
        with task.reporting():
            task.check_known(context, self.classes)
            root = os.environ.get(settings.DATASTORE_ROOT)
            own = self.configuration.datastore
            self._datastore = datastores.from_root(root, own) if root else own
            execution = Execution(context.execution, self, retry=context.retry)
            if settings.PLAN_FILE in os.environ:
                foreach = self.registry[context.layer].configuration.foreach
                if any(parameter.name == _PARAMETERS for parameter in foreach.parameters):
                    execution.take_input()
                plan_layer.answer(execution.datastore, execution.key(context.layer), foreach)
                return
            fields = {"index": context.index, "splits": context.splits, "attempt": context.attempt}
            task.run_layer(execution, execution.layer(context.layer, **fields), context)
