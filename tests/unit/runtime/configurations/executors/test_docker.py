"""What the Docker executor refuses, before it starts anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.exceptions import FlowError


def test_an_image_is_needed(tmp_path: Path) -> None:
    """A container without an image is refused, with what to do."""

    class Bare(Flow): ...

    @Bare.register
    class A(Layer): ...

    flow = Bare(datastore=datastores.Local(root=tmp_path), executor=executors.Docker())
    with pytest.raises(FlowError, match=r"layer 'A' of flow 'Bare' needs an image: Container\(image=...\)"):
        flow()
