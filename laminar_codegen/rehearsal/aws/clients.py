"""AWS clients that can only reach the embedded AWS.

They ignore everything AWS-like around them: profiles, configuration files, credentials, proxies
and endpoints of the environment.
"""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from laminar_codegen.rehearsal.aws.patches import Patches

if TYPE_CHECKING:
    from botocore.client import BaseClient

ACCESS_KEY = "embedded"
SECRET_KEY = "embedded"  # noqa: S105  # not a secret: the embedded AWS checks no signatures
_ROLE_KEY = "role-"

_CONNECT_SECONDS = 10
_READ_SECONDS = 1000  # longer than the longest Lambda invocation (900)


def access_key(role: str | None) -> str:
    """Return the access key that a role's credentials have; without a role, the one of who owns the account."""
    return ACCESS_KEY if role is None else _ROLE_KEY + base64.urlsafe_b64encode(role.encode()).decode().rstrip("=")


def role_of(key: str) -> str | None:
    """Return the role that has an access key, if it is a role's."""
    if not key.startswith(_ROLE_KEY):
        return None
    encoded = key.removeprefix(_ROLE_KEY)
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


class Clients:
    """Makes clients for one endpoint, and keeps them: making one is slow, using it is not."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        from botocore.session import Session

        self._endpoint_url = endpoint_url
        self._region = region
        self._session = Session()
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str, bool, str | None], BaseClient] = {}

    def get(self, service: str, region: str | None = None, *, lenient: bool = False, role: str | None = None) -> Any:
        """Return a client, with the credentials of a role if one is given. A lenient one validates no parameters."""
        key = (service, region or self._region, lenient, role)
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(*key)
            return self._made[key]

    def _make(self, service: str, region: str, lenient: bool, role: str | None) -> BaseClient:  # noqa: FBT001
        from botocore.config import Config

        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._endpoint_url,
            aws_access_key_id=access_key(role),
            aws_secret_access_key=SECRET_KEY,
            config=Config(
                parameter_validation=not lenient,
                retries={"total_max_attempts": 1},
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                max_pool_connections=64,
                proxies={},
                use_fips_endpoint=False,
                use_dualstack_endpoint=False,
            ),
        )


#: The environment that a process with a role has, or one without.
Credentials = Callable[[str | None], Mapping[str, str]]


def ignore_configuration(patches: Patches) -> None:
    """Have all botocore sessions of this process ignore profiles and files.

    moto makes sessions of its own (to list regions), which fail when a profile does not exist.
    """
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES

    patches.item(VARIABLES, "profile", (None, None, None, None))
    patches.item(VARIABLES, "config_file", (None, None, os.devnull, None))
    patches.item(VARIABLES, "credentials_file", (None, None, os.devnull, None))


def environment(endpoint_url: str, region: str, role: str | None = None) -> dict[str, str]:
    """Return the variables by which SDKs in other processes find the embedded AWS, and nothing else, as a role."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": access_key(role),
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
