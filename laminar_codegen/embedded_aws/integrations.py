"""How Task states call services: where moto's interpreter deviates from Step Functions.

Each function here replaces one of moto's; its docstring states the deviation that it closes.
"""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_aws_sdk,
    state_task_service_batch,
    state_task_service_callback,
    state_task_service_sfn,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackOutcome,
    CallbackOutcomeTimedOut,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from laminar_codegen.embedded_aws import payloads
from laminar_codegen.embedded_aws.batch_jobs import BatchJobs
from laminar_codegen.embedded_aws.clients import Clients
from laminar_codegen.embedded_aws.flow_control import pause
from laminar_codegen.embedded_aws.patches import Patches

AwsSdkTask = state_task_service_aws_sdk.StateTaskServiceAwsSdk
BatchTask = state_task_service_batch.StateTaskServiceBatch
CallbackTask = state_task_service_callback.StateTaskServiceCallback
StateTaskService = state_task_service.StateTaskService
NestedTask = state_task_service_sfn.StateTaskServiceSfn

_SUBMIT_JOB_FIELDS = frozenset(
    {
        *state_task_service_batch._SUPPORTED_API_PARAM_BINDINGS["submitjob"],
        "PropagateTags",
        "SchedulingPriorityOverride",
        "ShareIdentifier",
    }
)
_STOPPED = "The task was stopped with its execution"
_JOB_LOOK_SECONDS = 0.05
_NESTED_LOOK_SECONDS = 0.02
_OTHER_LOOK_SECONDS = 0.5

_resolver_of_batch = BatchTask._build_sync_resolver
_resolver_of_nested = NestedTask._build_sync_resolver
_resolver2_of_nested = NestedTask._build_sync2_resolver
_wait_for_token = CallbackTask._eval_wait_for_task_token
_exception_name_of_sdk = AwsSdkTask._normalise_exception_name


class TaskStoppedError(Exception):
    """A task ended because its execution, branch or attempt ended."""


@attrs.frozen
class SyncCall:
    """What a `.sync` task waits for: `resolve` returns nothing until it has ended."""

    resolve: Callable[[], Any]
    cancel: Callable[[], None]

    def __call__(self) -> Any:
        """Resolve: moto calls it as a function."""
        return self.resolve()


def install(patches: Patches, clients: Clients, jobs: BatchJobs) -> None:
    """Put the functions of this module in the place of moto's."""

    def client_for(region: str, service: str, state_credentials: object = None) -> Any:
        """Moto makes a client per call, from the user's profile, and finds its own port wrongly."""
        del state_credentials
        return clients.get(service, region, lenient=True)

    def normalise_parameters(self: StateTaskService, parameters: dict[str, Any], *_: object, **__: object) -> None:
        """Moto leaves this empty: Arguments keep their PascalCase and are refused by botocore."""
        client = clients.get(self._get_boto_service_name(), lenient=True)
        payloads.to_api(client, self._get_boto_service_action(), parameters)

    def normalise_response(
        self: StateTaskService,
        response: Any,
        boto_service_name: str | None = None,
        service_action_name: str | None = None,
    ) -> None:
        """Moto leaves this empty: results keep the API's case, dates and open streams."""
        client = clients.get(self._get_boto_service_name(boto_service_name), lenient=True)
        action = self._get_boto_service_action(service_action_name)
        shape: Any = payloads.operation(client, action).output_shape
        self._from_boto_response(response, shape)
        payloads.make_json(response)

    def batch_resolver(self: BatchTask, env: Environment, **parts: Any) -> SyncCall:
        """Wait for the job in this process, and end it with the task.

        moto asks every half second through the API; and leaves the job running when the task
        times out or its execution is stopped.
        """
        job_id: str = env.stack[-1]["JobId"]
        describe: Any = _resolver_of_batch(self, env=env, **parts)
        return SyncCall(
            lambda: describe() if jobs.wait(job_id, _JOB_LOOK_SECONDS) else None,
            lambda: jobs.terminate(job_id, _STOPPED),
        )

    def nested_resolver(self: NestedTask, env: Environment, **parts: Any) -> SyncCall:
        return _nested(env, clients, lambda: _resolver_of_nested(self, env=env, **parts))

    def nested_resolver2(self: NestedTask, env: Environment, **parts: Any) -> SyncCall:
        return _nested(env, clients, lambda: _resolver2_of_nested(self, env=env, **parts))

    patches.imported_name("moto.stepfunctions", "boto_client_for", client_for)
    patches.attribute(StateTaskService, "_normalise_parameters", normalise_parameters)
    patches.attribute(StateTaskService, "_normalise_response", normalise_response)
    patches.attribute(CallbackTask, "_eval_sync", _wait_for_end)
    patches.attribute(CallbackTask, "_eval_wait_for_task_token", _wait_for_task_token)
    patches.attribute(BatchTask, "_eval_parameters", _job_parameters)
    patches.attribute(BatchTask, "_attach_aws_environment_variables", staticmethod(_mark_as_managed))
    patches.attribute(BatchTask, "_build_sync_resolver", batch_resolver)
    patches.attribute(NestedTask, "_build_sync_resolver", nested_resolver)
    patches.attribute(NestedTask, "_build_sync2_resolver", nested_resolver2)
    patches.attribute(AwsSdkTask, "_normalise_service_error_name", staticmethod(payloads.error_prefix))
    patches.attribute(AwsSdkTask, "_normalise_exception_name", staticmethod(_exception_name))


def _wait_for_end(
    _: CallbackTask,
    env: Environment,
    sync_resolver: Callable[[], Any],
    timeout_seconds: int | None,
    callback_endpoint: CallbackEndpoint | None,
    heartbeat_endpoint: object,
) -> Any:
    """Moto sleeps half a second between looks, and returns nothing at all when interrupted."""
    del timeout_seconds, callback_endpoint, heartbeat_endpoint
    while env.is_running():
        if result := sync_resolver():
            return result
        if not isinstance(sync_resolver, SyncCall):
            pause(env, _OTHER_LOOK_SECONDS)
    if isinstance(sync_resolver, SyncCall):
        sync_resolver.cancel()
    raise TaskStoppedError(_STOPPED)


def _nested(env: Environment, clients: Clients, resolver: Callable[[], Any]) -> SyncCall:
    """Wait for the execution in this process, and stop it with the task.

    moto asks every half second through the API; and leaves the nested execution running when
    the task times out or its execution is stopped.
    """
    arn: str = env.stack[-1]["ExecutionArn"]
    _, _, _, region, account, *_ = arn.split(":")
    backend = stepfunctions_parser_backends[account][region]
    describe = resolver()

    def resolve() -> Any:
        if backend.describe_execution(arn).status != "RUNNING":
            return describe()
        pause(env, _NESTED_LOOK_SECONDS)
        return None

    client = clients.get("stepfunctions", region, lenient=True)
    return SyncCall(resolve, lambda: client.stop_execution(executionArn=arn, cause=_STOPPED))


def _wait_for_task_token(
    self: CallbackTask,
    env: Environment,
    timeout_seconds: int,
    callback_endpoint: CallbackEndpoint,
    heartbeat_endpoint: Any,
) -> CallbackOutcome:
    """Moto goes on waiting for a token when the execution is stopped."""
    if heartbeat_endpoint is not None:
        outcome: CallbackOutcome = _wait_for_token(self, env, timeout_seconds, callback_endpoint, heartbeat_endpoint)
        return outcome
    deadline = time.monotonic() + timeout_seconds
    while env.is_running() and time.monotonic() < deadline:
        if found := callback_endpoint.wait(timeout=_JOB_LOOK_SECONDS):
            return found
    return CallbackOutcomeTimedOut(callback_id=callback_endpoint.callback_id)


def _job_parameters(self: BatchTask, env: Environment) -> dict[str, Any]:
    """Moto drops what it does not know (three fields that AWS knows among them); AWS refuses."""
    if self.parargs is None:
        return {}
    self.parargs.eval(env=env)
    parameters: dict[str, Any] = env.stack.pop()
    payloads.refuse_unknown(parameters, _SUBMIT_JOB_FIELDS)
    return parameters


def _mark_as_managed(parameters: dict[str, Any]) -> None:
    """Moto adds the variable in the API's case, which Arguments do not have."""
    overrides = parameters.setdefault("ContainerOverrides", {})
    overrides.setdefault("Environment", []).append({"Name": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"})


def _exception_name(prefix: str, error: ClientError) -> str:
    """S3 answers HEAD without a body: the SDK of Step Functions takes a 404 for NoSuchKey."""
    if error.operation_name == "HeadObject" and error.response["Error"]["Code"] == "404":
        return f"{prefix}.NoSuchKeyException"
    name: str = _exception_name_of_sdk(prefix, error)
    return name
