"""botocore's models, as the rehearsal reads them."""

from __future__ import annotations

import pytest
from botocore.loaders import Loader

from laminar_codegen.rehearsal.api_models import ClientModels, model_loader, operation_model, service_model


@pytest.mark.parametrize(
    ("service", "operation", "known"),
    [("states", "StartExecution", True), ("batch", "NoOperation", False), ("no-service", "SubmitJob", False)],
)
def test_operations_by_the_names_of_signatures(service: str, operation: str, known: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A service has the name that it has in signatures; what is unknown has no model."""
    assert (operation_model(service, operation) is not None) is known


def test_a_model_is_read_once_and_has_whole_paths() -> None:
    """No client changes the models: the bucket of S3 stays a part of the path."""
    model = service_model("s3")
    assert model is service_model("s3")
    assert model is not None
    assert model.operation_model("PutObject").http["requestUri"].startswith("/{Bucket}/")


def test_clients_have_what_they_may_change() -> None:
    """The operations of S3 are a client's own; all else is read once."""
    models = ClientModels()
    own, shared = (loader.load_service_model("s3", "service-2") for loader in (models, model_loader()))
    assert own["operations"] == shared["operations"]
    assert own["operations"] is not shared["operations"]
    assert own["shapes"] is shared["shapes"]
    assert models.load_service_model("batch", "service-2") is model_loader().load_service_model("batch", "service-2")


def test_services_that_there_are() -> None:
    """They are the same as botocore finds by looking into all folders."""
    assert {*model_loader().list_available_services("service-2")} == {*Loader().list_available_services("service-2")}
