"""The state machine of a chain of flows, which run one after the other under the same execution id.

Before: flows One and Two, of which Two takes its parameters from One. After::

    One             an execution of One's own state machine
    Two parameters  asks the planner of Two, which makes its parameters from the artifacts of One
    Two             an execution of Two's state machine
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import StateMachine, Task
from laminar_codegen.ir.expressions import Expression
from laminar_codegen.ir.graph import PARAMETERS, Graph
from laminar_codegen.ir.state_names import Suffix
from laminar_codegen.lower_states.executions import FROM_HERE, start_execution
from laminar_codegen.lower_states.planner import Planners

__all__ = ["emit_chain"]


def emit_chain(graphs: Sequence[Graph]) -> StateMachine:
    """Emit the state machine that runs the state machines of flows.

    Args:
        graphs: The graphs of the flows, in their order.

    Returns:
        The state machine. It refers to resources that `laminar_codegen.lower_terraform.document` declares.
    """
    named = " -> ".join(graph.flow for graph in graphs)
    return StateMachine(name=labels.MAIN, comment=f"Runs the flows {named}", states=tuple(_states(graphs)))


def _states(graphs: Sequence[Graph]) -> Iterator[Task]:
    entries = [graphs[0].flow, *(_link(graph) for graph in graphs[1:])]
    for graph, following in zip(graphs, [*entries[1:], None], strict=True):
        started = FROM_HERE
        if graph.linked:
            comment = f"Makes the parameters of {graph.flow} from what ran before it"
            yield Planners.of(graph).ask(graph.layers[0], PARAMETERS, _link(graph), comment, graph.flow)
        else:
            # Its parameters are the input of this execution.
            started = Expression("$states.context.Execution.Input")
        comment = graph.summary or f"Runs the flow {graph.flow}"
        yield start_execution(graph.flow, comment, labels.main(graph), started, following)


def _link(graph: Graph) -> str:
    return Suffix.PARAMETERS.of(graph.flow)
