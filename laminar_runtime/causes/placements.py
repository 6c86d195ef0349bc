"""What jobs and functions ran on: the size of a container, its platform, its processors and its image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Placements"]


class Placements:
    """Knows what jobs and functions run on. Queues and functions are asked about once.

    Args:
        client: Returns a client of a service of AWS.
    """

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client
        self._queues: dict[str, str] = {}
        self._functions: dict[str, dict[str, Any]] = {}
        self.notes: list[str] = []

    def of_job(self, detail: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a job ran on: arguments of `laminar_runtime.timings.Attempt`.

        Args:
            detail: The description of the job.
        """
        container = detail.get("container") or {}
        asked = {one.get("type"): one.get("value") for one in container.get("resourceRequirements") or ()}
        platform = self._platform(detail)
        # https://docs.aws.amazon.com/batch/latest/APIReference/API_RuntimePlatform.html has the default.
        default = "X86_64" if platform.startswith("FARGATE") else ""
        return {
            "platform": platform,
            "architecture": str((container.get("runtimePlatform") or {}).get("cpuArchitecture") or default),
            "vcpus": float(asked.get("VCPU") or container.get("vcpus") or 0),
            "memory_mib": int(asked.get("MEMORY") or container.get("memory") or 0),
            "gpus": int(asked.get("GPU") or 0),
            "image": str(container.get("image") or ""),
        }

    def _platform(self, detail: Mapping[str, Any]) -> str:
        """Return the kind of capacity of the queue of a job; if it may not be read, what the job says."""
        queue = str(detail.get("jobQueue") or "")
        if queue not in self._queues:
            self._queues[queue] = self._try("the capacity of job queues", lambda: self._kind_of(queue)) or ""
        capabilities = detail.get("platformCapabilities") or [""]
        return self._queues[queue] or str(capabilities[0])

    def _kind_of(self, queue: str) -> str:
        """Return the kind of the first compute environment of a queue: those of a queue are of one kind.

        https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html
        """
        batch = self._client("batch")
        (found,) = batch.describe_job_queues(jobQueues=[queue])["jobQueues"]
        first = min(found["computeEnvironmentOrder"], key=lambda one: one["order"])["computeEnvironment"]
        (environment,) = batch.describe_compute_environments(computeEnvironments=[first])["computeEnvironments"]
        return str((environment.get("computeResources") or {}).get("type") or "")

    def of_function(self, name: str) -> dict[str, Any]:
        """Return what a function runs on: arguments of `laminar_runtime.timings.Attempt`.

        Args:
            name: The name or the ARN of the function.
        """
        if name not in self._functions:
            self._functions[name] = self._try("the sizes of functions", lambda: self._describe(name)) or {}
        return self._functions[name]

    def _describe(self, name: str) -> dict[str, Any]:
        found = self._client("lambda").get_function_configuration(FunctionName=name)
        architecture = {"x86_64": "X86_64", "arm64": "ARM64"}.get((found.get("Architectures") or ["x86_64"])[0], "")
        return {"memory_mib": int(found.get("MemorySize") or 0), "architecture": architecture}

    def _try(self, what: str, read: Callable[[], Any]) -> Any:
        """Return what a function reads; None if this process may not read it, or there is none, which is noted."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return read()
        except (BotoCoreError, ClientError, KeyError, ValueError) as error:
            note = f"{what} cannot be read: {error}"
            self.notes += [] if note in self.notes else [note]
            return None
