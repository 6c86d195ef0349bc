"""Prompts of layers: ``input()``, and the debuggers that ``breakpoint()`` starts.

A task in a thread uses the terminal of its program. The progress display is hidden while the task asks. A task in a
process of its own has no terminal: the error says how to run the layer with one.
"""

from __future__ import annotations

import builtins
import os
import sys
from _thread import RLock, get_ident
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from laminar_runtime.blocks import block
from laminar_runtime.exceptions import FlowError

__all__ = ["Screen", "end_task", "refuse_prompts"]

#: The modules whose functions read the input of debuggers.
_DEBUGGERS = frozenset({"bdb", "cmd", "pdb"})


@block
def refuse_prompts(flow: str, layer: str) -> Iterator[None]:
    """Fail a layer that prompts with an error that says what to do, unless its process has a terminal.

    ``input()`` still reads standard input, and raises `EOFError` at its end. Debuggers raise `FlowError`.

    Args:
        flow: The flow's name.
        layer: The layer's name.
    """
    if sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty():
        yield
        return
    fix = f"its task has no terminal: run the flow with {flow}(executor=Thread(concurrency=1)) to use the program's"
    read = builtins.input

    def ask(prompt: object = "", /) -> str:
        try:
            return read(prompt)
        except (EOFError, RuntimeError):  # RuntimeError if the process has no standard input
            if _debugs(sys._getframe(1)):  # noqa: SLF001 - the frame that prompts
                raise FlowError(f"layer '{layer}' starts a debugger, and {fix}") from None
            raise EOFError(f"layer '{layer}' asks for input, and {fix}") from None

    def stop(*_: Any, **__: Any) -> None:
        raise FlowError(f"layer '{layer}' calls breakpoint(), and {fix}")

    with _replace_builtins(ask, stop if _silent() else None):
        yield


def _silent() -> bool:
    """Return whether standard input is closed or the null device."""
    try:
        return os.path.samestat(os.fstat(0), os.stat(os.devnull))  # noqa: PTH116 - pathlib is slow to load
    except OSError:
        return True


def _debugs(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__") in _DEBUGGERS


@block
def _replace_builtins(ask: Callable[..., str], stop: Callable[..., None] | None) -> Iterator[None]:
    """Replace ``input()`` and, unless the user chose another debugger, ``breakpoint()`` in the ``with`` block."""
    own = stop is not None and sys.breakpointhook is sys.__breakpointhook__ and not os.environ.get("PYTHONBREAKPOINT")
    before = builtins.input, sys.breakpointhook
    builtins.input = ask
    if own and stop is not None:
        sys.breakpointhook = stop
    try:
        yield
    finally:
        builtins.input, sys.breakpointhook = before


class Screen:
    """A progress display on the terminal, which is hidden while a layer prompts.

    Args:
        hide: Removes the display.
        show: Draws the display again.
    """

    _only: Screen | None = None

    def __init__(self, hide: Callable[[], None], show: Callable[[], None]) -> None:
        self._hide, self._show = hide, show
        self._lock = RLock()
        self._asking: list[int] = []

    @classmethod
    def is_in_use(cls) -> bool:
        """Return whether the terminal has a display already, for example if a layer calls a flow."""
        return cls._only is not None

    @block
    def hide_for_prompts(self) -> Iterator[None]:
        """Hide the display while a thread prompts, in the ``with`` block."""
        read = builtins.input

        def ask(prompt: object = "", /) -> str:
            self._begin()
            try:
                return read(prompt)
            finally:
                # A debugger prompts until its task ends.
                if not _debugs(sys._getframe(1)):  # noqa: SLF001 - the frame that prompts
                    self._end()

        def stop(*_: Any, **__: Any) -> None:
            import pdb  # noqa: T100 - it is what breakpoint() starts

            self._begin()
            pdb.Pdb().set_trace(sys._getframe(1))  # noqa: SLF001 - the frame that calls breakpoint()

        Screen._only = self
        try:
            with _replace_builtins(ask, stop):
                yield
        finally:
            Screen._only = None

    def _begin(self) -> None:
        with self._lock:
            if not self._asking:
                self._hide()
            self._asking.append(get_ident())

    def _end(self) -> None:
        with self._lock:
            if self._asking:
                self._asking.remove(get_ident())
                if not self._asking:
                    self._show()

    def end_task(self) -> None:
        """Show the display again, if a debugger of this thread's task hid it."""
        with self._lock:
            asked = get_ident() in self._asking
            self._asking = [thread for thread in self._asking if thread != get_ident()]
            if asked and not self._asking:
                self._show()


def end_task() -> None:
    """Show the display again at the end of a task in a thread of this process."""
    if Screen._only is not None:  # noqa: SLF001 - one unit
        Screen._only.end_task()  # noqa: SLF001 - the same
