"""What ``laminar-codegen init`` writes is applied by Terraform: the platform, then the flow, as its README says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from laminar_codegen.command.main import main
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime.command.main import main as operate
from tests.e2e.conftest import provide
from tests.support.terraform_harness import Terraform, serving_provider


@attrs.frozen
class Team:
    """A team with a new repository and an account."""

    repository: Path
    platform: Terraform
    flow: Terraform
    network: dict[str, object]


@pytest.fixture
def team(tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "sales-report"]) == 0
    repository = tmp_path / "sales-report"
    image = tmp_path / "image"
    image.mkdir()
    with (
        EmbeddedAws(workspace=Workspace(directory=lay_out(repository / "main.py", image))) as aws,
        serving_provider(aws.environment) as environment,
    ):
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        provide(aws)
        ec2 = aws.client("ec2")
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
        roots = [Terraform(repository / "terraform" / root, mirror, environment) for root in ("platform", "flow")]
        yield Team(repository, *roots, {"environment": "dev", "vpc_id": vpc, "subnet_ids": subnets})


def test_from_an_empty_folder_to_an_execution(team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    """Both roots are valid and formatted, and are applied, and the deployed flow runs."""
    for root in (team.platform, team.flow):
        root.init()
        assert root.validate()["valid"] is True
        assert root.format_difference() == ""
    team.platform.apply(**team.network)
    given = team.platform.output()
    (team.flow.directory / "platform.auto.tfvars.json").write_text(json.dumps(given["flow_variables"]))
    team.flow.apply(image=f"{given['repository_url']}:1", name="sales-report-dev")
    capsys.readouterr()
    assert operate(["start", "sales-report-dev", "--id", "first", "--param", 'names=["Ada"]']) == 0
    assert operate(["wait", "sales-report-dev", "first"]) == 0
    capsys.readouterr()
    assert operate(["results", "--json", "sales-report-dev", "first"]) == 0
    assert json.loads(capsys.readouterr().out)["results"]["Book.pages"] == ["hello Ada"]
