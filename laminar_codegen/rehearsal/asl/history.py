"""What happened in an execution, counted as Step Functions counts it.

Events: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html. A state transition is a
state entered, or tried again: https://aws.amazon.com/step-functions/pricing/.
"""

from __future__ import annotations

import attrs

from laminar_codegen.limits import HISTORY_EVENTS
from laminar_codegen.rehearsal.asl.errors import RUNTIME, NamedError

__all__ = ["History"]


@attrs.define
class History:
    """The counts of an execution, and the states it entered.

    Args:
        events: How many events were noted.
        transitions: How many states were entered or tried again.
        entered: The states entered, in order, each with the time.
    """

    events: int = 0
    transitions: int = 0
    entered: list[tuple[float, str]] = attrs.field(factory=list)

    def note(self, events: int = 1) -> None:
        """Note events.

        Raises:
            NamedError: If there are too many. The last one says that the execution failed.
        """
        self.events += events
        if self.events >= HISTORY_EVENTS:
            self.events = HISTORY_EVENTS - 1
            raise NamedError(RUNTIME, f"The execution reached the maximum number of history events ({HISTORY_EVENTS}).")

    def note_end(self, events: int = 1) -> None:
        """Note events of something that ends, which end nothing else."""
        self.events = min(self.events + events, HISTORY_EVENTS - 1)

    def enter(self, now: float, name: str) -> None:
        """Note that a state is entered."""
        self.entered.append((now, name))
        self.transitions += 1
        self.note()
