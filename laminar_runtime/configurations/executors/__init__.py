"""What runs the tasks of a flow: threads of this process, or processes of this machine."""

from laminar_runtime.configurations.executors.base import Executor
from laminar_runtime.configurations.executors.process import Process
from laminar_runtime.configurations.executors.thread import Thread

__all__ = ["Executor", "Process", "Thread"]
