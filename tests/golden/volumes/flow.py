from __future__ import annotations

from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import EFS, Container, Host
from laminar_runtime.configurations.networks import Network

#: In dev an id, in prod perhaps an ARN.
SYSTEM = Variable("file_system", description="The file system of the team.", default="fs-0123456789abcdef0")
MODELS = EFS(SYSTEM, mount="/mnt/models", access_point="fsap-0123456789abcdef0")
CACHE = Host("/mnt/disk", mount="/mnt/cache")


class Volumes(Flow):
    """Layers share a file system, and those of one instance a folder."""

    container = Container(volumes=[MODELS])


@Volumes.register(
    container=Container(volumes=[MODELS, CACHE]), executor=executors.AWS.Batch(platform="EC2", role="trainer")
)
class Train(Layer):
    def __call__(self) -> None:
        (CACHE.path / "rows").write_text("1 2 3")
        (MODELS.path / "model").write_text((CACHE.path / "rows").read_text())


@Volumes.register(
    container=Container(volumes=[EFS(SYSTEM, mount="/mnt/models", access_point=MODELS.access_point, read_only=True)])
)
class Score(Layer):
    def __call__(self, train: Train) -> None:
        self.score = sum(map(int, (MODELS.path / "model").read_text().split()))


@Volumes.register(
    container=Container(volumes=[MODELS]),
    executor=executors.AWS.Lambda(
        timeout=60, network=Network(subnets=["subnet-0a1b2c3d"], security_groups=["sg-0a1b2c3d"])
    ),
)
class Note(Layer):
    """A function mounts the file system by the access point."""

    def __call__(self, score: Score) -> None:
        (MODELS.path / "note").write_text((MODELS.path / "model").read_text())
        self.note = f"{(MODELS.path / 'note').read_text()}: {score.score}"


if flow := Volumes():
    flow()
