"""The cases of `laminar_codegen.targets.companions`."""

from __future__ import annotations

import attrs

from laminar_codegen.allocate import allocate
from laminar_codegen.ir.expressions import Input
from laminar_codegen.ir.settings import Notices, Settings
from laminar_codegen.targets.companions import ended_executions
from laminar_codegen.targets.companions.notifier import NOTIFIER, read_and_report
from laminar_runtime.variables import ListVariable, Variable
from tests.support.cases import cases_of
from tests.support.deployments import machines_of
from tests.support.graph_notation import graphs_in
from tests.support.shown import as_hcl, as_yaml, evaluator, options_in, statements

cases_of("targets.companions.ended_executions")(evaluator(ended_executions))


@cases_of("targets.companions.notifier")
def notifier(text: str) -> str:
    """Graphs, with the topics and the key -> what the machine and the rule may do, and the rule."""
    options, text = options_in(text, "topics", "key")
    topics, key = options.get("topics", ()), options.get("key")
    notices = Notices(
        Input.of(ListVariable(topics)) if isinstance(topics, str) else tuple(topics),
        Input.of(Variable(key)) if key is not None else None,
    )
    graphs = [attrs.evolve(graph, settings=Settings(notices=notices)) for graph in graphs_in(text)]
    deployment = allocate(graphs, (*machines_of(graphs), NOTIFIER.machine(graphs)))
    starts = statements(NOTIFIER.permissions(deployment).statements)
    rule = as_hcl(*NOTIFIER.emit())
    reports = statements(read_and_report(deployment))
    role, pattern = NOTIFIER.role("flow Report"), as_yaml(NOTIFIER.local_values(deployment))
    return f"{reports}role {role.label}: {starts}{pattern}{rule}"
