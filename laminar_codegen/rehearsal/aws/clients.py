"""AWS clients that can only reach the embedded AWS.

They ignore everything AWS-like around them: profiles, configuration files, credentials, proxies
and endpoints of the environment.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from laminar_codegen.rehearsal.api_models import ClientModels
from laminar_codegen.rehearsal.credentials import Credentials, Keyring

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from botocore.client import BaseClient

_CONNECT_SECONDS = 10
_READ_SECONDS = 1000  # longer than the longest Lambda invocation (900)


class Clients:
    """Makes clients for one endpoint, and keeps them: making one is slow, using it is not.

    Args:
        endpoint_url: The endpoint.
        region: The region of clients that are made for no other.
        keyring: What issues their credentials.
        application: What answers at the endpoint. Their requests go to it directly.
    """

    def __init__(self, endpoint_url: str, region: str, keyring: Keyring, application: WSGIApplication) -> None:
        from botocore.session import Session

        from laminar_codegen.rehearsal.aws.direct_calls import DirectCalls

        self._endpoint_url = endpoint_url
        self._region = region
        self._keyring = keyring
        self._direct = DirectCalls(application)
        self._session = Session()
        self._session.register_component("data_loader", ClientModels())
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

        credentials = self._keyring.issue(role).credentials
        client = self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._endpoint_url,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
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
        client.meta.events.register("before-send", _name_place)
        answer: Callable[..., Any] = self._direct.answer
        client.meta.events.register("before-send", answer)
        return client


#: Which state calls, in the thread that makes its calls.
place: ContextVar[str] = ContextVar("place", default="")


def _name_place(request: Any, **_: Any) -> None:
    """Add the state that calls to a request. It is no part of what is signed."""
    if place.get():
        request.headers["X-Laminar-Place"] = quote(place.get())


#: The environment that a process with a role has, or one without, at a place in the flow.
RoleEnvironment = Callable[[str | None, str], Mapping[str, str]]


@contextmanager
def ignoring_configuration() -> Iterator[None]:
    """Have all botocore sessions of this process ignore profiles and files for a while.

    moto makes sessions of its own (to list regions), which fail when a profile does not exist.
    """
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES

    before = dict(VARIABLES)
    VARIABLES.update(
        profile=(None, None, None, None),
        config_file=(None, None, os.devnull, None),
        credentials_file=(None, None, os.devnull, None),
    )
    try:
        yield
    finally:
        VARIABLES.update(before)


def environment(endpoint_url: str, region: str, credentials: Credentials) -> dict[str, str]:
    """Return the variables by which SDKs in other processes find the embedded AWS, and nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
