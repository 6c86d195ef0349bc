"""What runs the tasks of a flow: threads or processes of this machine, containers of Docker, or AWS Batch jobs."""

from laminar_runtime.configurations.executors.aws_batch import Batch
from laminar_runtime.configurations.executors.base import Executor
from laminar_runtime.configurations.executors.docker import Docker
from laminar_runtime.configurations.executors.process import Process
from laminar_runtime.configurations.executors.thread import Thread

__all__ = ["AWS", "Docker", "Executor", "Process", "Thread"]


class AWS:
    """The executors on AWS."""

    Batch = Batch
