"""botocore's models of AWS's APIs, each of which is read once.

They are large files of JSON. Each session of botocore reads them anew, and first lists all folders with models. Here
clients, what answers them, and moto have the same.
"""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.loaders import Loader
    from botocore.model import OperationModel, ServiceModel
    from botocore.session import Session

__all__ = ["ClientModels", "model_loader", "model_session", "operation_model", "service_model"]

#: Where botocore's name for a service is not the one that signatures have.
_NAMES = {"states": "stepfunctions"}


@functools.cache
def model_session() -> Session:
    """Return the session of botocore that reads models. No client is made by it."""
    from botocore.session import Session

    session = Session()
    loader = session.get_component("data_loader")
    # botocore looks into all folders of all services, again for each kind of model.
    loader.list_available_services = functools.cache(lambda _kind: [*_folders(loader.search_paths)])
    return session


def _folders(paths: Iterable[str]) -> Iterator[str]:
    for path in map(Path, paths):
        if path.is_dir():
            with os.scandir(path) as entries:
                yield from (entry.name for entry in entries if entry.is_dir())


def model_loader() -> Loader:
    """Return the loader that reads models. What it returns is not to be changed."""
    loader: Loader = model_session().get_component("data_loader")
    return loader


class ClientModels:
    """The loader of a session that makes clients.

    A client of S3 changes the operations of its model, in which the bucket is then no part of a path: it has its own.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(model_loader(), name)

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        """Return a model.

        Args:
            service_name: The service, as botocore calls it.
            type_name: The kind of model: ``service-2``, ``paginators-1``.
            api_version: The version of the API, by default the latest.
        """
        model = model_loader().load_service_model(service_name, type_name, api_version)
        if service_name == "s3" and "operations" in model:
            return {**model, "operations": copy.deepcopy(model["operations"])}
        return model


@functools.cache
def service_model(service: str) -> ServiceModel | None:
    """Return botocore's model of a service, None if it has none.

    Args:
        service: The service, as signatures name it: ``states``, ``batch``.
    """
    from botocore.exceptions import UnknownServiceError

    try:
        return model_session().get_service_model(_NAMES.get(service, service))
    except UnknownServiceError:
        return None


@functools.cache
def operation_model(service: str, operation: str) -> OperationModel | None:
    """Return botocore's model of an operation, None if it has none.

    Args:
        service: The service, as signatures name it.
        operation: The operation.
    """
    model = service_model(service)
    return None if model is None or operation not in model.operation_names else model.operation_model(operation)
