"""Schedulers decide when a layer runs: this process, or AWS Step Functions."""

from laminar_runtime.configurations.schedulers.base import Scheduler
from laminar_runtime.configurations.schedulers.delegated import Delegated
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions

__all__ = ["AWS", "Delegated", "Scheduler"]


class AWS:
    """The schedulers on AWS.

    Example:
        >>> AWS.StepFunctions(deployment="report-prod").deployment
        'report-prod'
    """

    StepFunctions = StepFunctions
