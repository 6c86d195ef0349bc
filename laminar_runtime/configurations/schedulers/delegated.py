"""Schedulers that hand a flow to another engine."""

from __future__ import annotations

import attrs

from laminar_runtime.configurations.schedulers.base import Scheduler

__all__ = ["Delegated"]


@attrs.define(slots=False, eq=False)
class Delegated(Scheduler):
    """Base of the schedulers that only start an execution: another engine runs it, and this process need not wait."""
