"""Executions: the runs of a flow, and their results."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from laminar_runtime import _records, launching, task_environment
from laminar_runtime.configurations import datastores
from laminar_runtime.exceptions import DamagedError, ExecutionError, FlowError, MissingError
from laminar_runtime.identifiers import check_execution_id, new_attempt
from laminar_runtime.introspection import naming
from laminar_runtime.introspection.attributes import prepare, quote, refusal
from laminar_runtime.layer import Layer, Parameters, storage_name, store_as
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import LayerKey, cache_prefix, input_key, layers_prefix

if TYPE_CHECKING:
    from laminar_runtime.flow import Flow
    from laminar_runtime.tasks.pipelines import Guard

__all__ = ["Execution", "NoResults"]

LayerT = TypeVar("LayerT", bound=Layer)

_PARAMETERS = Parameters.__name__


@_records.define(eq=False)
class Execution:
    """One run of a flow: what it is asked to do, and its results.

    Args:
        id: The execution's id, None before there is one.
        flow: The flow.
        retry: Whether it is being resumed.
        guard: What refuses reads of layers, in a split of a pipelined fan-out.
        called: Whether the program itself calls the flow, which a layer, a hook or a thread may do instead.

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

    def __call__(self, id: str) -> Execution:  # noqa: A002 - the name that users pass it by
        """The execution of the same flow that has an id.

        Args:
            id: The execution's id.

        Raises:
            FlowError: If no execution can have it.
        """
        reason = naming.flaw(id)
        if reason is not None:
            raise FlowError(f"flow '{self.flow.name}' has no execution {quote(id)}: that {reason}, as no id does")
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

    def guarded(self, guard: Guard) -> Execution:
        """The same execution, some layers of which may not be read.

        Args:
            guard: What refuses that.
        """
        return _records.evolve(self, guard=guard)

    def key(self, layer: Layer | str, *, read: str = "") -> LayerKey:
        """Return what the datastore knows a layer of this execution by.

        Args:
            layer: The layer, whose instance says what it is stored under; or a name.
            read: What is read of it, to be named where that is refused.

        Raises:
            ExecutionError: If the execution has no id.
            LayerError: If it is refused, as in a split of a pipelined fan-out.
        """
        name, stored = (layer, layer) if isinstance(layer, str) else (layer.name, storage_name(layer))
        if self.guard is not None:
            self.guard.check(name, read)
        if self.id is None:
            msg = f"flow '{self.flow.name}' has not been run: run it, or name an execution as in flow.execution('...')"
            raise ExecutionError(msg)
        return LayerKey(self.flow.name, self.id, stored)

    @property
    def known(self) -> bool:
        """Whether anything of the execution is in the datastore: of a layer, or the input of a state machine."""
        key = self.key("")
        return bool(self.stored) or self.datastore.transport.exists(input_key(key.flow, key.execution))

    @property
    def stored(self) -> set[str]:
        """The names of the layers of which anything is in the datastore, finished or not."""
        key = self.key("")
        prefixes = (layers_prefix(key.flow, key.execution), cache_prefix(key.flow, key.execution))
        return {name for prefix in prefixes for name in self.datastore.transport.names(prefix)}

    @property
    def finished(self) -> bool:
        """Whether all layers finished. One that was skipped did not."""
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
        """A layer of this execution: its attributes are its artifacts.

        Args:
            layer: The layer, by name, by class or by another instance, which also says what it is stored under.
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
        prepare(definition.layer, read="attempt" not in attributes)
        instance = definition.layer.__new__(definition.layer)
        instance.__dict__.update(execution=self, configuration=configuration, definition=definition, **attributes)
        if isinstance(layer, Layer) and (stored := storage_name(layer)) != layer.name:
            store_as(instance, stored)
        return instance

    def parameters(self, **artifacts: Any) -> Execution:
        """Store the flow's parameters for this execution. One that failed may be given others before it is resumed.

        Args:
            **artifacts: The parameters.

        Returns:
            This execution.

        Raises:
            FlowError: If one has a name that means something else on a layer, or the id is none.
            ExecutionError: If the execution has finished, with other parameters.
        """
        if not self.offer(artifacts):
            if self.finished:
                where = f"execution {self.id} of flow '{self.flow_name}'"
                raise ExecutionError(f"{where} has finished, with other parameters: run the flow under another id")
            self._replace(artifacts)
        return self

    def offer(self, artifacts: Mapping[str, Any]) -> bool:
        """Store the flow's parameters for this execution, unless it has some: of several that try, one succeeds.

        Args:
            artifacts: The parameters.

        Returns:
            Whether the execution has these parameters now.

        Raises:
            FlowError: If one has a name that means something else on a layer, or the id is none.
        """
        check_execution_id(self.key("").execution)
        key, store, commit = self.key(_PARAMETERS), self.datastore, self._written(artifacts)
        if store.ledger.commit(key, index=0, commit=commit, fans_out=False):
            return True
        kept = store.ledger.attributes(key, index=0, record=None)
        return kept == commit.archives.keys() and all(
            store.ledger.read_archive(key, index=0, name=name) == archive for name, archive in commit.archives.items()
        )

    def link(self, artifacts: Mapping[str, Any]) -> None:
        """Store the parameters that a linker made. In an execution that is resumed it may make others than before.

        Args:
            artifacts: The parameters.

        Raises:
            FlowError: If one has a name that means something else on a layer, or the id is none.
        """
        if not self.offer(artifacts) and self.retry and not self.finished:
            self._replace(artifacts)

    def _replace(self, artifacts: Mapping[str, Any]) -> None:
        self.datastore.ledger.write_record(self.key(_PARAMETERS), splits=1, commit=self._written(artifacts))

    def _written(self, artifacts: Mapping[str, Any]) -> Commit:
        """Store values as parameters that are not committed yet."""
        for name in sorted(artifacts):
            if (reason := naming.flaw(name)) is not None:
                raise FlowError(f"flow '{self.flow.name}' cannot have the parameter {quote(name)}: that {reason}")
        reasons = {name: refusal(Parameters, name) for name in sorted(artifacts)}
        if reserved := [name for name, reason in reasons.items() if reason is not None]:
            names = ", ".join(reserved)
            raise FlowError(f"flow '{self.flow.name}' cannot have parameters of reserved names: {names}. Rename them")
        key, attempt = self.key(_PARAMETERS), new_attempt(1)
        archives = {
            name: self.datastore.write(key, index=0, name=name, values=[value], sharded=False, attempt=attempt)
            for name, value in artifacts.items()
        }
        return Commit(attempt, archives)

    def take_input(self) -> bool:
        """Store as parameters what a state machine was started with, if it was and nobody did so before.

        Returns:
            Whether there was such an input, with parameters.

        Raises:
            FlowError: If the input is not of the form ``{"parameters": {...}}``.
        """
        key = self.key(_PARAMETERS)
        if self.datastore.ledger.read_record(key) is not None:
            return False
        try:
            content = self.datastore.read_input(key.flow, key.execution)
        except MissingError:
            return False
        try:
            document = json.loads(content)
        except (RecursionError, ValueError) as error:
            place = self.datastore.uri(path=input_key(key.flow, key.execution))
            msg = f"{place} is damaged: it is not JSON ({error}). Start another execution with this input"
            raise DamagedError(msg) from error
        given = document.get("parameters", {}) if isinstance(document, dict) else None
        if not isinstance(given, dict):
            msg = f'the input of execution {self.id} is not of the form {{"parameters": {{...}}}}'
            raise FlowError(msg)
        self.offer(given)
        return True

    def resume(self) -> Execution:
        """Run the execution again, without the layers and the splits that finished.

        Returns:
            The execution, resumed.

        Raises:
            FlowError: If a module is imported meanwhile: see `Flow`; or the id is none.
            ExecutionError: If it fails again, or nothing is known of it.
        """
        # Here, so that no frame of this package is in the traceback of an error of the user's code.
        from laminar_runtime.failures import tracebacks

        with tracebacks.Trimmed():
            return launching.resume(self)

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

        Chain at the top level of the file, as in ``One()().next(flow=Two(), ...)``, or in the block of a guard, as in
        ``if one := One(): one().next(...)``: the processes of the tasks of the next flow come by there.

        Args:
            flow: The flow to run.
            linker: Makes the parameters of that flow from this execution.

        Returns:
            The execution of that flow. If they were deployed as a chain, the state machine runs it, and the linker too.
        """
        # Here, so that no frame of this package is in the traceback of an error of the user's code.
        from laminar_runtime.failures import tracebacks

        with tracebacks.Trimmed():
            return launching.chain(self, flow, linker)

    def without_results(self) -> Execution:
        """Return what a call of the flow gives where it runs nothing: the execution of this process's task, if any."""
        found = task_environment.task()
        return NoResults(found.execution if found else None, self.flow)


class NoResults(Execution):
    """What ``flow()`` gives where it runs nothing: in a task's process, and while the compiler reads the file."""

    def layer(self, layer: Any, **attributes: Any) -> Any:
        """Results are for the process that launched the flow: what a file does with them, it does there."""
        launching.refuse_results(self.flow.name)

    @property
    def finished(self) -> bool:
        """The same."""
        finished: bool = self.layer(_PARAMETERS)
        return finished

    def wait(self, *, timeout: float | None = None) -> Execution:
        """Go on: a task that waited for the execution that it is part of would wait without end."""
        return self

    def next(self, *, flow: Flow, linker: Callable[[Execution], Parameters]) -> Execution:
        """Go on to the next flow: its task may be the one that this process was started for."""
        return launching.follow(flow, self.flow, linker)
