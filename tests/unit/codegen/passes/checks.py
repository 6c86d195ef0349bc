"""The cases of `laminar_codegen.checks`."""

from __future__ import annotations

import datetime as dt
import io
from contextlib import redirect_stderr

from laminar_codegen.checks import texts
from laminar_codegen.checks.bodies import check_bodies, warnings_of
from laminar_codegen.checks.clock import check_times
from laminar_codegen.checks.graph import check, check_definitions
from laminar_codegen.checks.placements import PLACEMENT_RULES
from laminar_codegen.checks.retries import RETRY_RULES
from laminar_codegen.checks.settings import SETTINGS_RULES
from laminar_codegen.frontend.loader import Source, load
from laminar_codegen.frontend.locations import Locator
from laminar_codegen.frontend.method_bodies import read_bodies
from laminar_codegen.ir.asl import StateMachine, Succeed
from laminar_codegen.ir.graph import Graph
from laminar_codegen.pipeline import graphs_of
from tests.support.cases import cases_of
from tests.support.flow_snippets import folder_of, of_snippet, without_folder
from tests.support.graph_notation import graph_in, graphs_in
from tests.support.shown import evaluator, options_in, or_problems, problems

cases_of("checks.texts")(evaluator(texts, graph_in=graph_in, problems=problems))


@cases_of("checks.graph")
def graph_rules(text: str) -> str:
    """A graph, or a flow file -> the problems. With ``bytes`` a definition has as many."""
    options, text = options_in(text, "bytes")
    if "class " in text:
        with folder_of(text) as folder, redirect_stderr(io.StringIO()):
            return without_folder(_checked(graphs_of(load("flow.py"))), folder)
    graphs = graphs_in(text)
    if "bytes" in options:
        states = (
            Succeed(
                name="A", comment="x" * (options["bytes"] - len('{"A":{"Type":"Succeed","Comment":"","Output":{}}}'))
            ),
        )
        machine = StateMachine(name="flow", comment="", states=states)
        return or_problems(lambda: check_definitions(graphs[0], [machine]) or "no problem")
    return _checked(graphs)


@cases_of("checks.settings")
@of_snippet
def settings_rules(source: Source) -> str:
    """A flow -> the problems of its settings."""
    (graph,) = graphs_of(source)
    return problems(problem for rule in SETTINGS_RULES for problem in rule(graph)) or "no problem"


@cases_of("checks.clock")
@of_snippet
def times(source: Source) -> str:
    """A flow -> the warnings of its schedules at noon of 1 June 2026, in UTC."""
    return problems(check_times(graphs_of(source), dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)))


@cases_of("checks.placements")
def placement_rules(text: str) -> str:
    """Graphs -> the problems of queues and roles that layers name."""
    return problems(problem for rule in PLACEMENT_RULES for problem in rule(graphs_in(text)))


def _checked(graphs: tuple[Graph, ...]) -> str:
    return or_problems(lambda: check(graphs) or "no problem")


@cases_of("checks.retries")
def retry_rules(text: str) -> str:
    """A graph -> the problems and the warnings of its retries."""
    return problems(problem for rule in RETRY_RULES for problem in rule(graph_in(text)))


@cases_of("checks.bodies")
@of_snippet
def body_rules(source: Source) -> str:
    """A flow -> the problems and the warnings that the methods of its layers give reason for."""
    bodies = read_bodies(source.flow, Locator(source).shown_name)
    (graph,) = graphs_of(source)
    return problems([*check_bodies(graph, bodies), *warnings_of(graph, bodies)])
