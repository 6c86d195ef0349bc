"""A trigger of a flow with its label, which names its resources."""

from __future__ import annotations

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.expressions import Joined, Ref
from laminar_codegen.triggers.failed_starts import FailedStarts
from laminar_runtime.configurations.triggers import Trigger

__all__ = ["FAILED", "Start"]

#: The queue of failed starts.
FAILED = FailedStarts("trigger_failures", "trigger-failures")


@attrs.frozen(eq=False, repr=False)
class Start:
    """A trigger of a flow.

    Args:
        label: Its label: its name, or that of its kind.
        trigger: The trigger, as configured.
    """

    label: str
    trigger: Trigger

    @property
    def suffix(self) -> str:
        """The end of the names of its resources."""
        return self.label.replace("_", "-")

    @property
    def resource(self) -> Joined:
        """The name of its schedule or its rule."""
        return labels.of_deployment(self.suffix)

    @property
    def switch(self) -> str:
        """The variable that switches it off."""
        return f"{self.label}_enabled"

    @property
    def state(self) -> Ref:
        """The argument that switches its schedule or its rule."""
        return Ref(f'var.{self.switch} ? "ENABLED" : "DISABLED"')
