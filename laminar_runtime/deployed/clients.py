"""Clients of AWS' services, by botocore, which is loaded on use. boto3 need not be installed."""

from __future__ import annotations

import functools
import os
import sys
from _thread import allocate_lock
from collections.abc import Iterator
from typing import Any

from laminar_runtime.blocks import block
from laminar_runtime.exceptions import DeploymentError, ExecutionError
from laminar_runtime.regions import choose_region

__all__ = ["Clients", "calls"]

#: botocore makes clients of one session in one thread at a time:
#: https://docs.aws.amazon.com/boto3/latest/guide/clients.html#caveats
_lock = allocate_lock()


class Clients:
    """Clients of services in one region, each made once. Threads may share them.

    Args:
        region: The region; None for that of the environment.
    """

    def __init__(self, region: str | None = None) -> None:
        self._region = region
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        """Return a client of a service.

        Args:
            service: The service, as botocore names it.
        """
        with _lock:
            if service not in self._made:
                self._made[service] = _client(service, self._region)
            return self._made[service]

    def __reduce__(self) -> tuple[type[Clients], tuple[str | None]]:
        return type(self), (self._region,)


def _client(service: str, region: str | None) -> Any:
    """Return a client, like `boto3.client`.

    It uses boto3's default session if the application has set one. Otherwise all clients share one session: the second
    client of a session takes a tenth of the time of the first one. boto3 itself need not be loaded.
    """
    default = getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)
    if default is not None:
        return default.client(service, region_name=region or choose_region(default.region_name))
    variables = tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
    session = _session(variables)
    return session.create_client(service, region_name=region or choose_region(session.get_config_variable("region")))


@functools.lru_cache(maxsize=1)
def _session(_environment: tuple[tuple[str, str], ...]) -> Any:
    import botocore.session

    return botocore.session.get_session()


@block
def calls(what: str, default: type[DeploymentError | ExecutionError]) -> Iterator[None]:
    """Turn errors of AWS in the ``with`` block into errors of Laminar.

    Args:
        what: What is tried, for the message.
        default: The class of an error of no special kind.

    Raises:
        NotFoundError: If what is asked for does not exist.
        AccessDeniedError: If a permission is missing.
        ThrottledError: If AWS takes no more calls for a while.
    """
    try:
        yield
    except Exception as error:
        # Imported here: who has no error need not load it.
        from laminar_runtime.causes.calls import explain, is_of_aws

        if not is_of_aws(error):
            raise
        # The frames of botocore say nothing more: the message has its error, which stays as the context.
        raise explain(what, error, default) from None
