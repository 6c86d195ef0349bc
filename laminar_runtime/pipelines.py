"""What the splits of a pipelined fan-out may read: deployed, each begins when the split before it has ended.

``ForEach(parameters=[Parameter(Fetch, "text", index=None)], pipelined=True)`` has split i see the one element that
split i of ``Fetch`` stored. Of ``Fetch`` there may be nothing else yet, nor of what comes before it in the pipeline, or
after any of these. A split that reads more of them fails, wherever it runs, so that no result comes of what was not
there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from laminar_runtime import values
from laminar_runtime.configurations.layers import Configuration
from laminar_runtime.exceptions import LayerError
from laminar_runtime.settings import TaskContext

__all__ = ["Guard"]


class _Definition(Protocol):
    @property
    def configuration(self) -> Configuration: ...


class _Flow(Protocol):
    """What is asked of a flow: which of its layers come after which."""

    @property
    def registry(self) -> Mapping[str, _Definition]: ...
    @property
    def dependencies(self) -> dict[str, set[str]]: ...


@values.define(eq=False)
class Guard:
    """Refuses reads of what may not be there yet, and remembers that it did: the layer may take its error for another.

    Args:
        flow: The flow.
        context: The split.
    """

    flow: _Flow
    context: TaskContext

    def __post_init__(self) -> None:
        self._ahead: frozenset[str] | None = None
        self._refused: list[str] = []

    def check(self, layer: str, read: str) -> None:
        """Refuse to read a layer that may not have ended when the split runs.

        Args:
            layer: The layer.
            read: What is read of it, an attribute for instance; empty if that is not known.

        Raises:
            LayerError: If it is one of these.
        """
        if layer == self.context.layer:
            return
        if self._ahead is None:
            # Found when it is asked for: most splits read nothing but their element.
            self._ahead = frozenset(_ahead(self.flow, self.context.layer))
        if layer not in self._ahead:
            return
        (over,) = self.flow.registry[self.context.layer].configuration.foreach.parameters
        what = f"'{read}' of layer '{layer}'" if read else f"layer '{layer}'"
        which = f"split {self.context.index} of layer '{self.context.layer}'"
        msg = (
            f"{which} reads {what}, and may begin before that is there: pipelined=True has it see its own element of "
            f"'{over.attribute}' of layer '{over.name}', and nothing else of what comes with it. Drop pipelined=True "
            f"from the ForEach of layer '{self.context.layer}', so that it waits for all of layer '{over.name}'"
        )
        self._refused.append(msg)
        raise LayerError(msg)

    def verify(self) -> None:
        """Have the split fail that had a read refused, whatever became of that error.

        Raises:
            LayerError: The first that there was.
        """
        if self._refused:
            raise LayerError(self._refused[0])


def _ahead(flow: _Flow, layer: str) -> Iterator[str]:
    """The layers that may not have ended when a split of a pipelined layer runs."""
    todo, found = list(_upstream(flow, layer)), {layer}
    dependencies = flow.dependencies
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            yield name
            todo += (other for other, named in dependencies.items() if name in named)


def _upstream(flow: _Flow, layer: str) -> Iterator[str]:
    """The layers that come before a layer in its pipeline."""
    while (foreach := flow.registry[layer].configuration.foreach).pipelined:
        layer = foreach.parameters[0].name
        yield layer
