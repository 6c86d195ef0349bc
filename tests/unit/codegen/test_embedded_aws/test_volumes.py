"""Volumes of jobs of the embedded AWS: what AWS Batch accepts, which folders stand for them, and who may mount them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.rehearsal.arguments import make_parser, read_volumes
from laminar_codegen.rehearsal.aws.batch_containers import check_definition
from laminar_codegen.rehearsal.aws.role_checks import JobRoles
from laminar_codegen.rehearsal.aws.task_volumes import TaskVolumes
from laminar_codegen.rehearsal.batch_requests import RefusedError
from laminar_codegen.rehearsal.permissions import Guard, Roles
from laminar_runtime.exceptions import FlowError
from tests.support.fake_iam import ROLE, FakeIam
from tests.support.graph_notation import graphs_in

SYSTEM, POINT = "fs-0123abcd", "fsap-0123abcd"
ARN = "arn:aws:elasticfilesystem:eu-west-1:123456789012:"


def container(*volumes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a container on Fargate that mounts volumes at folders of their names."""
    points = [{"containerPath": f"/mnt/{one['name']}", "sourceVolume": one["name"]} for one in volumes]
    sizes = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
    usual = {"jobRoleArn": ROLE, "executionRoleArn": ROLE, "resourceRequirements": sizes, "mountPoints": points}
    return {**usual, "volumes": [*volumes], **more}


def efs(name: str = "a", **more: Any) -> dict[str, Any]:
    return {"name": name, "efsVolumeConfiguration": {"fileSystemId": SYSTEM, **more}}


POINTED = efs(transitEncryption="ENABLED", authorizationConfig={"accessPointId": POINT, "iam": "ENABLED"})
HOST = {"name": "a", "host": {"sourcePath": "/mnt/disk"}}


@pytest.mark.parametrize(
    ("properties", "platform"),
    [
        (container(efs()), "FARGATE"),
        (container(efs(rootDirectory="/b"), efs("b", transitEncryption="ENABLED")), "FARGATE"),
        (container(POINTED), "FARGATE"),
        (container(POINTED, HOST | {"name": "b"}), "EC2"),
        (container(efs(), fargatePlatformConfiguration={"platformVersion": "1.4.0"}), "FARGATE"),
    ],
)
def test_accepted(properties: dict[str, Any], platform: str) -> None:
    check_definition(properties, [platform])


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        (container(HOST), "has a host"),
        (container(efs(), fargatePlatformConfiguration={"platformVersion": "1.3.0"}), "no Amazon EFS"),
        (container(efs(fileSystemId=f"{ARN}file-system/{SYSTEM}")), "is not the id of a file system"),
        (container(efs(authorizationConfig={"accessPointId": SYSTEM})), "is not the id of an access point"),
        (container(efs(authorizationConfig={"accessPointId": POINT})), "transitEncryption must be ENABLED"),
        (container(efs(authorizationConfig={"iam": "ENABLED"})), "transitEncryption must be ENABLED"),
        (
            container(
                efs(transitEncryption="ENABLED", authorizationConfig={"accessPointId": POINT}, rootDirectory="/b")
            ),
            "rootDirectory",
        ),
        (container(POINTED, jobRoleArn=None), "needs a jobRoleArn"),
        (container(efs("a b")), "cannot have the name a b"),
        (container(efs(), efs()), "The volume a is there twice"),
        (container(efs(), mountPoints=[{"containerPath": "/b", "sourceVolume": "b"}]), "names no volume"),
        (container(efs(), mountPoints=[{"containerPath": "/b", "sourceVolume": "a"}] * 2), "/b is there twice"),
    ],
)
def test_refused(properties: dict[str, Any], why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        check_definition(properties, ["FARGATE"])


def test_folders(tmp_path: Path) -> None:
    """Who mounts one file system shares a folder; a root directory is in it, and an access point has its own."""
    volumes = TaskVolumes(tmp_path / "made", {"given": tmp_path})
    found = volumes.variables(
        container(efs("a"), efs("b"), efs("c", rootDirectory="/c/../d"), POINTED | {"name": "p"}, efs("given")),
        {f"LAMINAR_VOLUME_{name}": f"/mnt/{name}" for name in ("a", "b", "c", "p", "given")},
    )
    assert {name: Path(folder).relative_to(tmp_path).as_posix() for name, folder in found.items()} == {
        "LAMINAR_VOLUME_a": f"made/{SYSTEM}",
        "LAMINAR_VOLUME_b": f"made/{SYSTEM}",
        "LAMINAR_VOLUME_c": f"made/{SYSTEM}/c/d",
        "LAMINAR_VOLUME_p": f"made/{POINT}",
        "LAMINAR_VOLUME_given": ".",
    }
    assert all(Path(folder).is_dir() for folder in found.values())
    (host,) = volumes.variables(container(HOST), {"LAMINAR_VOLUME_a": "/mnt/a"}).values()
    assert Path(host) == tmp_path / "made/host/mnt/disk"


def test_only_variables_that_name_a_mount_point_become_folders(tmp_path: Path) -> None:
    """As on AWS, a volume that no variable names is not found, and a variable that names no mount point is wrong."""
    environment = {"LAMINAR_VOLUME_a": "/mnt/b", "LAMINAR_VOLUME_c": "/mnt/a", "OTHER": "/mnt/a"}
    assert [*TaskVolumes(tmp_path).variables(container(efs()), environment)] == ["LAMINAR_VOLUME_c"]
    assert TaskVolumes(tmp_path).variables(container(efs()), {}) == {}
    assert TaskVolumes(tmp_path).variables(container(), environment) == {}


def mount(properties: dict[str, Any], *actions: str, condition: str | None = POINT) -> tuple[str | None, list[str]]:
    """Return why a job does not start by the permissions of its role, and the actions that were refused."""
    statement = {
        "Sid": "Mount",
        "Effect": "Allow",
        "Action": [f"elasticfilesystem:{action}" for action in actions],
        "Resource": f"{ARN}file-system/{SYSTEM}",
    }
    if condition is not None:
        point = f"{ARN}access-point/{condition}"
        statement["Condition"] = {"StringEquals": {"elasticfilesystem:AccessPointArn": point}}
    guard = Guard(Roles(FakeIam(statement)))
    given = {**properties, "executionRoleArn": None}
    failure = JobRoles(guard, "123456789012").refusal(given, "eu-west-1", None, "job Load")
    return failure and failure.reason, [refusal.action.partition(":")[2] for refusal in guard.refusals]


def test_a_role_that_may_not_mount_starts_no_job() -> None:
    """By the access point of the statement only. Without the permission to write, the job starts."""
    assert mount(container(POINTED), "ClientMount", "ClientWrite") == (None, [])
    why, refused = mount(container(POINTED), "ClientWrite")
    assert why is not None
    assert "mount.nfs4: access denied by server while mounting fs-0123abcd" in why
    assert refused == ["ClientMount"]
    assert mount(container(POINTED), "ClientMount", "ClientWrite", condition="fsap-4567")[1] == ["ClientMount"]
    assert mount(container(POINTED), "ClientMount") == (None, ["ClientWrite"])
    reading = [{"containerPath": "/a", "sourceVolume": "a", "readOnly": True}]
    assert mount(container(POINTED, mountPoints=reading), "ClientMount") == (None, [])
    # A file system without IAM authorization asks no role, and one without an access point has none to compare.
    assert mount(container(efs(), HOST | {"name": "b"}), "ClientMount") == (None, [])
    own = efs(transitEncryption="ENABLED", authorizationConfig={"iam": "ENABLED"})
    assert mount(container(own), "ClientMount", "ClientWrite")[1] == ["ClientMount"]


@pytest.mark.parametrize(
    ("actions", "condition", "refused"),
    [
        (("ClientMount", "ClientWrite"), POINT, []),
        (("ClientMount",), POINT, []),
        (("ClientWrite",), POINT, ["ClientMount"]),
        (("ClientMount", "ClientWrite"), "fsap-4567", ["ClientMount"]),
    ],
)
def test_a_role_that_may_not_mount_runs_no_function(
    actions: tuple[str, ...], condition: str, refused: list[str]
) -> None:
    """A function names the access point alone: the file system is one that the role may mount by it."""
    point = f"{ARN}access-point/{condition}"
    guard = Guard(
        Roles(
            FakeIam(
                {
                    "Sid": "Mount",
                    "Effect": "Allow",
                    "Action": [f"elasticfilesystem:{action}" for action in actions],
                    "Resource": f"{ARN}file-system/{SYSTEM}",
                    "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": point}},
                }
            )
        )
    )
    asked = [f"{ARN}access-point/{POINT}"]
    why = JobRoles(guard, "123456789012").function_mount_refusal(ROLE, "report-run_a", "eu-west-1", asked)
    assert (why is None) == (not refused)
    assert [refusal.action.partition(":")[2] for refusal in guard.refusals] == refused
    assert why is None or "couldn't mount the Amazon EFS file system" in why


def test_root_needs_a_permission_without_an_access_point() -> None:
    """A file system belongs to root, and takes root for nobody otherwise. Another user needs none."""
    own = efs(transitEncryption="ENABLED", authorizationConfig={"iam": "ENABLED"})

    def refused(*actions: str, **properties: Any) -> list[str]:
        return mount({**container(own), **properties}, *actions, condition=None)[1]

    assert refused("ClientMount", "ClientWrite") == ["ClientRootAccess"]
    assert refused("ClientMount", "ClientWrite", user="root:root") == ["ClientRootAccess"]
    assert refused("ClientMount", "ClientWrite", user="1000") == []
    assert refused("ClientMount", "ClientWrite", "ClientRootAccess") == []


def test_folders_of_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They win over those of the environment. A name that no layer has is an error, and so is a missing folder."""
    graphs = graphs_in("""A | volumes='[{"source": "/b", "mount": "/b"}, {"source": "/b", "mount": "/c"}]' on=EC2""")
    options = make_parser().parse_args(["flow.py", "--volume", f"b={tmp_path}"])
    found = read_volumes(graphs, options.volume, {"LAMINAR_VOLUME_b": "/x", "LAMINAR_VOLUME_c": "/y"})
    assert found == {"b": tmp_path, "c": Path("/y")}
    with pytest.raises(FlowError, match="the flow has no volume named d: its volumes are b, c"):
        read_volumes(graphs, [("d", tmp_path)], {})
    with pytest.raises(FlowError, match="it has none"):
        read_volumes(graphs_in("A"), [("d", tmp_path)], {})
    for wrong, why in (("b", "needs the name of a volume and a folder"), ("b=/nowhere/at/all", "does not exist")):
        with pytest.raises(SystemExit):
            make_parser().parse_args(["flow.py", "--volume", wrong])
        assert why in capsys.readouterr().err
