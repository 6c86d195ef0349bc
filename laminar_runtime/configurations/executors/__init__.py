"""What runs the tasks of a flow, or of one of its layers.

Where this process schedules: threads or processes of this machine, containers of Docker, or AWS Batch jobs. Of a
deployed flow: AWS Batch jobs or AWS Lambda functions; `Thread`, `Process` and `Docker` stand there for AWS Batch on
Fargate.
"""

from laminar_runtime.configurations.executors.aws_batch import Batch
from laminar_runtime.configurations.executors.aws_lambda import Lambda
from laminar_runtime.configurations.executors.base import Executor
from laminar_runtime.configurations.executors.docker import Docker
from laminar_runtime.configurations.executors.process import Process
from laminar_runtime.configurations.executors.thread import Thread

__all__ = ["AWS", "Docker", "Executor", "Process", "Thread"]


class AWS:
    """The executors on AWS."""

    Batch = Batch
    Lambda = Lambda
