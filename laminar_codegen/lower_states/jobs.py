"""The states that run one layer: its jobs, or invocations of its function.

Their input is the plan of the layer, if it has a planner: see `laminar_codegen.lower_states.planner`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from laminar_codegen.ir.asl import Catcher, Map, State, Succeed, Task
from laminar_codegen.ir.expressions import Expression
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import Target
from laminar_codegen.ir.plan import Pack
from laminar_codegen.ir.retriers import Retrier, of_layer
from laminar_codegen.ir.state_names import Suffix
from laminar_codegen.limits import MAP_CONCURRENCY
from laminar_codegen.targets.kind import Attempts, TaskStates
from laminar_codegen.targets.registry import kind_of

__all__ = ["Jobs"]

#: The characters of the reason of a failure that are passed on.
_REASON = 100


@attrs.frozen(eq=False, repr=False)
class Jobs:
    """The states of layers, each by the kind of its target.

    Args:
        graph: The graph.
    """

    graph: Graph
    states: dict[type[Target], TaskStates] = attrs.field(factory=dict)

    def job(self, layer: LayerNode, after: str | None) -> Task:
        """Return the state that runs a layer that does not fan out.

        Args:
            layer: The layer.
            after: The state that follows, None at the end.
        """
        catchers = (self.to_retry(layer),) if layer.replanned else ()
        attempts = Attempts(_retry(layer), _attempt(layer, "$states.input.groups[0]"), catchers)
        return self._of(layer).once(layer, after, attempts)

    def pack(self, pack: Pack, name: str, after: str | None) -> Task:
        """Return the state that runs layers in one job.

        Args:
            pack: The layers, and the size of the job.
            name: The state's name.
            after: The state that follows, None at the end.
        """
        known = {layer.name: layer for layer in self.graph.layers}
        layers = [known[layer] for layer in pack.names]
        return self._of(layers[0]).pack(pack, layers, name, after)

    def group(self, layer: LayerNode, name: str) -> Task | Map:
        """Return the state that runs a group of splits.

        Args:
            layer: The layer.
            name: The state's name.
        """
        return self._of(layer).group(layer, name, Attempts(_retry(layer), _attempt(layer, "$states.input")))

    def chain(self, layers: Sequence[LayerNode]) -> Iterator[State]:
        """Yield the states that run a group of splits of layers item by item.

        Args:
            layers: The layers, in their order.
        """
        return self._of(layers[0]).pipeline(layers)

    def groups_at_once(self, layer: LayerNode) -> int | None:
        """Return how many groups of splits may run at once, so that no more splits do than the layer allows.

        Args:
            layer: The layer.

        Returns:
            The number; None if all may. Only hooks that choose containers make several groups of a limited layer.
        """
        limit = layer.fan_out.max_concurrency
        if limit is None or not layer.sized:
            return None
        # With more groups than the limit, each has one child.
        return min(limit // layer.fan_out.splits_at_once, MAP_CONCURRENCY) if self._of(layer).groups_share_limit else 1

    def together(self, layer: LayerNode) -> str:
        """Return the end of a comment on the state that runs all splits of a layer.

        Args:
            layer: The layer.
        """
        return self._of(layer).together

    def _of(self, layer: LayerNode) -> TaskStates:
        kind = kind_of(layer.executor)
        if kind.target not in self.states:
            self.states[kind.target] = kind.states(self.graph)
        return self.states[kind.target]

    def group_passing_errors(self, layer: LayerNode, name: str) -> Iterator[State]:
        """Yield the states that run a group of splits and pass its failure on without stopping other groups.

        Args:
            layer: The layer.
            name: The name of the first state.
        """
        job = self.group(layer, name)
        match job:
            case Map(states=(Task() as invocation,)):
                error = Expression("{'error': [$states.result.error][0]}")
                yield attrs.evolve(
                    job,
                    states=tuple(self._catch_failure(layer, invocation, Suffix.SPLIT_FAILED.of(name))),
                    output=error,
                )
            case Map():
                raise AssertionError(job)
            case Task():
                yield from self._catch_failure(layer, job, Suffix.FAILED.of(name))

    def to_retry(self, layer: LayerNode) -> Catcher:
        """Return the catcher that routes a failed job to the retry hooks."""
        output = {"plan": Expression("$states.input"), "error": self._error(layer)}
        return Catcher(("States.TaskFailed",), Suffix.RETRY.of(layer.name), output)

    def _catch_failure(self, layer: LayerNode, task: Task, failed: str) -> Iterator[State]:
        """Yield a task that catches its failure, and the state that follows a failure with the error."""
        yield attrs.evolve(task, catch=(Catcher(("States.TaskFailed",), failed, {"error": self._error(layer)}),))
        yield Succeed(name=failed, comment="Lets what runs beside it end first", output=Expression("$states.input"))

    def _error(self, layer: LayerNode) -> Expression:
        """Return the name and the reason of an error. A cause describes a whole job, and a payload has 256 KiB."""
        field = self._of(layer).error_field
        reason = f"""$substringBefore($substringAfter($states.errorOutput.Cause, '"{field}":"'), '"')"""
        return Expression(f"{{'Error': $states.errorOutput.Error, 'Cause': $substring({reason}, 0, {_REASON})}}")


def _attempt(layer: LayerNode, group: str) -> str | None:
    """Return the expression for the attempt of a task, None if the task counts its attempts itself."""
    return f"{group}.attempt" if layer.replanned else None


def _retry(layer: LayerNode) -> tuple[Retrier, ...]:
    """Return the retriers of a task's state, none if the planner plans its attempts."""
    return () if layer.replanned else of_layer(layer.retry, "States.TaskFailed")
