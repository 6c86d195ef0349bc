"""What a rehearsal says of permissions: the calls that were refused, and the granted actions that nothing used."""

from __future__ import annotations

from collections.abc import Iterator

from laminar_codegen.rehearsal.permissions import Guard

__all__ = ["report_idle_grants", "report_refusals"]

#: Actions that a rehearsal never uses, and why: it does not do what they are for.
_NOT_REHEARSED = {
    "kms:": "nothing is encrypted here",
    "logs:DeleteLogDelivery": "a state machine's log is delivered for as long as it exists",
    "sqs:SendMessage": "no event is lost here",
    "xray:": "nothing is traced here",
}


def report_refusals(guard: Guard) -> Iterator[str]:
    """Yield a line for each call that was refused, and for each role whose permissions are not known.

    Args:
        guard: What decided.
    """
    yield from (f"denied: {refusal}" for refusal in guard.refusals)
    for role in guard.unknown:
        yield f"warning: the document does not make the role {role}: what it may do is not rehearsed"


def report_idle_grants(guard: Guard) -> Iterator[str]:
    """Yield a line for each action that is granted and was not used, the last ones with the reason.

    Args:
        guard: What decided.
    """
    seen = [(grant, _reason(grant.action)) for grant in guard.idle_grants()]
    yield from (f"not used: {grant}" for grant, reason in seen if not reason)
    yield from (f"not rehearsed: {grant}: {reason}" for grant, reason in seen if reason)


def _reason(action: str) -> str:
    return next((reason for start, reason in _NOT_REHEARSED.items() if action.startswith(start)), "")
