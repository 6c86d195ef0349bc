"""The executors on AWS, under the name that flows have them by."""

from laminar_runtime.configurations.executors.aws_batch import Batch
from laminar_runtime.configurations.executors.aws_lambda import Lambda

__all__ = ["AWS"]


class AWS:
    """The executors on AWS."""

    Batch = Batch
    Lambda = Lambda
