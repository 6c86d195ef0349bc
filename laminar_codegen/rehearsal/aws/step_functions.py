"""Step Functions: moto keeps the records of state machines; executions are ours.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html
"""

from __future__ import annotations

import base64
import functools
import json
import os
import random
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from laminar_codegen.rehearsal.asl import query_language
from laminar_codegen.rehearsal.asl.definition import Machine
from laminar_codegen.rehearsal.asl.errors import DefinitionError, NamedError, UnsupportedError
from laminar_codegen.rehearsal.asl.execution import Execution
from laminar_codegen.rehearsal.asl.parsing import parse
from laminar_codegen.rehearsal.asl.real_time import RealClock
from laminar_codegen.rehearsal.asl.tasks import Caller
from laminar_codegen.rehearsal.asl.tokens import TaskTokens
from laminar_codegen.rehearsal.asl.validation import validate
from laminar_codegen.rehearsal.asl.world import RefusedStartError, World, why_not_redrivable
from laminar_codegen.rehearsal.aws.batch_jobs import BatchJobs
from laminar_codegen.rehearsal.aws.clients import Clients
from laminar_codegen.rehearsal.aws.event_bus import EventBus
from laminar_codegen.rehearsal.aws.execution_records import Definition, Record
from laminar_codegen.rehearsal.aws.integrations import Integrations
from laminar_codegen.rehearsal.aws.own_services import Answer, Asked, Operations, ServiceError, answer_json
from laminar_codegen.rehearsal.aws.service_calls import ServiceCalls
from laminar_codegen.rehearsal.aws.status_events import StatusEvents

__all__ = ["StepFunctions"]

_TOKEN_BYTES = 450  # a token of AWS has some 600 characters, among them `/`, `+` and `=`
_TOKEN_PREFIX = "AQCEAAAAKgAAAAMAAAAA"  # noqa: S105 - how AWS's tokens begin
_PAGE = 1000
#: Operations on what only express workflows, activities, or Map runs have, and on single states.
_MISSING = (
    "StartSyncExecution",
    "TestState",
    "ListMapRuns",
    "DescribeMapRun",
    "UpdateMapRun",
    "CreateActivity",
    "GetActivityTask",
)
_parse = functools.lru_cache(maxsize=256)(parse)

_Operation = Callable[["StepFunctions", Mapping[str, Any]], Any]


class StepFunctions(Operations):
    """The executions of one embedded AWS, and the operations on them.

    Args:
        clock: The time.
        clients: The clients of the embedded AWS.
        jobs: The jobs of AWS Batch.
    """

    def __init__(self, clock: RealClock, clients: Clients, jobs: BatchJobs) -> None:
        self._clock = clock
        self._clients = clients
        self._records: dict[str, Record] = {}
        # State machines that are deleted when their executions have ended.
        self._deleting: set[str] = set()
        self._tokens = TaskTokens(make=_make_token)
        executions: dict[str, Execution] = {}
        integrations = Integrations(clock, ServiceCalls(clients), jobs, executions)
        chance = random.SystemRandom()
        self._world = World(
            clock,
            Caller(integrations.find, self._tokens),
            query_language.ambient_functions(lambda: clock.milliseconds, chance),
            executions=executions,
        )
        events = StatusEvents(clock, EventBus(clients))
        self._world.ended = lambda execution: self._tell_end(events, execution)
        self._waiting: dict[str, list[threading.Event]] = {}
        self.operations = {
            **{name: functools.partial(self._answer, operation) for name, operation in _OPERATIONS.items()},
            **{name: functools.partial(_refuse, name) for name in _MISSING},
            "CreateStateMachine": _check_machine,
            "UpdateStateMachine": _check_definition,
            "ValidateStateMachineDefinition": _validate,
            "DeleteStateMachine": self._delete,
        }

    def machine_of(self, token: str) -> str | None:
        """Return the ARN of the state machine that waits for a task token, None if none does."""
        return self._tokens.machine_of(token)

    def await_end(self, arn: str) -> None:
        """Wait until an execution does not run, in another thread than the clock's."""
        ended = threading.Event()

        def watch() -> None:
            execution = self._world.executions.get(arn)
            if execution is None or execution.status != "RUNNING":
                ended.set()
            else:
                self._waiting.setdefault(arn, []).append(ended)

        self._clock.ask(watch)
        ended.wait()

    def stop_all(self) -> None:
        """Stop all executions, and forget them."""
        self._clock.ask(self._stop_all)

    def _stop_all(self) -> None:
        self._records.clear()  # first: these ends are not announced
        for execution in list(self._world.executions.values()):
            if execution.status == "RUNNING":
                self._world.stop(execution)
        self._world.executions.clear()

    def _tell_end(self, events: StatusEvents, execution: Execution) -> None:
        for waiting in self._waiting.pop(execution.arn, ()):
            waiting.set()
        record = self._records.get(execution.arn)
        if record is None:
            return
        events.publish(record)
        arn = record.definition.arn
        if arn in self._deleting and not self._running(arn):
            self._deleting.discard(arn)
            client = self._clients.get("stepfunctions", arn.split(":")[3])
            threading.Thread(target=client.delete_state_machine, kwargs={"stateMachineArn": arn}, daemon=True).start()

    def _running(self, arn: str) -> list[Execution]:
        """Return the executions of a state machine that run."""
        executions = [one.execution for one in list(self._records.values()) if one.definition.arn == arn]
        return [execution for execution in executions if execution.status == "RUNNING"]

    def _delete(self, asked: Asked) -> Answer | None:
        """Delete a state machine once its executions have ended, which they do at their next transitions.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_DeleteStateMachine.html
        """
        arn = asked.parameters["stateMachineArn"]
        running = self._running(arn)
        if not running:
            return None
        self._deleting.add(arn)
        for execution in running:
            execution.terminated = True
        return answer_json({})

    def _answer(self, operation: _Operation, asked: Asked) -> Answer:
        return answer_json(operation(self, asked.parameters))

    def _start(self, given: Mapping[str, Any]) -> dict[str, Any]:
        arn, text = given["stateMachineArn"], given.get("input") or "{}"
        if arn in self._deleting:
            raise ServiceError("StateMachineDeleting", f"State Machine is being deleted: '{arn}'")
        machine, definition = self._machine(arn)
        value = _parsed_input(text)
        name = given.get("name") or str(uuid.uuid4())

        def start() -> Record:
            execution = self._world.start(machine, definition.arn, name, value, definition.role)
            return self._records.setdefault(execution.arn, Record(execution, definition, text))

        try:
            record = self._clock.ask(start)
        except RefusedStartError as error:
            raise ServiceError(error.code, error.cause) from error
        return {"executionArn": record.execution.arn, "startDate": record.date(record.execution.created)}

    def _machine(self, arn: str) -> tuple[Machine, Definition]:
        try:
            found = self._clients.get("stepfunctions", arn.split(":")[3]).describe_state_machine(stateMachineArn=arn)
        except ClientError as error:
            refused: Any = error.response["Error"]
            raise ServiceError(refused["Code"], refused["Message"]) from error
        updated = found.get("updateDate", found["creationDate"]).timestamp()
        definition = Definition(arn, found["name"], found["definition"], found["roleArn"], updated)
        return _parse(found["definition"]), definition

    def _record(self, given: Mapping[str, Any]) -> Record:
        arn = given.get("executionArn", "")
        record = self._records.get(arn)
        if record is None:
            raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return record

    def _describe(self, given: Mapping[str, Any]) -> dict[str, Any]:
        record = self._record(given)
        return self._clock.ask(record.describe)

    def _describe_machine(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return self._record(given).describe_machine()

    def _list(self, given: Mapping[str, Any]) -> dict[str, Any]:
        arn, status = given.get("stateMachineArn", ""), given.get("statusFilter")
        found = [record for record in reversed(self._records.values()) if record.definition.arn == arn]
        if not found:
            self._machine(arn)
        shown = [record.describe_short() for record in found if status in (None, record.execution.status)]
        return _page("executions", shown, given)

    def _history(self, given: Mapping[str, Any]) -> dict[str, Any]:
        events = self._clock.ask(self._record(given).events)
        return _page("events", events[::-1] if given.get("reverseOrder") else events, given)

    def _stop(self, given: Mapping[str, Any]) -> dict[str, Any]:
        record = self._record(given)
        execution = record.execution
        error, cause = given.get("error"), given.get("cause")
        why = None if error is None and cause is None else NamedError(error or "", cause or "")
        self._clock.ask(lambda: self._world.stop(execution, why))
        return {"stopDate": record.date(self._clock.elapsed if execution.ended is None else execution.ended)}

    def _redrive(self, given: Mapping[str, Any]) -> dict[str, Any]:
        record = self._record(given)

        def redrive() -> None:
            reason = why_not_redrivable(record.execution)
            if reason is not None:
                raise ServiceError("ExecutionNotRedrivable", reason)
            self._world.redrive(record.execution)

        self._clock.ask(redrive)
        return {"redriveDate": record.date(record.execution.started)}

    def _send(self, send: Callable[..., None], *given: str) -> dict[str, Any]:
        try:
            self._clock.ask(lambda: send(*given))
        except NamedError as error:
            raise ServiceError(error.name.removeprefix("Sfn.").removesuffix("Exception"), error.cause) from error
        return {}

    def _succeed(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return self._send(self._tokens.succeed, given["taskToken"], given["output"])

    def _fail(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return self._send(self._tokens.fail, given["taskToken"], given.get("error", ""), given.get("cause", ""))

    def _beat(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return self._send(self._tokens.beat, given["taskToken"])


_OPERATIONS: Mapping[str, _Operation] = {
    "StartExecution": StepFunctions._start,  # noqa: SLF001 - of this module
    "DescribeExecution": StepFunctions._describe,  # noqa: SLF001
    "DescribeStateMachineForExecution": StepFunctions._describe_machine,  # noqa: SLF001
    # moto has no versions, and the compiler publishes none.
    "ListStateMachineVersions": lambda _, __: {"stateMachineVersions": []},
    "ListExecutions": StepFunctions._list,  # noqa: SLF001
    "GetExecutionHistory": StepFunctions._history,  # noqa: SLF001
    "StopExecution": StepFunctions._stop,  # noqa: SLF001
    "RedriveExecution": StepFunctions._redrive,  # noqa: SLF001
    "SendTaskSuccess": StepFunctions._succeed,  # noqa: SLF001
    "SendTaskFailure": StepFunctions._fail,  # noqa: SLF001
    "SendTaskHeartbeat": StepFunctions._beat,  # noqa: SLF001
}


def _make_token() -> str:
    return _TOKEN_PREFIX + base64.b64encode(os.urandom(_TOKEN_BYTES)).decode()


def _parsed_input(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from error


def _page(name: str, items: list[dict[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of a list. Its token is where the next one begins."""
    start = int(given.get("nextToken") or 0)
    end = start + (given.get("maxResults") or _PAGE)
    return {name: items[start:end], **({"nextToken": str(end)} if end < len(items) else {})}


def _refuse(name: str, _: Asked) -> Answer:
    """Refuse what there is not here: moto's answer would be that of another interpreter."""
    raise ServiceError("ValidationException", f"The embedded AWS has no {name}")


def _check_machine(asked: Asked) -> None:
    """Refuse a machine of a type that there is not here: an execution of another type has other limits and no name."""
    if asked.parameters.get("type", "STANDARD") != "STANDARD":
        raise ServiceError("ValidationException", "The embedded AWS has no state machines of the type EXPRESS")
    _check_definition(asked)


def _check_definition(asked: Asked) -> None:
    """Refuse a definition that Step Functions refuses, or that cannot be run here; moto keeps the others."""
    text = asked.parameters.get("definition")
    if text is None:
        return
    try:
        _parse(text)
    except DefinitionError as error:
        raise ServiceError("InvalidDefinition", f"Invalid State Machine Definition: {error}") from error
    except UnsupportedError as error:
        raise ServiceError("InvalidDefinition", f"The embedded AWS cannot run this: {error}") from error


def _validate(asked: Asked) -> Answer:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html."""
    problems = validate(asked.parameters["definition"])
    diagnostics = [
        {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": problem, "location": f"/{place}"}
        for problem in problems
        for place in [problem.partition(":")[0].replace(".", "/")]
    ]
    return answer_json({"result": "FAIL" if problems else "OK", "diagnostics": diagnostics, "truncated": False})
