"""Runs compiled flows by the replay: branches and jobs beside each other in virtual time, exact joins, redrives."""

from __future__ import annotations

import json
import random
from typing import Any

import attrs

from laminar_codegen.rehearsal.simulated import (
    Attempt,
    BatchJobs,
    Call,
    Functions,
    Invocation,
    JobResult,
    NamedError,
    Objects,
    Replayed,
    Services,
    redrive,
    replay,
)
from tests.support.random_flows.compiling import PREFIX, Compiled
from tests.support.random_flows.image import Image, InvocationError
from tests.support.random_flows.outcomes import Ended, Job

__all__ = ["Replay"]


@attrs.define
class Replay:
    """Runs a flow.

    Args:
        compiled: The flow, compiled.
        image: Its image.
        chance: The random numbers for the seconds of jobs.
    """

    compiled: Compiled
    image: Image
    chance: random.Random
    _services: Services = attrs.field(init=False)
    _last: Replayed | None = attrs.field(default=None, init=False)
    _failed: str = attrs.field(default="", init=False)

    @_services.default
    def _make_services(self) -> Services:
        objects = Objects()

        def put(call: Call) -> Any:
            arguments = call.arguments
            body, key = arguments["Body"], arguments["Key"]
            text = body if isinstance(body, str) else json.dumps(body)
            assert arguments["Bucket"] == "bucket"
            objects.contents[f"bucket/{key}"] = text
            self.image.store.transport.put(key.removeprefix(PREFIX), text.encode())
            return {"ETag": "x" * 99}

        jobs = BatchJobs(
            run=self._attempt,
            seconds=lambda _: self.chance.choice([0, 1, 5, 30]),
            definitions={name: _describe(job) for name, job in self.compiled.containers.items()},
        )
        functions = Functions(run=self._invoke, seconds=lambda _: self.chance.choice([0, 2]))
        return Services(jobs=jobs, functions=functions, objects=objects, others={"aws-sdk:s3:putObject": put})

    def run(self, name: str, given: Any) -> Ended:
        """Run an execution."""
        options = {"input": given, "name": name, "machines": self.compiled.nested}
        return self._end_of(replay(self.compiled.main, services=self._services, **options))

    def redrive(self) -> Ended:
        """Have the last execution go on where it failed."""
        assert self._last is not None
        return self._end_of(redrive(self._last))

    def _attempt(self, attempt: Attempt) -> JobResult:
        request = attempt.job.request
        resources = {item["type"]: item["value"] for item in request.container["resourceRequirements"]}
        job = Job(request.command, dict(sorted(resources.items())))
        return JobResult(exit_code=self.image.attempt(attempt.environment, job))

    def _invoke(self, invocation: Invocation) -> Any:
        try:
            return self.image.invoke(invocation.name, invocation.payload)
        except InvocationError as error:
            self._failed = error.layer
            raise NamedError(error.error, error.cause) from error

    def _end_of(self, replayed: Replayed) -> Ended:
        self._last = replayed
        if replayed.status == "SUCCEEDED":
            return Ended(None)
        assert replayed.status == "FAILED", replayed
        cause = replayed.cause or ""
        return Ended(_layer_of(cause) or self._failed, f"{replayed.error}: {cause}")


def _describe(job: Job) -> dict[str, Any]:
    """Return a job definition, as Batch describes it."""
    resources = [{"type": kind, "value": value} for kind, value in job.resources.items()]
    return {
        "platformCapabilities": ["FARGATE"],
        "containerProperties": {"command": list(job.command), "resourceRequirements": resources},
    }


def _layer_of(cause: str) -> str:
    """Return the layer of the job in a cause, empty if the cause has no job."""
    try:
        details = json.loads(cause)
    except ValueError:
        return ""
    if "JobName" in details:
        return str(details["JobName"]).rpartition("-")[2]
    return _layer_of(details["Cause"]) if "Cause" in details else ""
