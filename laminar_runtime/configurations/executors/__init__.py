"""Executors run the tasks of a flow, or of one of its layers.

If this process schedules the flow, tasks run in threads or processes of this machine, in Docker containers, or as AWS
Batch jobs. The tasks of a deployed flow run as AWS Batch jobs or AWS Lambda functions, or as either, by a profile.
There, `Thread`, `Process` and `Docker` mean AWS Batch on Fargate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from laminar_runtime.configurations.executors.aws import AWS
    from laminar_runtime.configurations.executors.base import Executor
    from laminar_runtime.configurations.executors.docker import Docker
    from laminar_runtime.configurations.executors.process import Process
    from laminar_runtime.configurations.executors.thread import Thread

__all__ = ["AWS", "Docker", "Executor", "Process", "Thread"]

#: The modules of the executors.
_MODULES = {"AWS": "aws", "Docker": "docker", "Executor": "base", "Process": "process", "Thread": "thread"}


def __getattr__(name: str) -> Any:
    """Load an executor on use: a task needs none."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return found
