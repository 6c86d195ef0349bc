"""Volumes of containers: what their arguments accept, and where code of a layer finds them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations import executors, mounts, volume_folders
from laminar_runtime.configurations.containers import docker_options, volume_variables
from laminar_runtime.configurations.layers import EFS, Container, Host
from laminar_runtime.configurations.volumes import Volume
from laminar_runtime.exceptions import FlowError, LayerError
from tests.support.harness import in_memory

SYSTEM, POINT = "fs-0123456789abcdef0", "fsap-0123456789abcdef0"
MODELS = EFS(SYSTEM, mount="/mnt/models/")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Be in an empty folder. The function sets the command line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["flow.py"])
    return lambda *words: monkeypatch.setattr(sys, "argv", ["flow.py", *words])


def test_defaults_are_secure() -> None:
    """Connections are encrypted, and an access point asks IAM."""
    assert (MODELS.mount, MODELS.name, MODELS.transit_encryption, MODELS.iam) == ("/mnt/models", "models", True, False)
    assert EFS(SYSTEM, mount="/a", access_point=POINT).iam is True
    assert EFS(SYSTEM, mount="/a", access_point=POINT, iam=False).iam is False
    assert EFS(SYSTEM, mount="/a", root="/").root is None
    assert EFS(SYSTEM, "/a") == EFS(SYSTEM, mount="/a")
    assert Host("/disk", "/my-data.1").name == "my_data_1"
    assert Host("/disk", mount="/1").name == "volume_1"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: EFS("models", mount="/a"), "the file system of an EFS must be its id such as 'fs-0123"),
        (lambda: EFS(SYSTEM, mount="/a", access_point=SYSTEM), "the access point of an EFS must be its id"),
        (lambda: EFS(SYSTEM, mount="a"), "the mount of an EFS must be an absolute folder"),
        (lambda: EFS(SYSTEM, mount="/a/../b"), "without '..'"),
        (lambda: EFS(SYSTEM, mount=Variable("mount")), "not Variable(name='mount'.*rules compare mount points"),
        (lambda: Host("/a:b", mount="/b"), "the source of a Host must be an absolute folder"),
        (lambda: EFS(SYSTEM, mount="/a", name="my-models"), "an EFS cannot have the name 'my-models'"),
        (lambda: EFS(SYSTEM, mount="/a", access_point=POINT, root="/b"), "has an access point and the root '/b'"),
        (lambda: EFS(SYSTEM, mount="/a", iam=True, transit_encryption=False), "has IAM authorization, which needs enc"),
        (
            lambda: EFS(SYSTEM, mount="/a", access_point=POINT, transit_encryption=False, iam=False),
            "has an access point, which needs encryption in transit",
        ),
        (lambda: EFS(SYSTEM, mount="/a", read_only="yes"), "the read_only of an EFS must be of type bool"),
        (lambda: Container(volumes=MODELS), "the volumes of a Container must be a list"),
        (lambda: Container(volumes=["/mnt"]), "the volumes of a Container must be a list"),
    ],
)
def test_what_is_refused(make: Callable[[], object], says: str) -> None:
    with pytest.raises(LayerError, match=says.replace("(", r"\(")):
        make()


def test_what_a_volume_is_may_be_a_variable() -> None:
    """What tasks mount differs between environments; where they find it does not."""
    folder = Variable("folder", default="/")
    assert EFS(SYSTEM, mount="/a", root=folder).root == folder
    assert Host(folder, mount="/a").source == folder
    with pytest.raises(LayerError, match="has an access point and the root Variable"):
        EFS(SYSTEM, mount="/a", access_point=POINT, root=folder)


def test_a_folder_is_given_or_made(here: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line wins over the environment. Without both the folder is beside the datastore, and is made."""
    assert MODELS.path == tmp_path / ".laminar/.volumes/models"
    assert MODELS.path.is_dir()
    for name in ("by_environment", "by_option"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("LAMINAR_VOLUME_models", "by_environment")
    assert MODELS.path == tmp_path / "by_environment"
    here("--day", "1", "--volume", "models=by_option")
    assert MODELS.path == tmp_path / "by_option"
    here("--volume=models=missing")
    with pytest.raises(FlowError, match=r"the folder of the volume 'models' does not exist: .*missing\. Make it"):
        _ = MODELS.path
    here("--volume", "models")
    with pytest.raises(FlowError, match="--volume needs the name of a volume and a folder"):
        _ = MODELS.path


def test_a_task_has_the_volumes_of_its_container(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere the path is the mount point, or what stands for it. Without the volume, an error says what to add."""
    monkeypatch.setenv("AWS_BATCH_JOB_ID", "1")
    with pytest.raises(LayerError, match=r"this task does not mount the volume 'models': add it"):
        _ = MODELS.path
    monkeypatch.setenv("LAMINAR_VOLUME_models", "/mnt/models")
    assert MODELS.path == Path("/mnt/models")


def test_variables_and_mounts_of_a_container(tmp_path: Path) -> None:
    container = Container(volumes=[MODELS, Host("/disk", mount="/scratch", read_only=True)])
    made = tmp_path / ".laminar/.volumes"
    found = {"LAMINAR_VOLUME_models": f"{made}/models", "LAMINAR_VOLUME_scratch": f"{made}/scratch"}
    assert volume_variables(container) == found
    assert volume_variables(container, mounted=True)["LAMINAR_VOLUME_scratch"] == "/scratch"
    assert docker_options(container)[-2:] == [
        f"--mount=type=bind,source={made}/models,target=/mnt/models",
        f"--mount=type=bind,source={made}/scratch,target=/scratch,readonly",
    ]


def test_members_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that a process submits have ids: those of ARNs and of variables, too."""
    from laminar_runtime.configurations.executors.batch_dispatch import _volumes

    assert _volumes(Container()) == {}
    monkeypatch.setenv("TF_VAR_models", f"arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/{SYSTEM}")
    found = _volumes(Container(volumes=[EFS(Variable("models"), mount="/mnt/models", access_point=POINT)]))
    assert found["volumes"][0]["efsVolumeConfiguration"] == {
        "authorizationConfig": {"accessPointId": POINT, "iam": "ENABLED"},
        "fileSystemId": SYSTEM,
        "transitEncryption": "ENABLED",
    }
    assert found["environment"] == [{"name": "LAMINAR_VOLUME_models", "value": "/mnt/models"}]
    assert [*mounts.mount_faults([("a", "/a")], "/laminar", [], [])] == []


def test_a_run_says_once_where_volumes_are(
    here: Callable[..., None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Threads find the folder as processes do. The layers of a flow have its volumes, unless they have their own."""

    class Report(Flow):
        container = Container(volumes=[MODELS])

    @Report.register
    class Load(Layer):
        def __call__(self) -> None:
            (MODELS.path / "a").write_text("of Load")

    @Report.register(container=Container(memory=2048))
    class Train(Layer):
        def __call__(self, load: Load) -> None:
            self.text = (MODELS.path / "a").read_text()

    assert in_memory(Report)().layer(Train).text == "of Load"
    (line,) = [text for _, _, text in caplog.record_tuples if "volumes are folders" in text]
    where = f"models is {tmp_path}/.laminar/.volumes/models instead of /mnt/models"
    assert line == (
        f"volumes are folders of this machine, which their path names: {where}. Other folders: --volume models=DIR"
    )
    caplog.clear()
    here("--volume", f"models={tmp_path}", "--volume", "model=/data")
    in_memory(Report)()
    assert [text for _, _, text in caplog.record_tuples if "olume" in text] == [
        f"volumes are folders of this machine, which their path names: models is {tmp_path} instead of /mnt/models",
        "--volume names model; the volumes of flow 'Report' are models",
    ]


def test_a_run_refuses_mount_points_that_cannot_be() -> None:
    """As the compiler does: all of them at once, before anything starts."""

    class Report(Flow): ...

    over = Container(volumes=[Host("/disk", mount="/laminar", name="over"), Host("/disk", mount="/tmp")])  # noqa: S108

    @Report.register(container=over)
    class Load(Layer):
        def __call__(self) -> None:
            raise AssertionError

    with pytest.raises(FlowError) as raised:
        in_memory(Report)()
    assert [line.partition(";")[0] for line in str(raised.value).splitlines()] == [
        "layer 'Load' of flow 'Report': the volume 'over' is mounted at /laminar, which hides the files of the flow",
        "layer 'Load' of flow 'Report': the volume 'tmp' is mounted at /tmp, which hides the temporary files of a task",
    ]


def test_executors_say_where_tasks_find_volumes() -> None:
    queue = "arn:aws:batch:us-east-1:123456789012:job-queue/flows"
    submits = executors.AWS.Batch(queue, "arn:aws:iam::123456789012:role/task")
    found = [executors.Process(), executors.Thread(), executors.AWS.Batch(), executors.Docker(), submits]
    assert [one.finds_volumes() for one in found] == ["folder", "folder", "folder", "mount", "aws"]
    assert issubclass(EFS, Volume)
    assert volume_folders.NAME
