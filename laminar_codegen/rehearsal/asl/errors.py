"""The errors of executions: those that states report by name, and the mistakes of who runs them.

::

    NamedError          a state, a service or a function failed: states retry and catch it by its name
    DefinitionError     a definition that Step Functions refuses
    UnsupportedError    a definition that it takes, but that cannot be run here
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "DATA_LIMIT",
    "HEARTBEAT",
    "QUERY",
    "RUNTIME",
    "TASK_FAILED",
    "TIMEOUT",
    "DefinitionError",
    "NamedError",
    "UnsupportedError",
    "matches",
]

TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"
HEARTBEAT = "States.HeartbeatTimeout"
QUERY = "States.QueryEvaluationError"
DATA_LIMIT = "States.DataLimitExceeded"
RUNTIME = "States.Runtime"
_ALL = "States.ALL"


class NamedError(Exception):
    """A failure with the name by which states retry and catch it. What answers a task raises it.

    Args:
        name: The error's name, such as ``States.TaskFailed`` or ``S3.NoSuchKeyException``.
        cause: What happened.
        aliases: Other names by which it is matched.
    """

    def __init__(self, name: str, cause: str = "", *, aliases: Sequence[str] = ()) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause
        self.aliases = tuple(aliases)
        self.event = 0  # the id of its event in a history, once it exists

    @property
    def details(self) -> dict[str, str]:
        """The details of the error in an event of a history."""
        return {"error": self.name, "cause": self.cause}

    @property
    def output(self) -> dict[str, str]:
        """The value of ``$states.errorOutput`` in a catcher."""
        return {"Error": self.name, "Cause": self.cause}


class DefinitionError(ValueError):
    """A definition that Step Functions refuses.

    Args:
        problems: All that is wrong with it.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class UnsupportedError(NotImplementedError):
    """A definition that Step Functions takes, but that cannot be run here."""


def matches(wanted: Sequence[str], error: NamedError) -> bool:
    """Whether a retrier or catcher that names some errors is for an error.

    ``States.TaskFailed`` stands for all errors but timeouts, and ``States.ALL`` for all; neither stands for
    ``States.DataLimitExceeded``, and ``States.Runtime`` is never matched:
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html

    Args:
        wanted: The names.
        error: The error.
    """
    if error.name == RUNTIME:
        return False
    if any(name in wanted for name in (error.name, *error.aliases)):
        return True
    if error.name == DATA_LIMIT:
        return False
    return _ALL in wanted or (TASK_FAILED in wanted and error.name != TIMEOUT)
