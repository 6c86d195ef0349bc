from __future__ import annotations

from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import EFS, Container, Host

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


if flow := Volumes():
    flow()
