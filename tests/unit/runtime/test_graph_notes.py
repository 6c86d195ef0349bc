"""The note on the graph of an execution, for readers without the flow's code."""

from __future__ import annotations

import pytest

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.exceptions import DamagedError
from laminar_runtime.storage.graphs import layers_from, read_graph
from laminar_runtime.storage.layout import graph_key
from tests.support.harness import in_memory


class Report(Flow): ...


@Report.register
class Load(Layer):
    """Loads rows.

    All of them.
    """

    def __call__(self, parameters: Parameters) -> None:
        self.shard(row=range(2))


@Report.register(foreach=ForEach(parameters=[Parameter(Load, "row")]))
class Train(Layer):
    def __call__(self, load: Load) -> None: ...


@Report.register
class Print(Layer):
    def __call__(self, train: Train, load: Load) -> None: ...

    @hooks.entry
    def enters(self) -> bool:
        return True


def test_an_execution_notes_its_graph() -> None:
    """Who has no code of the flow knows its layers by it."""
    flow = in_memory(Report)
    flow("e1")
    transport = flow.datastore.transport
    assert read_graph(transport, "Report", "e1") == {
        "Load": {"after": [], "summary": "Loads rows."},
        "Train": {"after": ["Load"], "over": ["Load.row"], "fans_out": True},
        "Print": {"after": ["Load", "Train"], "optional": True},
    }
    assert read_graph(transport, "Report", "e2") is None


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"layers": []}', b'{"layers": {"A": 1}}', b'{"layers": {"A": {"after": [1]}}}']
)
def test_a_note_that_is_no_graph(content: bytes) -> None:
    """Any code of a task may write it, so its reader takes nothing for granted."""
    flow = in_memory(Report)
    flow.datastore.transport.put(graph_key("Report", "e1"), content)
    with pytest.raises(DamagedError, match=r"graph\.json is damaged"):
        read_graph(flow.datastore.transport, "Report", "e1")


def test_the_layers_after_one() -> None:
    """All that depend on it, directly or not, the last ones first: none before a layer that it depends on."""
    graph = {"A": [], "B": ["A"], "C": ["B"], "D": ["A"], "E": ["C", "D"], "F": []}
    assert layers_from(graph, "B") == ["E", "C", "B"]
    assert set(layers_from(graph, "A")) == {"A", "B", "C", "D", "E"}
    assert layers_from(graph, "F") == ["F"]
