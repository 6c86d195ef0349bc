"""The secrets of a Batch job, for its environment and its log driver. They are fetched when its container starts.

https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from laminar_codegen.rehearsal.aws.clients import Clients

_PARAMETER_PARTS = 6  # arn:partition:ssm:region:account:parameter/name
_SECRET_PARTS = 7  # arn:partition:secretsmanager:region:account:secret:name


class SecretError(Exception):
    """A secret cannot be fetched, so the container does not start."""


@attrs.frozen
class JobSecrets:
    """Fetches secrets from Secrets Manager and from SSM parameters, with the execution role of the job."""

    clients: Clients

    def values(self, container: Mapping[str, Any], region: str) -> dict[str, str]:
        """Return the variables of a container's secrets. Raises SecretError."""
        entries: Sequence[Mapping[str, str]] = container.get("secrets") or []
        logging: Mapping[str, Any] = container.get("logConfiguration") or {}
        options: Sequence[Mapping[str, str]] = logging.get("secretOptions") or []
        unseen = [option["valueFrom"] for option in options]
        if credentials := (container.get("repositoryCredentials") or {}).get("credentialsParameter"):
            unseen.append(credentials)
        role = container.get("executionRoleArn")
        if (entries or unseen) and not role:
            raise SecretError(
                "ClientException: When you are specifying container secrets, "
                "you must also specify a value for 'executionRoleArn'."
            )
        plain = {entry["name"] for entry in container.get("environment") or []}
        for entry in entries:
            if entry["name"] in plain:
                raise SecretError(
                    "ClientException: The secret name must be unique and not shared with any new or existing "
                    f"environment variables set on the container, such as '{entry['name']}'."
                )
        for source in unseen:
            self._value(source, region, role)
        return {entry["name"]: self._value(entry["valueFrom"], region, role) for entry in entries}

    def _value(self, source: str, region: str, role: str | None) -> str:
        from botocore.exceptions import ClientError  # the import of this package must be fast

        parts = source.split(":")
        try:
            if parts[0] == "arn" and parts[2] == "secretsmanager" and len(parts) >= _SECRET_PARTS:
                return self._secret(parts, role)
            if parts[0] == "arn" and parts[2] == "ssm" and len(parts) == _PARAMETER_PARTS:
                return self._parameter(source, parts[3], role)
            if parts[0] != "arn":
                return self._parameter(source, region, role)
        except ClientError as error:
            raise SecretError(
                f"ResourceInitializationError: unable to pull secrets or registry auth: {source}: {error}"
            ) from error
        raise SecretError(f"ResourceInitializationError: invalid ARN of a secret: {source}")

    def _parameter(self, name: str, region: str, role: str | None) -> str:
        client = self.clients.get("ssm", region, role=role)
        for spelled in _spellings(name):
            found = client.get_parameters(Names=[spelled], WithDecryption=True)
            if found["Parameters"]:
                value: str = found["Parameters"][0]["Value"]
                return value
        raise SecretError(f"ResourceInitializationError: unable to pull secrets: invalid ssm parameters: {name}")

    def _secret(self, parts: Sequence[str], role: str | None) -> str:
        """Return a secret's text, or one key of its JSON: ARN, then key, version stage and version id."""
        key, stage, version = [*parts[_SECRET_PARTS:], "", "", ""][:3]
        request = {"SecretId": ":".join(parts[:_SECRET_PARTS])}
        request |= {"VersionStage": stage} if stage else {}
        request |= {"VersionId": version} if version else {}
        client = self.clients.get("secretsmanager", parts[3], role=role)
        text: str = client.get_secret_value(**request)["SecretString"]
        if not key:
            return text
        values = json.loads(text)
        if key not in values:
            raise SecretError(f"ResourceInitializationError: retrieved secret did not contain json key {key}")
        return str(values[key])


def _spellings(name: str) -> tuple[str, ...]:
    """Return what a parameter may be called: older releases of moto do not know it by its ARN."""
    if not name.startswith("arn:"):
        return (name,)
    path = name.partition(":parameter/")[2]
    return (name, f"/{path}", path)
