"""Tells whoever observes the embedded AWS what happens there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import attrs

__all__ = ["Announcer"]

logger = logging.getLogger(__name__)

Event = TypeVar("Event")


@attrs.frozen
class Announcer(Generic[Event]):
    """Tells an observer, if there is one, of events: one at a time, whichever threads they happen in."""

    observer: Callable[[Event], None] | None
    _telling: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def tell(self, event: Event) -> None:
        """Tell of an event."""
        if self.observer is None:
            return
        with self._telling:
            try:
                self.observer(event)
            except Exception:  # an observer's mistake must not end what it observes
                logger.exception("the observer of the embedded AWS failed at %s", event)
