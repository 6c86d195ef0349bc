"""The states that run a layer on AWS Lambda: one invocation, or a Map with one for each split.

Before: a layer, and the function that runs it. After::

    Score           the layer's only task: one invocation

    Score           a Map over the splits of a group
      Score split   the invocation for one of them

A job gets the settings of its task from the environment, an invocation from its payload.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs

from laminar_codegen.ir.asl import DRIVE, Catcher, Map, Task
from laminar_codegen.ir.expressions import Expression, Ref, Value
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.retriers import Retrier
from laminar_codegen.ir.state_names import Suffix
from laminar_codegen.limits import MAP_CONCURRENCY, MAX_INVOCATIONS
from laminar_codegen.targets.aws_lambda.labels import task_functions
from laminar_codegen.targets.aws_lambda.named_failures import payload, retriers_of
from laminar_codegen.targets.aws_lambda.target import LambdaTarget
from laminar_codegen.targets.kind import Attempts, TaskStates

__all__ = ["LambdaStates"]


@attrs.frozen(eq=False, repr=False)
class LambdaStates(TaskStates):
    """The states of layers on AWS Lambda.

    Args:
        graph: The graph.
        functions: The labels of the functions that run layers, by the layer's name.
    """

    error_field: ClassVar[str] = "errorMessage"
    groups_share_limit: ClassVar[bool] = False

    graph: Graph
    functions: Mapping[str, str]

    @classmethod
    def of(cls, graph: Graph) -> LambdaStates:
        """Return the states of the layers of a graph.

        Args:
            graph: The graph.
        """
        return cls(graph, task_functions(graph))

    def once(self, layer: LayerNode, after: str | None, attempts: Attempts) -> Task:
        """Return the invocation of the function of a layer that does not fan out."""
        return self._of(layer, attempts).once(after, attempts.catchers)

    def group(self, layer: LayerNode, name: str, attempts: Attempts) -> Map:
        """Return a Map of invocations, one for each split of a group."""
        target = layer.executor
        if not isinstance(target, LambdaTarget):
            raise TypeError(f"layer '{layer.name}' does not run on AWS Lambda")
        return self._of(layer, attempts).each(target, name)

    def _of(self, layer: LayerNode, attempts: Attempts) -> Invocations:
        retry, named = retriers_of(layer, attempts.retriers), payload(self.graph, layer)
        return Invocations(layer, self.functions[layer.name], retry, attempts.attempt, named)


@attrs.frozen(eq=False, repr=False)
class Invocations:
    """The invocations for a layer.

    Args:
        layer: The layer.
        function: The label of its function.
        retry: The retriers of an invocation, besides those for passing errors of AWS Lambda.
        attempt: The expression for the number of the attempt if the planner counts attempts, else None.
        named: What the payload says of the failures that the layer's `Retry` names.
    """

    layer: LayerNode
    function: str
    retry: tuple[Retrier, ...]
    attempt: str | None
    named: Mapping[str, Value]

    def once(self, after: str | None, catch: tuple[Catcher, ...]) -> Task:
        """Return the state that runs the only task of the layer.

        Args:
            after: The state that follows, None at the end.
            catch: The states that follow if it failed for good.
        """
        return self._task(self.layer.name, self.layer.summary, {}, after, catch)

    def each(self, target: LambdaTarget, name: str) -> Map:
        """Return the state that runs the splits of a group, which is its input.

        Args:
            target: The target.
            name: The name of the state.
        """
        of_group = ("indexes", "splits", "attempt") if self.layer.replanned else ("indexes", "splits")
        selector: dict[str, Value] = {key: Expression(f"$states.input.{key}") for key in of_group}
        settings: dict[str, Value] = {key: Expression(f"$states.input.{key}") for key in ("child", "indexes", "splits")}
        return Map(
            name=name,
            comment=self.layer.summary,
            items=Expression("[0..$states.input.size - 1]"),
            selector={"child": Expression("$states.context.Map.Item.Value"), **selector},
            concurrency=min(target.concurrency, MAP_CONCURRENCY, self.layer.fan_out.max_concurrency or MAP_CONCURRENCY),
            iterations=MAX_INVOCATIONS,
            count=self.layer.name,
            states=(self._task(Suffix.SPLIT.of(name), f"Runs one split of {self.layer.name}", settings, None, ()),),
            next=None,
        )

    def _task(
        self, name: str, comment: str, settings: dict[str, Value], after: str | None, catch: tuple[Catcher, ...]
    ) -> Task:
        attempt: dict[str, Value] = {} if self.attempt is None else {"attempt": Expression(self.attempt)}
        return Task(
            name=name,
            comment=comment,
            integration="lambda:invoke",
            arguments={
                "FunctionName": Ref(f"aws_lambda_function.{self.function}.arn"),
                "Payload": {
                    "execution": Expression(DRIVE),
                    "layer": self.layer.name,
                    **settings,
                    **attempt,
                    **self.named,
                },
            },
            retry=self.retry,
            catch=catch,
            next=after,
        )
