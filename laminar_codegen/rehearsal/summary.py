"""What an execution of a rehearsal took: layers that were skipped, state transitions, events and money."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

import attrs

from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_runtime import Execution
from laminar_runtime.causes.histories import count_transitions
from laminar_runtime.prices import TRANSITION

__all__ = ["Taken", "layers_without_end", "measure", "skips", "was_skipped"]


@attrs.frozen
class Taken:
    """What all executions of a deployment took.

    Args:
        transitions: The state transitions, those of retries among them.
        events: The events of the longest history.
        executions: How many executions there were: the flow's, and those that it started.
    """

    transitions: int = 0
    events: int = 0
    executions: int = 0

    def __str__(self) -> str:
        """Return what is shown of it.

        Example:
            >>> print(Taken(4, 20, 1))
            4 transitions, 20 events, $0.000100 for the orchestration
        """
        several = f" in {self.executions:,} executions" if self.executions > 1 else ""
        cost = f"${self.transitions * TRANSITION:,.6f} for the orchestration"
        return f"{self.transitions:,} transitions{several}, {self.events:,} events, {cost}"


def measure(states: Any) -> Taken:
    """Measure all executions of an account.

    Args:
        states: A client of Step Functions.

    Returns:
        What they took.
    """
    taken = Taken()
    for machine in states.get_paginator("list_state_machines").paginate().search("stateMachines[].stateMachineArn"):
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
        for execution in pages.search("executions[].executionArn"):
            if execution is None:
                continue
            kinds = [
                event["type"]
                for page in states.get_paginator("get_execution_history").paginate(executionArn=execution)
                for event in page["events"]
            ]
            taken = Taken(
                taken.transitions + count_transitions(kinds), max(taken.events, len(kinds)), taken.executions + 1
            )
    return taken


def skips(execution: Execution, graph: Graph, ran: Collection[str] = ()) -> Iterator[str]:
    """Yield a line for each layer that was skipped, with the reason.

    Args:
        execution: The execution, which succeeded.
        graph: The graph of its flow.
        ran: The layers that tasks ran of.
    """
    missing = _missing(execution, graph)
    for layer in graph.layers:
        if layer.name in missing and not _must_run(layer, missing, ran):
            yield f"{layer.name}: skipped, {_why(layer, missing)}"


def was_skipped(client: Any, arn: str) -> bool:
    """Return whether an execution ended at once, as another one ran: see `laminar_codegen.lower_states.turns`.

    Args:
        client: A client of Step Functions.
        arn: The ARN of the execution, which succeeded.
    """
    return bool(json.loads(client.describe_execution(executionArn=arn)["output"]) == {"skipped": True})


def layers_without_end(execution: Execution, graph: Graph, ran: Collection[str] = ()) -> Iterator[str]:
    """Yield the layers that must run and did not finish, though the execution succeeded.

    What a document starts may end well without being a task of the flow: a program that finds none of the variables of
    a task takes itself for the launcher, and runs the whole flow where it is.

    Args:
        execution: The execution, which succeeded.
        graph: The graph of its flow.
        ran: The layers that tasks ran of.
    """
    missing = _missing(execution, graph)
    yield from (layer.name for layer in graph.layers if layer.name in missing and _must_run(layer, missing, ran))


def _must_run(layer: LayerNode, missing: Collection[str], ran: Collection[str]) -> bool:
    """Return whether there is no reason that a layer was skipped."""
    if not layer.optional or layer.name in ran:
        return True
    return not _entry_hooks(layer) and not any(name in missing for name in layer.depends)


def _entry_hooks(layer: LayerNode) -> list[str]:
    return [name for kind, name in layer.hooks if kind == "entry"]


def _missing(execution: Execution, graph: Graph) -> set[str]:
    return {layer.name for layer in graph.layers if not execution.layer(layer.name).state.finished}


def _why(layer: LayerNode, missing: set[str]) -> str:
    """Return why a layer was skipped: without entry hooks it runs if all that it depends on finished."""
    hooks = _entry_hooks(layer)
    if hooks:
        which = "its entry hook" if len(hooks) == 1 else "one of its entry hooks"
        return f"as {which} {', '.join(hooks)} returned false"
    return f"as {', '.join(name for name in layer.depends if name in missing)} did not finish"
