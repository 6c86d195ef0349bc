"""How Task states call services: where moto's interpreter deviates from Step Functions.

Each function here replaces one of moto's; its docstring states the deviation that it closes.
"""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_aws_sdk,
)

from laminar_codegen.rehearsal.aws import payloads
from laminar_codegen.rehearsal.aws.clients import Clients
from laminar_codegen.rehearsal.aws.patches import Patches

AwsSdkTask = state_task_service_aws_sdk.StateTaskServiceAwsSdk
StateTaskService = state_task_service.StateTaskService

_exception_name_of_sdk = AwsSdkTask._normalise_exception_name


def install(patches: Patches, clients: Clients) -> None:
    """Put the functions of this module in the place of moto's."""

    def client_for(region: str, service: str, state_credentials: object = None) -> Any:
        """Moto makes a client per call, of nobody's role, and finds its own port wrongly."""
        return clients.get(service, region, lenient=True, role=getattr(state_credentials, "role_arn", None))

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

    patches.imported_name("moto.stepfunctions", "boto_client_for", client_for)
    patches.attribute(StateTaskService, "_normalise_parameters", normalise_parameters)
    patches.attribute(StateTaskService, "_normalise_response", normalise_response)
    patches.attribute(AwsSdkTask, "_normalise_service_error_name", staticmethod(payloads.error_prefix))
    patches.attribute(AwsSdkTask, "_normalise_exception_name", staticmethod(_exception_name))


def _exception_name(prefix: str, error: ClientError) -> str:
    """S3 answers HEAD without a body: the SDK of Step Functions takes a 404 for NoSuchKey."""
    if error.operation_name == "HeadObject" and error.response["Error"]["Code"] == "404":
        return f"{prefix}.NoSuchKeyException"
    name: str = _exception_name_of_sdk(prefix, error)
    return name
