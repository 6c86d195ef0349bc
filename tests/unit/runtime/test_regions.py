"""The region of clients of AWS: what an error says to set has an effect."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import NoCredentialsError, NoRegionError

from laminar_runtime.causes.calls import explain
from laminar_runtime.deployed.clients import Clients
from laminar_runtime.exceptions import DeploymentError


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-north-1"}, "eu-north-1"),
    ],
)
def test_the_region_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], region: str
) -> None:
    """Botocore itself does not read AWS_REGION."""
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_CONFIG_FILE": str(tmp_path / "config")}
    for name, value in {**keys, **variables}.items():
        monkeypatch.setenv(name, value)
    assert Clients()("ssm").meta.region_name == region


def test_what_helps() -> None:
    """The error of botocore and the fix are two sentences."""
    no_region = explain("flow 'a' cannot be found", NoRegionError(), DeploymentError)
    assert str(no_region).endswith("You must specify a region. Set AWS_REGION, or the region of your profile.")
    no_credentials = explain("flow 'a' cannot be found", NoCredentialsError(), DeploymentError)
    assert ": Unable to locate credentials. Set AWS_PROFILE, or " in str(no_credentials)
