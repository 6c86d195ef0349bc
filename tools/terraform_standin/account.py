"""The embedded AWS that the provider block and the environment point to.

Without an endpoint boto3 would talk to the real AWS, so a configuration without one is refused.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from attrs import field, frozen

from tools.terraform_standin.errors import InvalidConfigurationError
from tools.terraform_standin.values import State, Unknown

_ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
#: The file to which each call is added: the service and the operation, as IAM names them.
CALLS_VARIABLE = "LAMINAR_STANDIN_CALLS"
#: Services that IAM names otherwise than their endpoints.
_SIGNED = {"monitoring": "cloudwatch", "email": "ses"}


#: Threads share boto3 clients, and must not share boto3 sessions.
_LOCK = Lock()


@frozen
class Account:
    """One configured provider: region, endpoints, default tags and credentials."""

    region: str
    endpoints: dict[str, str] = field(factory=dict)
    default_tags: dict[str, str] = field(factory=dict)
    credentials: dict[str, Any] = field(factory=dict)

    def client(self, service: str, region: str | None = None) -> Any:
        """Return the boto3 client of a service."""
        with _LOCK:
            credentials = tuple(sorted(self.credentials.items()))
            return _make_client(service, region or self.region, self.endpoints.get(service), credentials)


@cache  # for all commands that this process serves: a client is expensive to make
def _make_client(service: str, region: str, endpoint: str | None, credentials: tuple[tuple[str, Any], ...]) -> Any:
    from botocore.config import Config  # slow to import, and not needed to validate

    client = _make_session(credentials).client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 2}),
    )
    if CALLS_VARIABLE in os.environ:
        client.meta.events.register("before-call", _note)
    return client


def _note(model: Any, **_: Any) -> None:
    """Add a call to the file that the environment names."""
    service = model.service_model.signing_name
    with _LOCK, Path(os.environ[CALLS_VARIABLE]).open("a", encoding="utf-8") as file:
        file.write(f"{_SIGNED.get(service, service)}:{model.name}\n")


@cache
def _make_session(credentials: tuple[tuple[str, Any], ...]) -> Any:
    import boto3  # slow to import, and not needed to validate

    return boto3.session.Session(**dict(credentials))


def configure(config: State) -> Account:
    """Read the provider block; missing settings come from the environment."""
    endpoints = _endpoints(config)
    if not endpoints and _ENDPOINT_VARIABLE not in os.environ:
        message = (
            "The stand-in AWS provider talks to an embedded AWS only: "
            f"set {_ENDPOINT_VARIABLE} or the endpoints of the provider block."
        )
        raise InvalidConfigurationError(message)
    region = config["region"] or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not isinstance(region, str):
        message = "Missing region: set the region of the provider block or AWS_REGION."
        raise InvalidConfigurationError(message)
    return Account(
        region=region,
        endpoints=endpoints,
        default_tags=_default_tags(config),
        credentials=_credentials(config),
    )


def _endpoints(config: State) -> dict[str, str]:
    return {service: url for block in config["endpoints"] for service, url in block.items() if isinstance(url, str)}


def _default_tags(config: State) -> dict[str, str]:
    return {
        key: value
        for block in config["default_tags"]
        for key, value in (block["tags"] or {}).items()
        if not isinstance(value, Unknown)
    }


def _credentials(config: State) -> dict[str, Any]:
    names = {
        "access_key": "aws_access_key_id",
        "secret_key": "aws_secret_access_key",
        "token": "aws_session_token",
        "profile": "profile_name",
    }
    return {theirs: config[ours] for ours, theirs in names.items() if isinstance(config[ours], str)}
