"""The executors on AWS: ``executors.AWS.Batch`` and ``executors.AWS.Lambda``."""

from laminar_runtime.configurations.executors.aws_batch import Batch
from laminar_runtime.configurations.executors.aws_lambda import Lambda

__all__ = ["AWS"]


class AWS:
    """The executors on AWS."""

    Batch = Batch
    Lambda = Lambda
