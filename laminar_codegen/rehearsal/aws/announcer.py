"""Reports events of the embedded AWS to an observer."""

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
    """Calls an observer, if there is one, for each event. Calls from several threads happen one after the other."""

    observer: Callable[[Event], None] | None
    _announcing: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def announce(self, event: Event) -> None:
        """Call the observer with an event."""
        if self.observer is None:
            return
        with self._announcing:
            try:
                self.observer(event)
            except Exception:  # a failure of the observer must not end the observed execution
                logger.exception("the observer of the embedded AWS failed at %s", event)
