"""Guard the reads of splits of a pipelined fan-out. Deployed, each begins when its upstream split has ended.

With ``ForEach(parameters=[Parameter(Fetch, "text", index=None)], pipelined=True)``, split i sees the one element that
split i of ``Fetch`` stored. The rest of ``Fetch`` may not be there yet, nor the layers before it in the pipeline, nor
those that depend on any of these. A split that reads more of them fails, in every executor.
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
    """Refuses reads of layers that may not have ended, and remembers it, because the layer may catch the error.

    Processes that the split starts get layers with their guard. There, it notes a refusal in a file.

    Args:
        flow: The flow.
        context: The split.
        note: The file, which exists after a refusal; a new one unless given.
    """

    flow: Flow
    context: TaskContext
    note: str = ""

    def __post_init__(self) -> None:
        self.note = self.note or _new_path()
        self._ahead: frozenset[str] | None = None
        self._refused: list[str] = []

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the guard, but not in an artifact: its reader is another task."""
        if scopes.within_artifact():
            return _no_guard, ()
        return Guard, (self.flow, self.context, self.note)

    def check(self, layer: str, read: str) -> None:
        """Refuse to read a layer that may not have ended when the split runs.

        Args:
            layer: The layer.
            read: The attribute that is read; empty if that is unknown.

        Raises:
            LayerError: If it is one of these.
        """
        if layer == self.context.layer:
            return
        if self._ahead is None:
            # Computed on use: most splits read their element only.
            self._ahead = frozenset(ahead(self.flow, self.context.layer))
        if layer not in self._ahead:
            return
        (over,) = self.flow.registry[self.context.layer].configuration.foreach.parameters
        what = f"'{read}' of layer '{layer}'" if read else f"layer '{layer}'"
        which = f"split {self.context.index} of layer '{self.context.layer}'"
        msg = (
            f"{which} reads {what}, but may start before that exists: with pipelined=True it can read only its own "
            f"element of '{over.attribute}' of layer '{over.name}'. Remove pipelined=True from the ForEach of layer "
            f"'{self.context.layer}', so that it waits for all of layer '{over.name}'"
        )
        self._refused.append(msg)
        self._write(msg)
        raise LayerError(msg)

    def close(self) -> str | None:
        """Return the first refusal, here or in a process that the split started, and remove the file.

        Returns:
            The message of the error; None if no read was refused.
        """
        noted = self._read()
        return next(iter([*self._refused, *noted]), None)

    def _write(self, msg: str) -> None:
        import os

        # If the file cannot be written, this process still remembers it. Only this user can read it.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with contextlib.suppress(OSError), open(os.open(self.note, flags, 0o600), "w", encoding="utf-8") as note:  # noqa: PTH123
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
    """Return the path of a new file with a name that nobody can guess."""
    import secrets
    import tempfile

    name = f"laminar-refused-{secrets.token_hex(16)}"
    try:
        return f"{tempfile.gettempdir()}/{name}"
    except OSError:  # no folder is writable
        return name


def _no_guard() -> None:
    """Return None where an artifact had a guard: pickles call this."""


def ahead(flow: Flow, layer: str) -> Iterator[str]:
    """Yield the layers that may not have ended when a split of a layer runs: none, unless the layer is pipelined.

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
    """Yield the layers before a layer in its pipeline."""
    while (foreach := flow.registry[layer].configuration.foreach).pipelined:
        layer = foreach.parameters[0].name
        yield layer
