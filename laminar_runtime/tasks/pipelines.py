"""What the splits of a pipelined fan-out may read: deployed, each begins when the split before it has ended.

``ForEach(parameters=[Parameter(Fetch, "text", index=None)], pipelined=True)`` has split i see the one element that
split i of ``Fetch`` stored. Of ``Fetch`` there may be nothing else yet, nor of what comes before it in the pipeline, or
after any of these. A split that reads more of them fails, wherever it runs, so that no result comes of what was not
there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.exceptions import LayerError
from laminar_runtime.pickling import scopes
from laminar_runtime.task_environment import TaskContext

if TYPE_CHECKING:
    from laminar_runtime.flow import Flow

__all__ = ["Guard", "ahead"]


@_records.define(eq=False)
class Guard:
    """Refuses reads of what may not be there yet, and remembers that it did: the layer may take its error for another.

    Layers go to processes that the split starts with their guard: what one refuses there it notes in a file.

    Args:
        flow: The flow.
        context: The split.
        note: The file, which is there once a read was refused; a new one unless given.
    """

    flow: Flow
    context: TaskContext
    note: str = ""

    def __post_init__(self) -> None:
        self.note = self.note or _new_path()
        self._ahead: frozenset[str] | None = None
        self._refused: list[str] = []

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it; an artifact has none: whoever reads that is another task."""
        if scopes.within_artifact():
            return _no_guard, ()
        return Guard, (self.flow, self.context, self.note)

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
            self._ahead = frozenset(ahead(self.flow, self.context.layer))
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
        self._write(msg)
        raise LayerError(msg)

    def close(self) -> str | None:
        """Stop remembering.

        Returns:
            The first error that there was, if a read was refused, here or in a process that the split started.
        """
        noted = self._read()
        return next(iter([*self._refused, *noted]), None)

    def _write(self, msg: str) -> None:
        from pathlib import Path

        # Where nothing can be written this process knows it all the same.
        with contextlib.suppress(OSError), Path(self.note).open("x", encoding="utf-8") as note:
            note.write(msg)

    def _read(self) -> list[str]:
        from pathlib import Path

        note = Path(self.note)
        try:
            msg = note.read_text(encoding="utf-8")
        except OSError:
            return []
        note.unlink(missing_ok=True)
        return [msg]


def _new_path() -> str:
    """The path of a file that is not there, and whose name nobody can guess."""
    import secrets
    import tempfile

    name = f"laminar-refused-{secrets.token_hex(16)}"
    try:
        return f"{tempfile.gettempdir()}/{name}"
    except OSError:  # there is no folder that can be written to
        return name


def _no_guard() -> None:
    """What is read where a guard was in an artifact: pickles call this."""


def ahead(flow: Flow, layer: str) -> Iterator[str]:
    """The layers that may not have ended when a split of a layer runs: none, unless that is pipelined.

    Args:
        flow: The flow.
        layer: The layer.
    """
    todo, found = list(_upstream(flow, layer)), {layer}
    dependencies = flow.dependencies
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            yield name
            todo += (other for other, named in dependencies.items() if name in named)


def _upstream(flow: Flow, layer: str) -> Iterator[str]:
    """The layers that come before a layer in its pipeline."""
    while (foreach := flow.registry[layer].configuration.foreach).pipelined:
        layer = foreach.parameters[0].name
        yield layer
