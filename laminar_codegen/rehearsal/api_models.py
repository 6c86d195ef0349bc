"""botocore's models of AWS's APIs, each of which is read once.

They are large files of JSON. Each session of botocore reads them anew, and first lists all folders with models.

Clients have sessions of their own: a client of S3 changes the model that its session has read, in which the bucket is
then no part of a path.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel
    from botocore.session import Session

__all__ = ["model_session", "operation_model", "service_model"]

#: Where botocore's name for a service is not the one that signatures have.
_NAMES = {"states": "stepfunctions"}


@functools.cache
def model_session() -> Session:
    """Return the session of botocore that reads models. No client is made by it."""
    from botocore.session import Session

    return Session()


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
