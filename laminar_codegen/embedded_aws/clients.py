"""AWS clients that can only reach the embedded AWS.

They ignore everything AWS-like around them: profiles, configuration files, credentials, proxies
and endpoints of the environment.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from laminar_codegen.embedded_aws.patches import Patches

if TYPE_CHECKING:
    from botocore.client import BaseClient

ACCESS_KEY = "embedded"
SECRET_KEY = "embedded"  # noqa: S105  # not a secret: the embedded AWS checks no signatures

_CONNECT_SECONDS = 10
_READ_SECONDS = 1000  # longer than the longest Lambda invocation (900)


class Clients:
    """Makes clients for one endpoint, and keeps them: making one is slow, using it is not."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        from botocore.session import Session

        self._endpoint_url = endpoint_url
        self._region = region
        self._session = Session()
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str, bool], BaseClient] = {}

    def get(self, service: str, region: str | None = None, *, lenient: bool = False) -> Any:
        """A client; a lenient one leaves the checking of parameters to the service."""
        key = (service, region or self._region, lenient)
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(service, region or self._region, lenient=lenient)
            return self._made[key]

    def _make(self, service: str, region: str, *, lenient: bool) -> BaseClient:
        from botocore.config import Config

        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._endpoint_url,
            aws_access_key_id=ACCESS_KEY,
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


def ignore_configuration(patches: Patches) -> None:
    """Have all botocore sessions of this process ignore profiles and files.

    moto makes sessions of its own (to list regions), which fail when a profile does not exist.
    """
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES

    patches.item(VARIABLES, "profile", (None, None, None, None))
    patches.item(VARIABLES, "config_file", (None, None, os.devnull, None))
    patches.item(VARIABLES, "credentials_file", (None, None, os.devnull, None))


def environment(endpoint_url: str, region: str) -> dict[str, str]:
    """The variables by which SDKs in other processes find the embedded AWS and nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
