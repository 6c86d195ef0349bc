"""Executions: the runs of a flow, and their results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from laminar_runtime import _records, launching, stored_parameters, task_environment
from laminar_runtime.configurations import datastores
from laminar_runtime.exceptions import ExecutionError, FlowError
from laminar_runtime.introspection import interactive, naming
from laminar_runtime.introspection.attributes import prepare, quote
from laminar_runtime.layer import Layer, Parameters, storage_name, store_as
from laminar_runtime.storage.layout import LayerKey, cache_prefix, input_key, layers_prefix

if TYPE_CHECKING:
    from laminar_runtime.failures.record import Failures
    from laminar_runtime.flow import Flow
    from laminar_runtime.storage.commits import Commit
    from laminar_runtime.tasks.pipelines import Guard

__all__ = ["Execution", "NoResults"]

LayerT = TypeVar("LayerT", bound=Layer)

_PARAMETERS = Parameters.__name__


@_records.define(eq=False)
class Execution:
    """One run of a flow, and its results.

    Args:
        id: The execution's id, None before it is known.
        flow: The flow.
        retry: Whether it is being resumed.
        guard: Refuses reads of some layers, in a split of a pipelined fan-out.
        called: Whether the program itself calls the flow, not a layer, a hook or a thread.
        upstream: The names that layers are stored under, where those are not their own: see `with_storage_names`.
        tags: Tags of its jobs on AWS, if it is started there.
        written: The commit of its parameters, which are written, but not those of the execution yet.

    Example:
        >>> from laminar_runtime import Flow
        >>> class Report(Flow): ...
        >>> Report().execution("e1").id
        'e1'
    """

    id: str | None
    flow: Flow = _records.field(repr=lambda flow: flow.name)
    retry: bool = False
    guard: Guard | None = _records.field(default=None, kw_only=True, repr=False)
    called: bool = _records.field(default=True, kw_only=True, repr=False)
    upstream: tuple[tuple[str, str], ...] = _records.field(default=(), kw_only=True, repr=False)
    tags: Mapping[str, str] = _records.field(factory=dict, kw_only=True, repr=False)
    written: Commit | None = _records.field(default=None, kw_only=True, repr=False)

    def __call__(self, id: str) -> Execution:  # noqa: A002 - the name that users pass it by
        """Return the execution of the same flow with another id.

        Args:
            id: The execution's id.

        Returns:
            The execution. It need not exist yet.

        Raises:
            FlowError: If the id is not valid.

        Example:
            >>> from laminar_runtime import Flow
            >>> class Report(Flow): ...
            >>> Report().execution("nightly-2026-01-01").id
            'nightly-2026-01-01'
        """
        reason = naming.flaw(id)
        if reason is not None:
            raise FlowError(f"flow '{self.flow.name}' cannot have an execution {quote(id)}: the id {reason}")
        return type(self)(id, self.flow)

    @property
    def datastore(self) -> datastores.DataStore:
        """The store of the execution's artifacts."""
        return self.flow.datastore

    @property
    def classes(self) -> dict[str, type[Layer]]:
        """The classes of the flow's layers by name."""
        return self.flow.classes

    @property
    def flow_name(self) -> str:
        """The flow's name."""
        return self.flow.name

    def with_guard(self, guard: Guard) -> Execution:
        """Return the same execution with a guard.

        Args:
            guard: Refuses reads of some layers.
        """
        return _records.evolve(self, guard=guard)

    def with_storage_names(self, names: Mapping[str, str]) -> Execution:
        """Return the same execution, with some layers stored and read under other names than their own.

        So a layer can run several times in an execution. Its tasks find the layers that they depend on under these
        names too, in whatever process they run.

        Args:
            names: The names by the name of the layer. No layer of the flow has such a name.
        """
        return _records.evolve(self, upstream=tuple(sorted(names.items())))

    def key(self, layer: Layer | str, *, read: str = "") -> LayerKey:
        """Return the key of a layer of this execution in the datastore.

        Args:
            layer: The layer, or its name. An instance may be stored under another name.
            read: The attribute that is read, for the error.

        Raises:
            ExecutionError: If the execution has no id.
            LayerError: If the guard refuses to read the layer.
        """
        name = layer if isinstance(layer, str) else layer.name
        stored = self._storage_name(name) if isinstance(layer, str) else storage_name(layer)
        if self.guard is not None:
            self.guard.check(name, read)
        if self.id is None:
            msg = f"flow '{self.flow.name}' has not run: run it, or choose an execution with flow.execution('ID')"
            raise ExecutionError(msg)
        return LayerKey(self.flow.name, self.id, stored, self.upstream)

    def _storage_name(self, layer: str) -> str:
        return dict(self.upstream).get(layer, layer) if self.upstream else layer

    @property
    def known(self) -> bool:
        """Whether the datastore has anything of the execution: of a layer, or the input of a state machine."""
        key = self.key("")
        return bool(self.stored) or self.datastore.transport.exists(input_key(key.flow, key.execution))

    @property
    def stored(self) -> set[str]:
        """The names of the layers that have anything in the datastore, finished or not."""
        key = self.key("")
        prefixes = (layers_prefix(key.flow, key.execution), cache_prefix(key.flow, key.execution))
        return {name for prefix in prefixes for name in self.datastore.transport.names(prefix)}

    @property
    def finished(self) -> bool:
        """Whether all layers finished. A skipped layer did not finish."""
        return all(self.layer(name).state.finished for name in self.flow.registry if name != _PARAMETERS)

    @property
    def running(self) -> bool:
        """Whether this code runs in a task of the execution."""
        found = task_environment.task()
        return found is not None and (found.execution, found.flow) == (self.id, self.flow.name)

    @overload
    def layer(self, layer: str, **attributes: Any) -> Layer: ...
    @overload
    def layer(self, layer: type[LayerT], **attributes: Any) -> LayerT: ...
    @overload
    def layer(self, layer: LayerT, **attributes: Any) -> LayerT: ...
    def layer(self, layer: str | type[Layer] | Layer, **attributes: Any) -> Layer:
        """Return a layer of this execution. Its attributes are its artifacts.

        Args:
            layer: The layer's name, its class, or another instance, whose storage name is kept.
            **attributes: Attributes to set on it.

        Returns:
            A new instance.

        Raises:
            FlowError: If the flow has no such layer.

        Example:
            >>> from laminar_runtime import Flow, Layer
            >>> from laminar_runtime.configurations import datastores, executors
            >>> class Sums(Flow): ...
            >>> @Sums.register
            ... class Add(Layer):
            ...     def __call__(self) -> None:
            ...         self.total = 1 + 2
            >>> execution = Sums(datastore=datastores.Memory(), executor=executors.Thread())()
            >>> execution.layer("Add").total, execution.layer(Add).total
            (3, 3)
        """
        name = layer if isinstance(layer, str) else _name_of(layer)
        definition = self.flow.registry.get(str(name))
        if definition is None:
            known = ", ".join(sorted(self.flow.registry))
            raise FlowError(f"flow '{self.flow.name}' has no layer '{name}'. Its layers: {known}")
        if name == _PARAMETERS and isinstance(layer, type) and not self._has(layer):
            raise FlowError(f"'{layer.__name__}' is not registered to flow '{self.flow.name}': register it")
        configuration = definition.configuration.copy()
        prepare(definition.layer, read="attempt" not in attributes)
        instance = definition.layer.__new__(definition.layer)
        instance.__dict__.update(execution=self, configuration=configuration, definition=definition, **attributes)
        stored = storage_name(layer) if isinstance(layer, Layer) else self._storage_name(instance.name)
        return instance if stored == instance.name else store_as(instance, stored)

    def _has(self, declared: type) -> bool:
        """Return whether a subclass of `Parameters` is registered to the flow, or `Parameters` itself."""
        return any(one is declared or interactive.same(one, declared) for one in self.classes[_PARAMETERS].__mro__)

    def parameters(self, **artifacts: Any) -> Execution:
        """Store the flow's parameters for this execution. A failed execution can get other parameters for a resume.

        Args:
            **artifacts: The parameters.

        Returns:
            This execution.

        Raises:
            FlowError: If the name of a parameter is reserved, or the id is not valid.
            ExecutionError: If the execution has finished with other parameters.
        """
        stored_parameters.store(self, artifacts)
        return self

    def take_input(self) -> bool:
        """Store the input of the state machine as parameters, unless the execution has parameters.

        Returns:
            Whether there was an input.

        Raises:
            DamagedError: If the input is not JSON.
            FlowError: If the input does not have the form ``{"parameters": {...}}``.
        """
        return stored_parameters.take_input(self)

    def resume(self) -> Execution:
        """Run the execution again, without the layers and the splits that finished.

        Returns:
            The execution, resumed.

        Raises:
            FlowError: If a module is being imported (see `Flow`), or the id is not valid.
            ExecutionError: If the execution fails again, or does not exist.
        """
        # Imported here, so that the traceback of an error of the user's code has no frame of this package.
        from laminar_runtime.failures import tracebacks

        with tracebacks.Trimmed():
            return launching.resume(self)

    def wait(self, *, timeout: float | None = None) -> Execution:
        """Wait for the end of the execution, if AWS Step Functions schedules it.

        Args:
            timeout: The maximum wait in seconds. By default it is unlimited.

        Returns:
            This execution.

        Raises:
            WaitTimeoutError: If the execution did not end in time.
            TimeLimitError: If the execution ran longer than its flow may.
            ExecutionFailedError: If the execution did not succeed. It has the failures.

        Example:
            >>> from laminar_runtime.configurations.schedulers import AWS
            >>> flow = Flow(scheduler=AWS.StepFunctions())  # doctest: +SKIP
            >>> flow(day="2026-01-01").wait().layer("Load").rows  # doctest: +SKIP
        """
        self.flow.configuration.scheduler.wait_for(execution=self, timeout=timeout)
        return self

    def failures(self, *, most: int = 10, layer: str = "", index: int | None = None) -> Failures:
        """Return why the execution did not succeed: of each layer and split that failed, the last failure.

        Args:
            most: How many failures are read. All are counted.
            layer: The only layer that is asked for; empty for all.
            index: The only split of each layer that is asked for; None for all.

        Returns:
            The failures, each a `laminar_runtime.failures.record.Failure`. A layer or split that finished has none.

        Raises:
            DeploymentError: If AWS Step Functions schedules the flow, and it is not deployed.
            ExecutionError: If AWS Step Functions does not know the execution.

        Example:
            >>> from laminar_runtime import Flow, Layer
            >>> from laminar_runtime.configurations import datastores, executors
            >>> class Sums(Flow): ...
            >>> @Sums.register
            ... class Add(Layer):
            ...     def __call__(self) -> None:
            ...         self.total = 1 / 0
            >>> flow = Sums(datastore=datastores.Memory(), executor=executors.Thread())
            >>> try:
            ...     flow("e1")
            ... except ZeroDivisionError:
            ...     print(flow.execution("e1").failures().shown[0].headline)
            layer 'Add' of flow 'Sums' failed on attempt 1: ZeroDivisionError: division by zero
        """
        return self.flow.configuration.scheduler.failures_of(execution=self, most=most, layer=layer, index=index)

    def next(self, *, flow: Flow, linker: Callable[[Execution], Parameters]) -> Execution:
        """Run another flow with the same id after the end of this execution.

        Call it at the top level of the file, as in ``One()().next(flow=Two(), ...)``, or in the body of an ``if``
        statement, as in ``if one := One(): one().next(...)``. The tasks of the next flow must run this code, too.

        Args:
            flow: The flow to run.
            linker: Makes the parameters of that flow from this execution.

        Returns:
            The execution of that flow. If the flows were deployed as a chain, the state machine runs the flow and the
            linker.

        Raises:
            ExecutionError: If one of the executions fails.

        Example:
            >>> from laminar_runtime import Flow, Layer, Parameters
            >>> from laminar_runtime.configurations import datastores, executors
            >>> class Load(Flow): ...
            >>> class Report(Flow): ...
            >>> @Load.register
            ... class Count(Layer):
            ...     def __call__(self) -> None:
            ...         self.rows = 7
            >>> @Report.register
            ... class Print(Layer):
            ...     def __call__(self, parameters: Parameters) -> None:
            ...         self.text = f"{parameters.rows} rows"
            >>> local = {"datastore": datastores.Memory(), "executor": executors.Thread()}
            >>> first = Load(**local)()
            >>> second = first.next(flow=Report(**local), linker=lambda done: Parameters(rows=done.layer(Count).rows))
            >>> second.layer(Print).text
            '7 rows'
        """
        # Imported here, so that the traceback of an error of the user's code has no frame of this package.
        from laminar_runtime.failures import tracebacks

        with tracebacks.Trimmed():
            return launching.chain(self, flow, linker)

    def without_results(self) -> Execution:
        """Return the execution of this process' task, without results: the result of a call that runs nothing."""
        found = task_environment.task()
        return NoResults(found.execution if found else None, self.flow)


def _name_of(layer: type[Layer] | Layer) -> str:
    """Return the name of a layer, or of a layer's class."""
    if not isinstance(layer, type):
        return layer.name
    return getattr(layer, "__laminar_parameters__", layer.__name__)


class NoResults(Execution):
    """The result of ``flow()`` in a process that runs nothing: a task's process, or the compiler."""

    def layer(self, layer: Any, **attributes: Any) -> Any:
        """Stop: only the process that launched the flow uses its results."""
        launching.refuse_results(self.flow.name)

    @property
    def finished(self) -> bool:
        """Not available: only the process that launched the flow uses its results."""
        finished: bool = self.layer(_PARAMETERS)
        return finished

    def wait(self, *, timeout: float | None = None) -> Execution:
        """Return at once: a task that waits for its own execution would never end."""
        return self

    def next(self, *, flow: Flow, linker: Callable[[Execution], Parameters]) -> Execution:
        """Continue with the next flow: this process may have been started for one of its tasks."""
        return launching.follow(flow, self.flow, linker)
