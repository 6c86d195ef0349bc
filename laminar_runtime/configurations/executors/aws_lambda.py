"""Tasks as invocations of AWS Lambda functions: for layers of a deployed flow that are over soon."""

from __future__ import annotations

from laminar_runtime import _records
from laminar_runtime.configurations.executors.base import positive
from laminar_runtime.configurations.executors.process import Process
from laminar_runtime.limits import LAMBDA_SECONDS, MAP_CONCURRENCY
from laminar_runtime.process import processors

__all__ = ["Lambda"]


@_records.define(eq=False)
class Lambda(Process):
    """Runs each task, once deployed, as an invocation of a Lambda function made of its container's image.

    It starts in seconds, where a job of AWS Batch takes a minute or more, and ends within 15 minutes. The image must be
    in ECR and hold ``laminar-terraform[lambda]``. `Container.memory` is from 128 to 10,240 MiB. Processors come with
    it, one for each 1,769 MiB, so `Container.cpu` stays at its default. A fan-out has at most 1,000 splits. Where this
    process schedules, it runs the tasks as `Process` does, and needs no AWS.

    Args:
        timeout: Seconds after which a task is stopped, at most 900.
        concurrency: How many tasks run at once: deployed, of the splits of one layer, at most 40; here, of all tasks,
            at most as many as this process may use processors.

    Example:
        >>> from laminar_runtime.configurations.executors import AWS
        >>> AWS.Lambda(timeout=60).timeout
        60
    """

    timeout: float = _records.field(default=LAMBDA_SECONDS[1], validator=positive, kw_only=True)
    concurrency: int = _records.field(default=MAP_CONCURRENCY, validator=positive, kw_only=True)

    def _at_once(self) -> int:
        return min(self.concurrency, processors.available())
