"""The compiler, pass by pass.

::

    flow.py  --load-->  Source  --build_graph-->  Graph  --check-->  Graph
             --make_plan-->  Step  --nest-->  Step  --emit_states-->  StateMachine, ...
             --emit_document-->  Document  --render-->  text

Each pass is one function in the module of its name, takes frozen values and gives one: no clock, no chance, no
environment and no AWS is in any of them, so that the same flow gives the same bytes everywhere.
"""

from __future__ import annotations

import attrs

from laminar_codegen.checks import check, check_definitions
from laminar_codegen.document import Document
from laminar_codegen.emit_document import emit_document
from laminar_codegen.emit_states import emit_states, weigh
from laminar_codegen.graph import Graph, build_graph
from laminar_codegen.loader import Source, load
from laminar_codegen.make_plan import make_plan
from laminar_codegen.nest import nest
from laminar_codegen.plan import Step
from laminar_codegen.states import StateMachine

__all__ = ["Compilation", "compile_flow", "compile_source"]


@attrs.frozen
class Compilation:
    """What each pass made of a flow.

    Args:
        source: The flow.
        graph: Its layers and what they depend on.
        plan: What runs after and beside what.
        machines: The state machine, and those of nested steps if it would be too large.
        document: The Terraform document that declares them.
    """

    source: Source
    graph: Graph
    plan: Step
    machines: tuple[StateMachine, ...]
    document: Document


def compile_flow(target: str) -> Compilation:
    """Compile a flow.

    Args:
        target: The flow's file, or ``file:FlowName`` if it has several.

    Returns:
        What each pass made of it.

    Raises:
        CompileError: If it cannot be compiled; it tells every reason.

    Example:
        ``render_document(compile_flow("flow.py").document)`` is what ``laminar-codegen flow.py`` prints.
    """
    return compile_source(load(target))


def compile_source(source: Source) -> Compilation:
    """Compile a flow that is loaded.

    Args:
        source: The flow.

    Returns:
        What each pass made of it.

    Raises:
        CompileError: If it cannot be compiled; it tells every reason.
    """
    # The flow as data: from here on no code of the user's is asked.
    graph = build_graph(source)
    # All that keeps it from being compiled, told at once.
    check(graph)
    # What runs after and beside what: any DAG, as nested sequences and branches.
    plan = make_plan(graph)
    # What is too large for one state machine becomes several.
    plan = nest(plan, weigh(graph))
    # The state machines, with references to what the document declares.
    machines = emit_states(graph, plan)
    check_definitions(graph, machines)
    # Their surroundings: job definitions, planner, roles, logs, variables.
    document = emit_document(graph, machines)
    return Compilation(source, graph, plan, machines, document)
