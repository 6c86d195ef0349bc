"""The history of an execution: its events and its state transitions, counted like Step Functions.

Events: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html. A state transition is a
state entered, or tried again: https://aws.amazon.com/step-functions/pricing/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from laminar_codegen.limits import HISTORY_EVENTS
from laminar_codegen.rehearsal.asl.errors import RUNTIME, NamedError

__all__ = ["Event", "History"]


@attrs.frozen
class Event:
    """One event.

    Args:
        previous: The id of the event that led to it, 0 for none. Its own id is its place in the history, from 1.
        seconds: When it happened, by the clock of the execution.
        kind: Its type, such as ``TaskStateEntered``.
        details: What is known of it, with the values that Step Functions shows as JSON text as they are.
    """

    previous: int
    seconds: float
    kind: str
    details: Mapping[str, Any]


@attrs.define
class History:
    """The events of an execution, and the states it entered.

    Args:
        noted: The events, in order.
        transitions: How many states were entered or tried again.
        entered: The states entered, in order, each with the time.
    """

    noted: list[Event] = attrs.field(factory=list)
    transitions: int = 0
    entered: list[tuple[float, str]] = attrs.field(factory=list)

    @property
    def events(self) -> int:
        """How many events were noted."""
        return len(self.noted)

    def note(self, event: Event) -> int:
        """Note an event.

        Returns:
            Its id.

        Raises:
            NamedError: If there are too many. The last one says that the execution failed.
        """
        if self.events + 1 >= HISTORY_EVENTS:
            raise NamedError(RUNTIME, f"The execution reached the maximum number of history events ({HISTORY_EVENTS}).")
        self.noted.append(event)
        return self.events

    def note_end(self, event: Event) -> int:
        """Note an event of something that ends, which ends nothing else.

        Returns:
            Its id, that of the last event if there is no room for it.
        """
        if self.events + 1 < HISTORY_EVENTS:
            self.noted.append(event)
        return self.events

    def close(self, event: Event) -> None:
        """Note the last event, for which there is always room."""
        self.noted.append(event)

    def enter(self, event: Event, name: str) -> int:
        """Note that a state is entered, and give the event's id. Raises as `note` does."""
        self.entered.append((event.seconds, name))
        self.transitions += 1
        return self.note(event)
