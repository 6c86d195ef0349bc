"""The states that ask the planner of a layer.

Their output is the plan of the layer, `laminar_runtime.planner.LayerPlan`: its groups are the jobs of the layer. When
these have ended, the planner records the layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import DRIVE, Task
from laminar_codegen.ir.expressions import Expression, Ref, Value
from laminar_codegen.ir.graph import Container, Graph, LayerNode
from laminar_codegen.ir.retriers import Retrier, of_layer
from laminar_codegen.ir.state_names import Suffix
from laminar_runtime.exceptions import SubmissionError

__all__ = ["Planners"]

_REDRIVES = Expression("$states.context.Execution.RedriveCount")
#: The planner's input about a failed attempt.
_FAILED: Mapping[str, Value] = {
    "plan": Expression("$states.input.plan"),
    "error": Expression("$states.input.error"),
    "redrives": _REDRIVES,
}


@attrs.frozen(eq=False, repr=False)
class Planners:
    """The states that ask planners.

    Args:
        labels: The labels of the planners' functions by container.
    """

    labels: Mapping[Container, str]

    @classmethod
    def of(cls, graph: Graph) -> Planners:
        """Make the states that ask the planners of a graph.

        Args:
            graph: The graph.
        """
        return cls(labels.planner_functions(graph))

    def plan(self, layer: LayerNode, name: str, comment: str, after: str, *, again: bool = False) -> Task:
        """Return the state that asks the planner how to run a layer, and passes its plan on.

        Args:
            layer: The layer.
            name: The state's name.
            comment: Its purpose.
            after: The state that follows.
            again: Whether the planner may be asked again, with the plan, after a failure.
        """
        return self.ask(layer, layer.name, name, comment, after, {"redrives": _REDRIVES} if again else {})

    def replan(self, layer: LayerNode, after: str) -> Task:
        """Return the state that asks the planner about the next attempt, with plan and error of the last one."""
        comment = f"Asks the planner about the next attempt at {layer.name}"
        return self.ask(layer, layer.name, Suffix.RETRY.of(layer.name), comment, after, _FAILED)

    def plan_chain(self, layers: Sequence[LayerNode], after: str) -> Task:
        """Return the state that asks the planner which splits of some layers to run item by item."""
        first, names = layers[0], [layer.name for layer in layers]
        comment = f"Asks the planner into how many splits {first.name} fans out, and with it what follows item by item"
        given: dict[str, Value] = {"redrives": _REDRIVES, "chain": names}
        return self.ask(first, first.name, Suffix.PLAN.of(first.name), comment, after, given)

    def report_failure(self, layers: Sequence[LayerNode], after: str) -> Task:
        """Return the state that asks the planner which of some layers that run item by item failed.

        The planner fails with the name of the layer. After a redrive it is asked again, and plans the rest.
        """
        first, names = layers[0], [layer.name for layer in layers]
        comment = f"Asks the planner which of {', '.join(names)} failed"
        return self.ask(first, first.name, Suffix.RETRY.of(first.name), comment, after, {**_FAILED, "chain": names})

    def record(self, layer: LayerNode, after: str | None) -> Task:
        """Return the state in which the planner records the end of a fan-out, if all of its splits left their commits.

        Args:
            layer: The layer.
            after: The state that follows.
        """
        ended: dict[str, Value] = {"splits": Expression("$states.input.splits")}
        comment = f"Has the planner note that {layer.name} finished, if all of its splits did"
        tolerated = layer.fan_out.tolerated_failures
        if tolerated is not None:
            comment = f"Has the planner note that {layer.name} finished, if no more splits failed than it tolerates"
            error = Expression("$exists($states.input.error) ? $states.input.error : null")
            ended |= {"tolerated": tolerated, "error": error}
        given: dict[str, Value] = {"record": ended}
        asked = self.ask(layer, layer.name, Suffix.RECORD.of(layer.name), comment, after, given)
        # It calls no hooks, so there is nothing to retry, and it has no output.
        return attrs.evolve(asked, output={}, retry=())

    def ask(  # noqa: PLR0913, PLR0917 - a state has many parts
        self,
        asked: LayerNode,
        layer: str,
        name: str,
        comment: str,
        after: str | None,
        given: Mapping[str, Value] | None = None,
    ) -> Task:
        """Return a state that asks a planner, and passes its answer on.

        Args:
            asked: The layer whose planner it asks.
            layer: The layer about which it asks.
            name: The state's name.
            comment: Its purpose.
            after: The state that follows.
            given: Its further input.
        """
        return Task(
            name=name,
            comment=comment,
            integration="lambda:invoke",
            arguments={
                "FunctionName": Ref(f"aws_lambda_function.{self.labels[asked.container]}.arn"),
                "Payload": {"execution": Expression(DRIVE), "layer": layer, **(given or {})},
            },
            output=Expression("$states.result.Payload"),
            retry=_retry(asked),
            next=after,
        )


def _retry(layer: LayerNode) -> tuple[Retrier, ...]:
    """Return the retrier for a failed submission hook, which counts as an attempt at the layer."""
    return of_layer(layer.retry, SubmissionError.__name__) if layer.has_hooks("submission") else ()
