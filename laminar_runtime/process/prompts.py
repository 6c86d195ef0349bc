"""Layers that ask the user something: by ``input()``, and by the debuggers that ``breakpoint()`` starts.

A task in a thread has the terminal of its program, and the view of the run makes way while it asks. A task in a process
of its own has none: there the error says how to run the layer where it has one.
"""

from __future__ import annotations

import builtins
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from laminar_runtime.exceptions import FlowError

__all__ = ["Screen", "answered", "refused"]

#: The modules by whose functions debuggers read what the user types.
_DEBUGGERS = frozenset({"bdb", "cmd", "pdb"})


@contextlib.contextmanager
def refused(flow: str, layer: str) -> Iterator[None]:
    """Have a layer that asks something fail by an error that says what to do, unless its process has a terminal.

    ``input()`` reads what there is, and raises `EOFError` at its end, as it always does; debuggers raise `FlowError`.

    Args:
        flow: The flow's name.
        layer: The layer's name.
    """
    if sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty():
        yield
        return
    fix = f"its task has no terminal: run it here with {flow}(executor=Thread(concurrency=1)), which has the program's"
    read = builtins.input

    def ask(prompt: object = "", /) -> str:
        try:
            return read(prompt)
        except (EOFError, RuntimeError):  # the latter where there is no standard input at all
            if _debugs(sys._getframe(1)):  # noqa: SLF001 - of who asks
                raise FlowError(f"layer '{layer}' starts a debugger, and {fix}") from None
            raise EOFError(f"layer '{layer}' asks for input, and {fix}") from None

    def stop(*_: Any, **__: Any) -> None:
        raise FlowError(f"layer '{layer}' calls breakpoint(), and {fix}")

    with _replaced(ask, stop if _silent() else None):
        yield


def _silent() -> bool:
    """Whether nothing can come by standard input."""
    try:
        return os.path.samestat(os.fstat(0), os.stat(os.devnull))  # noqa: PTH116 - pathlib is not needed for that
    except OSError:
        return True


def _debugs(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__") in _DEBUGGERS


@contextlib.contextmanager
def _replaced(ask: Callable[..., str], stop: Callable[..., None] | None) -> Iterator[None]:
    """Have ``input()``, and ``breakpoint()`` unless the user chose another debugger, be functions of ours."""
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
    """What is drawn on the terminal again and again, and is taken away while a layer asks something.

    Args:
        hide: Takes it away.
        show: Draws it again.
    """

    _only: Screen | None = None

    def __init__(self, hide: Callable[[], None], show: Callable[[], None]) -> None:
        self._hide, self._show = hide, show
        self._lock = threading.RLock()
        self._asking: list[int] = []

    @classmethod
    def taken(cls) -> bool:
        """Whether something is drawn already, as where a layer calls a flow: there is one terminal."""
        return cls._only is not None

    @contextlib.contextmanager
    def makes_way(self) -> Iterator[None]:
        """Have what is drawn make way, in all threads, while the ``with`` block runs."""
        read = builtins.input

        def ask(prompt: object = "", /) -> str:
            self._begin()
            try:
                return read(prompt)
            finally:
                # A debugger asks again and again, until its task ends.
                if not _debugs(sys._getframe(1)):  # noqa: SLF001 - of who asks
                    self._end()

        def stop(*_: Any, **__: Any) -> None:
            import pdb  # noqa: T100 - it is what breakpoint() starts

            self._begin()
            pdb.Pdb().set_trace(sys._getframe(1))  # noqa: SLF001 - where the user wants to be

        Screen._only = self
        try:
            with _replaced(ask, stop):
                yield
        finally:
            Screen._only = None

    def _begin(self) -> None:
        with self._lock:
            if not self._asking:
                self._hide()
            self._asking.append(threading.get_ident())

    def _end(self) -> None:
        with self._lock:
            if self._asking:
                self._asking.remove(threading.get_ident())
                if not self._asking:
                    self._show()

    def task_ended(self) -> None:
        """Draw again, if a debugger of this thread's task had it make way."""
        with self._lock:
            asked = threading.get_ident() in self._asking
            self._asking = [thread for thread in self._asking if thread != threading.get_ident()]
            if asked and not self._asking:
                self._show()


def answered() -> None:
    """Have what is drawn come back, at the end of a task in a thread of this process."""
    if Screen._only is not None:  # noqa: SLF001 - one unit
        Screen._only.task_ended()  # noqa: SLF001 - the same
