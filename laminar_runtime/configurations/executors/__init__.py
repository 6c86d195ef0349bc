"""What runs the tasks of a flow, or of one of its layers.

Where this process schedules: threads or processes of this machine, containers of Docker, or AWS Batch jobs. Of a
deployed flow: AWS Batch jobs or AWS Lambda functions; `Thread`, `Process` and `Docker` stand there for AWS Batch on
Fargate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from laminar_runtime.configurations.executors.base import Executor
from laminar_runtime.configurations.executors.process import Process
from laminar_runtime.configurations.executors.thread import Thread

if TYPE_CHECKING:
    from laminar_runtime.configurations.executors.aws import AWS
    from laminar_runtime.configurations.executors.docker import Docker

__all__ = ["AWS", "Docker", "Executor", "Process", "Thread"]

#: The modules of those that are loaded when they are asked for.
_ON_USE = {"AWS": "aws", "Docker": "docker"}


def __getattr__(name: str) -> Any:
    """Load on use what most processes do without."""
    module = _ON_USE.get(name)
    if module is None:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return found
