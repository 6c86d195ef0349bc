"""The calls that states make of services: each one goes to the API of the embedded AWS, by the credentials of a role.

So it passes all that is done with requests there, as those of jobs and functions do. `ServiceCalls.call` is the one
function through which it goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from botocore import xform_name
from botocore.exceptions import ClientError, UnknownServiceError

from laminar_codegen.rehearsal.asl.errors import RUNTIME, NamedError
from laminar_codegen.rehearsal.aws.clients import Clients, place
from laminar_codegen.rehearsal.aws.payloads import RefusedArgumentsError, from_api, to_api

__all__ = ["ServiceCall", "ServiceCalls"]

#: What botocore calls services otherwise than states do.
_SERVICES = {"sfn": "stepfunctions", "states": "stepfunctions"}
#: How the SDK of Step Functions names services in errors; the others have their own names with a capital.
_ERROR_PREFIXES = {
    "dynamodb": "DynamoDb",
    "eventbridge": "EventBridge",
    "secretsmanager": "SecretsManager",
}
#: How optimised integrations name services in errors.
_OPTIMISED = {"batch": "Batch", "events": "EventBridge", "lambda": "Lambda", "sns": "SNS", "states": "StepFunctions"}
_SDK = "aws-sdk:"
_NOT_FOUND = "404"


@attrs.frozen
class ServiceCall:
    """A call.

    Args:
        role: The role that calls.
        region: Where it calls.
        state: The state that calls.
        integration: What it calls, such as ``aws-sdk:s3:getObject`` or ``batch:submitJob``.
        arguments: What it gives.
    """

    role: str
    region: str
    state: str
    integration: str
    arguments: Mapping[str, Any]

    @property
    def service(self) -> str:
        """The service, as states name it."""
        return self.integration.removeprefix(_SDK).partition(":")[0]

    @property
    def action(self) -> str:
        """The action, as states name it."""
        return self.integration.rpartition(":")[2]

    @property
    def optimised(self) -> bool:
        """Whether Step Functions has an integration for it, beside that of the SDK."""
        return not self.integration.startswith(_SDK)


@attrs.frozen
class ServiceCalls:
    """Makes calls.

    Args:
        clients: The clients of the embedded AWS.
    """

    clients: Clients

    def call(self, call: ServiceCall) -> Any:
        """Make a call, and give its answer as states see it. It waits for the answer: not for the clock's thread.

        Raises:
            NamedError: If Step Functions or the service refuses it.
        """
        try:
            client = self.clients.get(
                _SERVICES.get(call.service, call.service), call.region, lenient=True, role=call.role
            )
        except UnknownServiceError as error:
            raise NamedError(RUNTIME, f"There is no service {call.service}") from error
        model = client.meta.service_model
        operation = call.action[:1].upper() + call.action[1:]
        if operation not in model.operation_names:
            raise NamedError(RUNTIME, f"The service {call.service} has no action {call.action}")
        shapes = model.operation_model(operation)
        typed = call.optimised and call.service == "batch"
        try:
            given = to_api(call.arguments, shapes.input_shape, typed=typed)
        except RefusedArgumentsError as error:
            raise NamedError(RUNTIME, str(error)) from error
        here = place.set(call.state)
        try:
            answer = getattr(client, xform_name(operation))(**given)
        except ClientError as error:
            raise _error_of(call, error) from error
        finally:
            place.reset(here)
        answer.pop("ResponseMetadata", None)
        try:
            return from_api(answer, shapes.output_shape)
        except UnicodeDecodeError as error:
            raise NamedError(RUNTIME, f"The answer of {call.integration} is no text: {error}") from error


def _error_of(call: ServiceCall, error: ClientError) -> NamedError:
    """Return the error that a state gets, by the name and the cause that Step Functions has for the integration."""
    response: Any = error.response
    code, message = response["Error"]["Code"], response["Error"]["Message"]
    about = response["ResponseMetadata"]
    status, request = about["HTTPStatusCode"], about.get("RequestId", "")
    if not call.optimised:
        prefix = _ERROR_PREFIXES.get(call.service, call.service[:1].upper() + call.service[1:])
        cause = f"{message} (Service: {prefix}, Status Code: {status}, Request ID: {request})"
        return NamedError(f"{prefix}.{_exception(prefix, error)}", cause)
    service = _OPTIMISED.get(call.service, call.service)
    name = code if code.endswith("Exception") else f"{code}Exception"
    details = f"Service: AWS{service}; Status Code: {status}; Error Code: {code}; Request ID: {request}; Proxy: null"
    if call.service == "batch":
        message = f"Error executing request, Exception : {message}, RequestId: {request}"
    return NamedError(f"{service}.{name}", f"{message} ({details})")


def _exception(prefix: str, error: ClientError) -> str:
    """Return the name of the SDK's exception: the service's own for an error that its model does not have."""
    # S3 answers HEAD without a body: the SDK of Step Functions takes a 404 for NoSuchKey.
    if error.operation_name == "HeadObject" and error.response["Error"]["Code"] == _NOT_FOUND:
        return "NoSuchKeyException"
    name = type(error).__name__
    name = prefix if name == "ClientError" else name
    return name if name.endswith("Exception") else f"{name}Exception"
