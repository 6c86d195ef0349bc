"""The secrets that jobs are given: in a rehearsal they have the values of this process' environment.

A job definition names secrets of Secrets Manager and parameters of SSM, which are elsewhere. So each that the embedded
AWS does not have is made there, with the value of the environment variable of the same name.

https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from laminar_codegen.rehearsal.document.kinds import Making

__all__ = ["provide_secrets"]

#: The value of a secret that has none here.
_MADE = "rehearsal"
_SECRET = re.compile(r"arn:[a-z-]+:secretsmanager:([a-z0-9-]+):\d{12}:secret:([^:]+)(?::([^:]*):[^:]*:[^:]*)?")
_PARAMETER = re.compile(r"(?:(arn:[a-z-]+:ssm:([a-z0-9-]+):)\d{12}:parameter)?(/?[0-9A-Za-z_./-]+)")


def provide_secrets(making: Making, container: Mapping[str, Any]) -> None:
    """Make the secrets of a container, as far as they are not there.

    Args:
        making: The job definition.
        container: Its container. Parameters of another account become those of this one.
    """
    for entry in _entries(container.get("secrets")):
        value = making.account.secrets(str(entry.get("name")))
        if _provide(making, entry, _MADE if value is None else value) and value is None:
            making.warn(
                f"{making.place}: the secret {entry.get('name')} has the value '{_MADE}' here, "
                "unless the environment has a variable of that name"
            )
    # Logs stay here, whatever driver takes them elsewhere with the help of these.
    for entry in _entries((container.get("logConfiguration") or {}).get("secretOptions")):
        _provide(making, entry, _MADE)
    # No image is pulled here, but the role that pulls it reads its credentials.
    credentials = (container.get("repositoryCredentials") or {}).get("credentialsParameter")
    for entry in _entries([{"valueFrom": credentials}]):
        _provide(making, entry, _MADE)


def _entries(value: Any) -> Iterable[dict[str, Any]]:
    """Return the entries that may name secrets. What is none, Batch refuses."""
    entries = value if isinstance(value, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("valueFrom"), str)]


def _provide(making: Making, entry: dict[str, Any], value: str) -> bool:
    """Make the secret that an entry names. What it names may be none: its jobs do not start then, as on AWS."""
    if secret := _SECRET.fullmatch(entry["valueFrom"]):
        region, name, key = secret.groups()
        return _provide_secret(making, region, name, key or "", value)
    parameter = _PARAMETER.fullmatch(entry["valueFrom"])
    if parameter is None:
        return False
    start, region, name = parameter.groups()
    if start is not None:
        entry["valueFrom"] = f"{start}{making.account.account_id}:parameter{name}"
    client = making.account.client("ssm", region)
    if client.get_parameters(Names=[name])["Parameters"]:
        return False
    client.put_parameter(Name=name, Value=value, Type="SecureString")
    return True


def _provide_secret(making: Making, region: str, name: str, key: str, value: str) -> bool:
    """Make a secret, or a key of the JSON in it."""
    client = making.account.client("secretsmanager", region)
    there = client.list_secrets(Filters=[{"Key": "name", "Values": [name]}])["SecretList"]
    text = client.get_secret_value(SecretId=name)["SecretString"] if there else "{}"
    if not key:
        if not there:
            client.create_secret(Name=name, SecretString=value)
        return not there
    try:
        values = json.loads(text)
    except ValueError:
        return False
    if not isinstance(values, dict) or key in values:
        return False
    written = json.dumps({**values, key: value})
    if there:
        client.put_secret_value(SecretId=name, SecretString=written)
    else:
        client.create_secret(Name=name, SecretString=written)
    return True
