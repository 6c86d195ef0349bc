"""Runs compiled flows by sfnx: an interpreter that is not ours, fast, one thing after the other, without time."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from typing import Any

import attrs
from sfnx import testing

from laminar_runtime.configurations.failures import FINAL
from tests.support.random_flows.compiling import PREFIX, Compiled
from tests.support.random_flows.image import Image, InvocationError
from tests.support.random_flows.outcomes import Ended, Job

__all__ = ["Sfnx"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


@attrs.define
class Sfnx:
    """Runs a flow.

    Args:
        compiled: The flow, compiled.
        image: Its image.
        chance: The random numbers for the order of the children of array jobs.
    """

    compiled: Compiled
    image: Image
    chance: random.Random
    _jobs: dict[str, list[bool]] = attrs.field(factory=dict, init=False)
    _nested: Ended | None = attrs.field(default=None, init=False)

    def run(self, name: str, given: Any) -> Ended:
        """Run an execution."""
        self._nested = None
        ended = self._run(self.compiled.main, name, given)
        return self._nested or ended

    def redrive(self) -> Ended:
        """Refuse: sfnx begins at the start."""
        raise AssertionError("sfnx does not redrive")

    def _run(self, definition: Mapping[str, Any], name: str, given: Any) -> Ended:
        """Do what `sfnx.testing.run` does, under another name than the one that it gives."""
        testing.check(definition)
        record = testing.Record(self._answer)
        context: dict[str, Any] = testing.execution_context(given, "2026-01-01T00:00:00.000Z")
        context["Execution"]["Name"] = name
        try:
            testing.scope(definition, {}, given, context, record)
        except testing.Failure as failure:
            return Ended(record.states[-1], f"{failure.error}: {failure.cause}")
        return Ended(None)

    def _answer(self, call: testing.Call) -> Any:
        arguments: Any = call.arguments
        match call.resource.removeprefix("arn:aws:states:::"):
            case "lambda:invoke":
                return {"Payload": self._invoke(arguments), "StatusCode": 200, "ExecutedVersion": "$LATEST"}
            case "batch:submitJob.sync":
                return self._submit(arguments, awaited=True)
            case "batch:submitJob":
                return self._submit(arguments, awaited=False)
            case "aws-sdk:s3:putObject":
                assert arguments["Bucket"] == "bucket"
                body = arguments["Body"]
                content = body if isinstance(body, str) else json.dumps(body)
                self.image.store.transport.put(arguments["Key"].removeprefix(PREFIX), content.encode())
                return {"ETag": "x" * 99}
            case "aws-sdk:batch:terminateJob":
                return {}  # a job has ended when its submission is answered
            case "states:startExecution.sync:2":
                return self._start(arguments)
            case other:
                raise AssertionError(other)

    def _invoke(self, arguments: Mapping[str, Any]) -> Any:
        try:
            return self.image.invoke(arguments["FunctionName"], arguments["Payload"])
        except InvocationError as error:
            raise testing.Failure(error.error, error.cause) from error

    def _start(self, arguments: Mapping[str, Any]) -> Any:
        ended = self._run(self.compiled.nested[arguments["StateMachineArn"]], arguments["Name"], arguments["Input"])
        if ended.state is not None:
            self._nested = self._nested or ended
            raise testing.Failure("States.TaskFailed", ended.text)
        return {"Status": "SUCCEEDED", "Output": {}}

    def _submit(self, arguments: Mapping[str, Any], *, awaited: bool) -> dict[str, Any]:
        """Run a job to its end. https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html."""
        assert _NAME.fullmatch(arguments["JobName"])
        assert len(json.dumps(arguments["ContainerOverrides"])) <= 8192
        size = arguments.get("ArrayProperties", {}).get("Size")
        assert size is None or 2 <= size <= 10_000
        number = str(len(self._jobs))
        children = self._jobs[number] = [False] * (size or 1)
        places = list(range(len(children)))
        self.chance.shuffle(places)
        for place in places:
            children[place] = self._may_start(arguments, place, size) and self._child(arguments, place, size, number)
        if awaited and not all(children):
            reason = f"Array Child Job failed: {arguments['JobName']}"
            cause = {"JobName": arguments["JobName"], "Status": "FAILED", "StatusReason": reason}
            raise testing.Failure("States.TaskFailed", json.dumps(cause, separators=(",", ":")))
        return {"JobId": number, "JobName": arguments["JobName"], "Container": {"Command": ["x" * 999]}}

    def _may_start(self, arguments: Mapping[str, Any], place: int, size: int | None) -> bool:
        """Return whether the dependencies of a child succeeded."""
        for dependency in arguments.get("DependsOn", ()):
            before = self._jobs[dependency["JobId"]]
            if dependency.get("Type") == "N_TO_N":
                assert len(before) == size
                if not before[place]:
                    return False
            elif not all(before):
                return False
        return True

    def _child(self, arguments: Mapping[str, Any], place: int, size: int | None, number: str) -> bool:
        """Run a child, attempt after attempt. https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html."""
        attempts = arguments.get("RetryStrategy", {"Attempts": 1})["Attempts"]
        assert 1 <= attempts <= 10
        overrides = arguments["ContainerOverrides"]
        environment = {item["Name"]: item["Value"] for item in overrides["Environment"]}
        environment["AWS_BATCH_JOB_ID"] = number if size is None else f"{number}:{place}"
        if size is not None:
            environment["AWS_BATCH_JOB_ARRAY_INDEX"] = str(place)
        job = _overridden(self.compiled.containers[arguments["JobDefinition"]], overrides)
        for start in range(1, attempts + 1):
            code = self.image.attempt({**environment, "AWS_BATCH_JOB_ATTEMPT": str(start)}, job)
            if code in {0, FINAL}:
                return code == 0
        return False


def _overridden(job: Job, overrides: Mapping[str, Any]) -> Job:
    """Return the container of a job: that of its definition, with the job's overrides."""
    if "Command" in overrides:
        job = attrs.evolve(job, command=tuple(overrides["Command"]))
    if "ResourceRequirements" in overrides:
        resources = {item["Type"]: item["Value"] for item in overrides["ResourceRequirements"]}
        job = attrs.evolve(job, resources=resources)
    return job
