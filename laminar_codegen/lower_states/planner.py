"""The states that ask the planner of a layer.

Their output is the plan of the layer, `laminar_runtime.planner.LayerPlan`: its groups are the jobs of the layer. When
these have ended, the planner records the layer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import DRIVE, Task
from laminar_codegen.ir.expressions import Expression, Ref, Value
from laminar_codegen.ir.graph import Container, Graph, LayerNode
from laminar_codegen.ir.retriers import Retrier, of_layer
from laminar_codegen.ir.state_names import Suffix
from laminar_codegen.lower_states.objects import EXECUTION_ID, Objects, insertion
from laminar_runtime.exceptions import SubmissionError
from laminar_runtime.storage.layout import answer_key

__all__ = ["Planners", "jsonata"]

_REDRIVES = Expression("$states.context.Execution.RedriveCount")
#: The planner's input about a failed attempt.
_FAILED: Mapping[str, Value] = {
    "plan": Expression("$states.input.plan"),
    "error": Expression("$states.input.error"),
    "redrives": _REDRIVES,
}


@attrs.frozen(eq=False, repr=False)
class Planners:
    """The states that ask planners: an invocation for each question or, if planners are jobs, a job for each.

    The state after a job reads its answer from the datastore.

    Args:
        graph: The graph.
        labels: The labels of the planners by container.
    """

    graph: Graph
    labels: Mapping[Container, str]

    @classmethod
    def of(cls, graph: Graph) -> Planners:
        """Make the states that ask the planners of a graph.

        Args:
            graph: The graph.
        """
        return cls(graph, labels.planner_functions(graph))

    def plan(self, layer: LayerNode, name: str, comment: str, after: str, *, again: bool = False) -> tuple[Task, ...]:
        """Return the states that ask the planner how to run a layer, and pass its plan on.

        Args:
            layer: The layer.
            name: The state's name.
            comment: Its purpose.
            after: The state that follows.
            again: Whether the planner may be asked again, with the plan, after a failure.
        """
        given: dict[str, Value] = {"redrives": _REDRIVES} if again else {}
        if layer.split_seconds is not None:
            given["split_seconds"] = layer.split_seconds
        return self._ask_and_read(layer, name, Suffix.PLAN_ANSWER, comment, after, given)

    def replan(self, layer: LayerNode, after: str) -> tuple[Task, ...]:
        """Return the states that ask the planner about the next attempt, with plan and error of the last one."""
        comment = f"Asks the planner about the next attempt at {layer.name}"
        return self._ask_and_read(layer, Suffix.RETRY.of(layer.name), Suffix.RETRY_ANSWER, comment, after, _FAILED)

    def plan_chain(self, layers: Sequence[LayerNode], after: str) -> tuple[Task, ...]:
        """Return the states that ask the planner which splits of some layers to run item by item."""
        first, names = layers[0], [layer.name for layer in layers]
        comment = f"Asks the planner into how many splits {first.name} fans out, and with it what follows item by item"
        given: dict[str, Value] = {"redrives": _REDRIVES, "chain": names}
        return self._ask_and_read(first, Suffix.PLAN.of(first.name), Suffix.PLAN_ANSWER, comment, after, given)

    def report_failure(self, layers: Sequence[LayerNode], after: str) -> tuple[Task, ...]:
        """Return the states that ask the planner which of some layers that run item by item failed.

        The planner fails with the name of the layer. After a redrive it is asked again, and plans the rest.
        """
        first, names = layers[0], [layer.name for layer in layers]
        comment = f"Asks the planner which of {', '.join(names)} failed"
        given: dict[str, Value] = {**_FAILED, "chain": names}
        return self._ask_and_read(first, Suffix.RETRY.of(first.name), Suffix.RETRY_ANSWER, comment, after, given)

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

    def _ask_and_read(  # noqa: PLR0913, PLR0917 - a state has many parts
        self, asked: LayerNode, name: str, answer: Suffix, comment: str, after: str, given: Mapping[str, Value]
    ) -> tuple[Task, ...]:
        """Return the states that ask a planner about its layer, and pass the answer on."""
        if self.graph.planner.target is None:
            return (self.ask(asked, asked.name, name, comment, after, given),)
        read = answer.of(asked.name)
        job = self.ask(asked, asked.name, name, comment, read, given)
        key = answer_key(self.graph.flow, EXECUTION_ID, insertion("$states.input.job"))
        # The next question names the job: its answer may be too long for the environment of another one.
        plan = Expression("$merge([$parse($states.result.Body), {'job': $states.input.job}])")
        reading = Objects(self.graph.flow).get(read, f"Reads the answer about {asked.name}", key, plan, after)
        return attrs.evolve(job, output={"job": Expression("$states.result.JobId")}), reading

    def _job(self, asked: LayerNode, layer: str, name: str, given: Mapping[str, Value]) -> dict[str, Value]:
        """Return the arguments of the job that answers a question."""
        known: dict[str, Value] = {"plan": Expression("$states.input.plan.job")} if "plan" in given else {}
        question = jsonata({**given, **known})
        from laminar_codegen.targets.batch.planner_jobs import planner_job  # most planners are functions

        return planner_job(self.graph, asked, layer, name, Expression(f"$string({question})"))

    def ask(  # noqa: PLR0913, PLR0917 - a state has many parts
        self,
        asked: LayerNode,
        layer: str,
        name: str,
        comment: str,
        after: str | None,
        given: Mapping[str, Value] | None = None,
    ) -> Task:
        """Return a state that asks a planner. An invocation passes its answer on, a job does not.

        Args:
            asked: The layer whose planner it asks.
            layer: The layer about which it asks.
            name: The state's name.
            comment: Its purpose.
            after: The state that follows.
            given: Its further input.
        """
        if self.graph.planner.target is not None:
            return Task(
                name=name,
                comment=comment,
                integration="batch:submitJob.sync",
                arguments=self._job(asked, layer, name, given or {}),
                next=after,
            )
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


def jsonata(value: Value) -> str:
    """Return the JSONata expression of a value, without the marks around it.

    Args:
        value: The value: text, numbers, maps, lists and expressions without references.

    Raises:
        TypeError: If it has something else in it.

    Example:
        >>> jsonata({"redrives": Expression("$count"), "chain": ["A", "B"]})
        "{'redrives': $count, 'chain': ['A', 'B']}"
    """
    match value:
        case Expression(parts=(str(text),)):
            plain = text.removeprefix("{% ").removesuffix(" %}")
            return f"({plain})" if "?" in plain else plain
        case str():
            return f"'{value}'"
        case bool() | int() | float() | None:
            return json.dumps(value)
        case Mapping():
            members = (f"'{name}': {jsonata(item)}" for name, item in value.items())
            return f"{{{', '.join(members)}}}"
        case list() | tuple():
            return f"[{', '.join(map(jsonata, value))}]"
        case _:
            raise TypeError(f"no expression of {value!r}")


def _retry(layer: LayerNode) -> tuple[Retrier, ...]:
    """Return the retrier for a failed submission hook, which counts as an attempt at the layer."""
    return of_layer(layer.retry, SubmissionError.__name__) if layer.has_hooks("submission") else ()
