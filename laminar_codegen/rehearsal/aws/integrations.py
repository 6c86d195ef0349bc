"""What Task states call: services by their APIs, and what some integrations do besides.

A ``.sync`` task begins something (a job, an execution) and waits for its end. It ends early when the task times out,
when another branch fails or when the execution is stopped; then what it began is ended, too.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.asl.calls import Call, Handler
from laminar_codegen.rehearsal.asl.clock import AbortedError, Future
from laminar_codegen.rehearsal.asl.errors import RUNTIME, TASK_FAILED, NamedError
from laminar_codegen.rehearsal.asl.execution import Execution
from laminar_codegen.rehearsal.asl.real_time import RealClock
from laminar_codegen.rehearsal.aws.batch_jobs import BatchJobs
from laminar_codegen.rehearsal.aws.payloads import compact_json
from laminar_codegen.rehearsal.aws.service_calls import ServiceCall, ServiceCalls

__all__ = ["Integrations"]

_STOPPED = "The task was stopped with its execution"
_MANAGED = {"Name": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}
_WAITING = (".sync", ".sync:2", ".waitForTaskToken")


@attrs.frozen
class Integrations:
    """Answers Task states.

    Args:
        clock: The time of the executions.
        services: Makes calls.
        jobs: The jobs of AWS Batch.
        executions: All executions by their ARNs.
    """

    clock: RealClock
    services: ServiceCalls
    jobs: BatchJobs
    executions: Mapping[str, Execution]

    def find(self, resource: str) -> Handler | None:
        """Return what answers an integration, None if it is to be looked for without its pattern."""
        match resource:
            case "batch:submitJob.sync":
                return self._run_job
            case "states:startExecution.sync" | "states:startExecution.sync:2":
                return self._run_execution
            case "states:startExecution":
                return self._start_execution
            case "lambda:invoke":
                return self._invoke
            case _ if not resource.endswith(_WAITING):
                return self._call
            case _:
                return None if resource.endswith(".waitForTaskToken") else _refuse

    def _begin(self, call: Call, integration: str, arguments: Mapping[str, Any]) -> Future[Any]:
        region = call.execution.split(":")[3]
        asked = ServiceCall(call.role, region, call.state, integration, arguments)
        return self.clock.begin(functools.partial(self.services.call, asked))

    async def _call(self, call: Call) -> Any:
        return await self._begin(call, _plain(call), call.arguments)

    async def _invoke(self, call: Call) -> Any:
        payload = call.arguments.get("Payload", {})
        if isinstance(payload, str) and _is_json(payload):
            payload = json.loads(payload)
        answer = await self._begin(call, "lambda:invoke", {**call.arguments, "Payload": payload})
        text = answer.get("Payload", "null")
        value = json.loads(text) if _is_json(text) else text
        if "FunctionError" in answer:
            name = value.get("errorType", "Exception") if isinstance(value, dict) else "Exception"
            raise NamedError(name, compact_json(value))
        shown = {name: answer[name] for name in ("ExecutedVersion", "LogResult", "StatusCode") if name in answer}
        return {"ExecutedVersion": "$LATEST", **shown, "Payload": value}

    async def _run_job(self, call: Call) -> Any:
        overrides = call.arguments.get("ContainerOverrides", {})
        arguments = call.arguments
        if isinstance(overrides, dict):
            environment = [*overrides.get("Environment", ()), _MANAGED]
            arguments = {**arguments, "ContainerOverrides": {**overrides, "Environment": environment}}
        submitted = self._begin(call, "batch:submitJob", arguments)

        def terminate() -> None:
            if submitted.error is None:
                given = {"JobId": submitted.result()["JobId"], "Reason": _STOPPED}
                self._begin(call, "batch:terminateJob", given)

        try:
            answer = await submitted
            call.submitted(answer)
            await self._wait_for_call(functools.partial(self.jobs.call_at_end, answer["JobId"]))
        except AbortedError:
            submitted.add_callback(terminate)
            raise
        described = await self._begin(call, "batch:describeJobs", {"Jobs": [answer["JobId"]]})
        if not described["Jobs"]:
            raise NamedError(TASK_FAILED, f"The job {answer['JobId']} is gone")
        job = described["Jobs"][0]
        if job["Status"] != "SUCCEEDED":
            raise NamedError(TASK_FAILED, compact_json(job))
        return job

    async def _wait_for_call(self, ask: Callable[[Callable[[], None]], None]) -> None:
        """Wait until a callback was called, from any thread."""
        done: Future[None] = Future(self.clock)
        ask(lambda: self.clock.post(lambda: done.succeed(None)))
        await done

    def _start(self, call: Call) -> Future[Any]:
        given = call.arguments.get("Input", {})
        text = given if isinstance(given, str) else compact_json(given)
        return self._begin(call, "states:startExecution", {**call.arguments, "Input": text})

    async def _start_execution(self, call: Call) -> Any:
        return await self._start(call)

    async def _run_execution(self, call: Call) -> Any:
        started = self._start(call)

        def stop() -> None:
            if started.error is None:
                given = {"ExecutionArn": started.result()["ExecutionArn"], "Cause": _STOPPED}
                self._begin(call, "states:stopExecution", given)

        try:
            answer = await started
            call.submitted(answer)
            await self.executions[answer["ExecutionArn"]].over
        except AbortedError:
            started.add_callback(stop)
            raise
        described = await self._begin(call, "states:describeExecution", {"ExecutionArn": answer["ExecutionArn"]})
        if call.resource.endswith(":2"):
            described |= {name: json.loads(described[name]) for name in ("Input", "Output") if name in described}
        if described["Status"] != "SUCCEEDED":
            raise NamedError(TASK_FAILED, compact_json(described))
        return described


def _plain(call: Call) -> str:
    """Return the integration of a call without its pattern."""
    return call.resource.partition(".")[0]


def _refuse(call: Call) -> Any:
    raise NamedError(RUNTIME, f"The embedded AWS does not support {call.resource}")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
