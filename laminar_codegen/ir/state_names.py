"""The names of states: the only module that spells them.

A state that runs a layer has the layer's name. A state before or after it has that name and a suffix, such as
``Train plan``. The longest suffix bounds the length of a layer's name.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from laminar_codegen.ir import labels
from laminar_codegen.limits import JOB_NAME_LENGTH, NAME_LENGTH, STATE_NAME_LENGTH

__all__ = ["INPUT", "INPUT_CHECK", "INPUT_REFUSED", "LAYER_NAME_LENGTH", "Suffix", "pack", "parallel", "sub_machine"]

#: The state that keeps the input of an execution.
INPUT = "Parameters"
#: The states that check the input of a flow with typed parameters, and refuse it.
INPUT_CHECK, INPUT_REFUSED = "Parameters check", "Parameters refused"


class Suffix(enum.StrEnum):
    """The role of a state for the layer, step or flow that its name begins with."""

    #: The planner is asked for the plan, for that of the next attempt, and for the record.
    PLAN = "plan"
    RETRY = "retry"
    RECORD = "record"
    #: Reads the answer of a planner that is a job.
    PLAN_ANSWER = "plan answer"
    RETRY_ANSWER = "retry answer"
    #: Follows a skipped layer.
    ENTRY = "entry"
    SKIPPED = "skipped"
    #: Runs all groups of splits, and one split of a group.
    SPLITS = "splits"
    SPLIT = "split"
    #: What follows an attempt.
    ENDED = "ended"
    WAIT = "wait"
    FAILED = "failed"
    SPLIT_FAILED = "split failed"
    #: Ends jobs that nothing waits for any more.
    STOPS = "stops"
    STOP = "stop"
    #: A layer of exact joins waits.
    INPUTS = "inputs"
    READY = "ready"
    WAITS = "waits"
    #: A layer of exact joins is waited for.
    SIGNALS = "signals"
    MARKS = "marks"
    LOOKS = "looks"
    LAST = "last"
    TAKES = "takes"
    SENDS = "sends"
    SIGNALLED = "signalled"
    #: Makes the parameters of a flow of a sequence.
    PARAMETERS = "parameters"

    def of(self, name: str) -> str:
        """Return the name of a state.

        Args:
            name: The name of the layer, the step or the flow.

        Example:
            >>> Suffix.PLAN.of("Train")
            'Train plan'
        """
        return f"{name} {self.value}"


#: The most characters of a layer's name, so that the names of its states and jobs are not too long. The name of a job
#: may begin with the digits of an execution, and has the flow's name in it.
LAYER_NAME_LENGTH = min(
    STATE_NAME_LENGTH - max(len(suffix.of("")) for suffix in Suffix),
    JOB_NAME_LENGTH - len(f"{'0' * labels.EXECUTION_DIGITS}-") - len(f"{'F' * NAME_LENGTH}-"),
)


def parallel(layers: Sequence[str]) -> str:
    """Return the name of a state that runs branches side by side: the layers in it, or how many more there are.

    Args:
        layers: The layers in its branches.

    Example:
        >>> parallel(["Clean", "Train"])
        'Clean | Train'
    """
    return _join(layers, " | ")


def pack(layers: Sequence[str]) -> str:
    """Return the name of a state that runs layers in one job.

    Args:
        layers: The layers, at least two.

    Example:
        >>> pack(["Clean", "Train"])
        'Clean + Train'
    """
    return _join(layers, " + ")


def _join(layers: Sequence[str], sign: str) -> str:
    text = sign.join(layers)
    if len(text) <= STATE_NAME_LENGTH:
        return text
    # The digest separates states that begin with the same layers.
    end = f"... ({len(layers)} layers, {labels.digest(tuple(layers))})"
    shown = list(layers[:STATE_NAME_LENGTH])
    while len(sign.join([*shown, end])) > STATE_NAME_LENGTH:
        shown.pop()
    return sign.join([*shown, end])


def sub_machine(name: str) -> str:
    """Return the name of the state that runs a sub-machine.

    Args:
        name: The name of the machine.

    Example:
        >>> sub_machine("part_1")
        'Part 1'
    """
    return name.replace("_", " ").capitalize()
