"""Deploys documents to the embedded AWS: the text that a user would apply, and nothing else of the flow."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from laminar_codegen.lower_terraform.document import emit_document
from laminar_codegen.pipeline import Compilation
from laminar_codegen.rehearsal.aws import EmbeddedAws
from laminar_codegen.rehearsal.document.configuration import Configuration, read_text
from laminar_codegen.rehearsal.document.deploying import deploy_configuration
from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.document.given import Given
from laminar_codegen.rehearsal.document.kinds import Account, service_role
from laminar_codegen.render.terraform_json import render_document
from laminar_runtime.deployed.deployment import Deployment, parameter_name

__all__ = ["account_of", "deploy", "deploy_document", "document_of", "find_deployment"]

_WARNING = "laminar-codegen: warning:"
#: Where the account stands in an ARN. (Another service would have to be loaded to ask for it.)
_ACCOUNT = 4
#: By what its parameters are found, whatever name a deployment has.
_PARAMETERS = parameter_name("")


def document_of(compilation: Compilation) -> str:
    """Return the document of a compiled flow that stands by itself: without a call of the Terraform module.

    Args:
        compilation: The flow, compiled.
    """
    calls = compilation.document.calls
    return render_document(emit_document(compilation.deployment) if calls else compilation.document)


def deploy(compilation: Compilation, aws: EmbeddedAws, given: Given | None = None) -> Deployment:
    """Deploy a compiled flow.

    Args:
        compilation: The flow, compiled.
        aws: The embedded AWS.
        given: Values of the document's variables.

    Returns:
        The deployment, which applications find by its name.

    Raises:
        DocumentError: If its document cannot be deployed.
    """
    flow = compilation.source.flow.name
    return deploy_document(read_text(document_of(compilation)), aws, flow, given or Given())


def deploy_document(
    configuration: Configuration, aws: EmbeddedAws, flow: str, given: Given, name: str | None = None
) -> Deployment:
    """Deploy what documents declare.

    Args:
        configuration: What they declare.
        aws: The embedded AWS.
        flow: The flow that is looked for among the deployments.
        given: Values of variables.
        name: The name of the deployment, if there are several.

    Returns:
        The deployment.

    Raises:
        DocumentError: If they cannot be deployed, or do not deploy the flow.
    """
    deploy_configuration(configuration, given, account_of(aws), _warn)
    return find_deployment(aws, flow, name)


def account_of(aws: EmbeddedAws) -> Account:
    """Return the account that the embedded AWS has.

    Args:
        aws: The embedded AWS.
    """
    role = service_role(aws.client("iam"))
    return Account(_clients(aws), aws.region, role.split(":")[_ACCOUNT], role, os.environ.get, aws.workspace.volumes)


def _clients(aws: EmbeddedAws) -> Callable[..., Any]:
    """Return what gives clients: those of other regions are few, such as of a secret's."""

    def client(service: str, region: str | None = None) -> Any:
        if region in {None, aws.region}:
            return aws.client(service)
        import botocore.session

        names = {
            "endpoint_url": "AWS_ENDPOINT_URL",
            "aws_access_key_id": "AWS_ACCESS_KEY_ID",
            "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
            "aws_session_token": "AWS_SESSION_TOKEN",
        }
        given: dict[str, Any] = {name: aws.environment.get(variable) for name, variable in names.items()}
        return botocore.session.Session().create_client(service, region_name=region, **given)

    return client


def _warn(text: str) -> None:
    print(_WARNING, text, file=sys.stderr)


def find_deployment(aws: EmbeddedAws, flow: str, name: str | None = None) -> Deployment:
    """Find a flow among what was deployed, as applications do: by its SSM parameter.

    Args:
        aws: The embedded AWS.
        flow: The name of the flow.
        name: The name of the deployment, if it is given.

    Returns:
        The deployment.

    Raises:
        DocumentError: If the flow is not deployed, or it is not clear which deployment is meant.
    """
    found = {deployment.name: deployment for deployment in _deployments(aws)}
    if name is not None or flow in found:
        chosen = name or flow
        if chosen not in found:
            there = f"there are {', '.join(found)}" if found else "there is none"
            raise DocumentError(f"no deployment is named '{chosen}': {there}")
        return found[chosen]
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise DocumentError(f"several flows are deployed: choose one, --deployment {'|'.join(found)}")
    raise DocumentError(
        f"the flow '{flow}' is not deployed: the document declares no SSM parameter {_PARAMETERS}<name>, "
        "by which applications find it"
    )


def _deployments(aws: EmbeddedAws) -> Iterator[Deployment]:
    pages = aws.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=_PARAMETERS.rstrip("/"))
    for parameter in (parameter for page in pages for parameter in page["Parameters"]):
        value = _describe(parameter)
        yield Deployment(
            parameter["Name"].removeprefix(_PARAMETERS),
            str(value.get("state_machine_arn")),
            str(value.get("datastore_root")),
            tuple(value.get("flows") or ()),
        )


def _describe(parameter: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        found = json.loads(parameter["Value"])
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DocumentError(f"the SSM parameter {parameter['Name']} does not describe a deployment")
    return found
