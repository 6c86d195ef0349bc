"""The fields of containers that the Docker executor passes to ``docker run``."""

from __future__ import annotations

import pytest

from laminar_runtime import Variable, _records
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.containers import OF_CONTAINERS, Container, docker_options

USUAL = docker_options(Container())


def further(container: Container) -> list[str]:
    """Return the options beyond those of a usual container."""
    return [option for option in docker_options(container) if option not in USUAL]


def test_settings_for_linux() -> None:
    container = Container(
        shared_memory=64,
        tmpfs={"/scratch": 16},
        swap=500,
        ulimits={"nofile": (1024, 4096), "core": 0},
        devices=["/dev/fuse", "/dev/a:/dev/b:r"],
    )
    assert further(container) == [
        "--shm-size=64m",
        "--memory-swap=2000m",
        "--tmpfs=/scratch:size=16m",
        "--ulimit=nofile=1024:4096",
        "--ulimit=core=0:0",
        "--device=/dev/fuse",
        "--device=/dev/a:/dev/b:r",
    ]


def test_the_user_of_an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable has its value of this machine."""
    container = Container(user=Variable("task_user", default="1000"))
    assert further(container) == ["--user=1000"]
    monkeypatch.setenv("TF_VAR_task_user", "data:data")
    assert further(container) == ["--user=data:data"]


def test_users_rights_and_accelerators() -> None:
    container = Container(
        user="1000", read_only_root=True, privileged=True, capabilities=["SYS_PTRACE"], accelerator="neuron:2", efa=1
    )
    assert further(container) == [
        "--user=1000",
        "--read-only",
        "--privileged",
        "--device=/dev/neuron0",
        "--device=/dev/neuron1",
        "--device=/dev/infiniband/uverbs0",
        "--cap-add=SYS_PTRACE",
    ]


def test_processes_and_threads_name_what_only_containers_have() -> None:
    assert executors.Process().ignores() == OF_CONTAINERS
    assert executors.Thread().ignores() == OF_CONTAINERS | {"environment"}
    assert executors.Docker().ignores() == {"properties", "registry_credentials"}
    assert _records.plain(Container()).keys() >= OF_CONTAINERS
