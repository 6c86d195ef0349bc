"""The errors of what this package has Terraform do."""

from __future__ import annotations

from laminar_runtime.exceptions import SchedulerError

__all__ = ["TerraformFailedError"]


class TerraformFailedError(SchedulerError):
    """Terraform is missing, or failed."""
