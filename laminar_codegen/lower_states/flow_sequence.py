"""The state machine of a chain of flows, which run one after the other under the same execution id.

Before: flows One and Two, of which Two takes its parameters from One. After::

    One             an execution of One's own state machine
    Two parameters  asks the planner of Two, which makes its parameters from the artifacts of One
    Two             an execution of Two's state machine
"""

from __future__ import annotations

from collections.abc import Sequence

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import State, StateMachine
from laminar_codegen.ir.expressions import Expression
from laminar_codegen.ir.graph import PARAMETERS, Graph
from laminar_codegen.ir.state_names import Suffix
from laminar_codegen.lower_states.executions import FROM_HERE, start_execution
from laminar_codegen.lower_states.job_tags import replace_tags, tags_of_execution
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
    return StateMachine(name=labels.MAIN, comment=f"Runs the flows {named}", states=_states(graphs))


def _states(graphs: Sequence[Graph]) -> tuple[State, ...]:
    entries = [graphs[0].flow, *(_link(graph) for graph in graphs[1:])]
    following = zip(graphs, [*entries[1:], None], strict=True)
    return tuple(state for graph, after in following for state in _of_flow(graph, after))


def _of_flow(graph: Graph, after: str | None) -> tuple[State, ...]:
    """Return the states that run a flow, after those that make its parameters."""
    comment = graph.summary or f"Runs the flow {graph.flow}"
    if not graph.linked:
        # Its parameters are the input of this execution.
        given = Expression("$states.context.Execution.Input")
        return (start_execution(graph.flow, comment, labels.main(graph), given, after),)
    why = f"Makes the parameters of {graph.flow} from what ran before it"
    asked = Planners.of(graph).ask(graph.layers[0], PARAMETERS, _link(graph), why, graph.flow)
    started = start_execution(graph.flow, comment, labels.main(graph), FROM_HERE, after)
    return replace_tags((asked, started), tags_of_execution(graph.flow))


def _link(graph: Graph) -> str:
    return Suffix.PARAMETERS.of(graph.flow)
