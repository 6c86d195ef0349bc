"""botocore's models, as the rehearsal reads them."""

from __future__ import annotations

import pytest

from laminar_codegen.rehearsal.api_models import operation_model, service_model


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
