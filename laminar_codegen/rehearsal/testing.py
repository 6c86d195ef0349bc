"""Tests of flows as they are deployed: a fixture for pytest that compiles a flow and runs it on an embedded AWS.

A ``conftest.py`` opts into it::

    pytest_plugins = ["laminar_codegen.rehearsal.testing"]

It needs the extra ``local``. Jobs run as processes of this machine, as in ``laminar-codegen rehearse``: with the roles
of the document, and without the limits that AWS enforces by hardware, such as memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.collection import collect_rarely
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.document.given import read_values
from laminar_codegen.rehearsal.image import lay_out, shown_paths
from laminar_runtime import Execution, Flow
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.task_environment import SHOWN_PATHS

__all__ = ["Rehearsals", "rehearse"]


@attrs.frozen(eq=False)
class _Deployed:
    """A flow on an embedded AWS of its own."""

    aws: EmbeddedAws
    flow: Flow
    deployment: Deployment


@attrs.define(eq=False)
class Rehearsals:
    """Rehearses flows. A flow's file is deployed at its first call, and all calls share its embedded AWS.

    A process has one embedded AWS at a time: a call with another file stops the one before it, with its artifacts.

    Args:
        folder: A folder for what stands in for images, and for logs.
        variables: Values of the document's variables, by name, beside those of the environment (``TF_VAR_...``).
        timeout: Seconds after which a call gives up an execution.
    """

    folder: Path
    variables: dict[str, str] = attrs.field(factory=dict)
    timeout: float = 300.0
    _file: str = attrs.field(default="", init=False)
    _deployed: _Deployed | None = attrs.field(default=None, init=False)
    _stack: contextlib.ExitStack = attrs.field(factory=contextlib.ExitStack, init=False)

    def __call__(self, file: str | os.PathLike[str], /, **parameters: Any) -> Execution:
        """Run an execution of a flow to its end.

        Args:
            file: The flow's file, and the flow's name after a colon if the file has several: ``flow.py:Report``.
            **parameters: The flow's parameters.

        Returns:
            The execution, which has its artifacts: ``execution.layer("Load").rows``.

        Raises:
            ExecutionFailedError: If it fails. It has the ``failures``.
            CompileError: If the flow cannot be compiled.
            DocumentError: If its document cannot be deployed.
        """
        return self.start(file, **parameters).wait(timeout=self.timeout)

    def start(self, file: str | os.PathLike[str], /, **parameters: Any) -> Execution:
        """Start an execution of a flow.

        Args:
            file: The flow's file.
            **parameters: The flow's parameters.
        """
        return self._find(file).flow(**parameters)

    def deployment(self, file: str | os.PathLike[str], /) -> Deployment:
        """Return the deployment of a flow, for tests of applications that start it by name.

        Args:
            file: The flow's file.
        """
        return self._find(file).deployment

    def client(self, file: str | os.PathLike[str], service: str, /) -> Any:
        """Return a client of a service of the embedded AWS of a flow, for what the flow needs there.

        Args:
            file: The flow's file.
            service: The service, as boto3 names it.
        """
        return self._find(file).aws.client(service)

    def close(self) -> None:
        """Stop the embedded AWS, and restore the environment."""
        self._deployed = None
        self._stack.close()

    def _find(self, file: str | os.PathLike[str]) -> _Deployed:
        name = os.path.abspath(file)  # noqa: PTH100 - it may end with the name of a flow
        if self._deployed is None or self._file != name:
            self.close()
            self._file, self._deployed = name, self._deploy(name)
        return self._deployed

    def _deploy(self, name: str) -> _Deployed:
        compilation = compile_flow(name)
        source = compilation.source
        image = Path(tempfile.mkdtemp(prefix="image-", dir=self.folder))
        self._stack.enter_context(collect_rarely())
        shown = json.dumps(shown_paths(source.file, image, source.module))
        workspace = Workspace(lay_out(source.file, image, source.module), {SHOWN_PATHS: shown})
        aws = self._stack.enter_context(EmbeddedAws(workspace=workspace, enforces=True))
        # Clients of this process find the AWS by it.
        environment = self._stack.enter_context(pytest.MonkeyPatch.context())
        for variable, value in aws.environment.items():
            environment.setenv(variable, value)
        deployment = deploy(compilation, aws, read_values(None, self.variables.items(), (), os.environ))
        # The class may have a scheduler, a datastore and executors of its own, which are for other places.
        return _Deployed(aws, source.flow._bind(deployment), deployment)  # noqa: SLF001 - one unit


@pytest.fixture(scope="module")
def rehearse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsals]:
    """Rehearse a flow: ``rehearse("flow.py", day="2026-01-31").layer("Load").rows``. A module's tests share its AWS."""
    rehearsals = Rehearsals(tmp_path_factory.mktemp("rehearsals"))
    try:
        yield rehearsals
    finally:
        rehearsals.close()
