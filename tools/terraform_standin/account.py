"""The embedded AWS that the provider block and the environment point to.

Without an endpoint boto3 would talk to the real AWS, so a configuration without one is refused.
"""

from __future__ import annotations

import os
from functools import cached_property
from threading import Lock
from typing import Any

from attrs import Factory, define, field

from tools.terraform_standin.errors import InvalidConfigurationError
from tools.terraform_standin.values import State, Unknown

_ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"


# Not frozen: it holds the clients made so far, which are expensive to make.
@define
class Account:
    """One configured provider: region, endpoints, default tags, and the clients made so far."""

    region: str
    endpoints: dict[str, str] = field(factory=dict)
    default_tags: dict[str, str] = field(factory=dict)
    credentials: dict[str, Any] = field(factory=dict)
    _clients: dict[tuple[str, str], Any] = Factory(dict)
    _lock: Any = Factory(Lock)

    def client(self, service: str, region: str | None = None) -> Any:
        """Return the boto3 client of a service. Threads must not share boto3 sessions."""
        key = (service, region or self.region)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make_client(*key)
            return self._clients[key]

    def _make_client(self, service: str, region: str) -> Any:
        from botocore.config import Config  # slow to import, and not needed to validate

        return self._session.client(
            service,
            region_name=region,
            endpoint_url=self.endpoints.get(service),
            config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 2}),
        )

    @cached_property
    def _session(self) -> Any:
        import boto3  # slow to import, and not needed to validate

        return boto3.session.Session(**self.credentials)


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
