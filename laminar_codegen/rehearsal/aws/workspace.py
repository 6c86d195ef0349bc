"""The substitute for a container image and its host, and the events of the jobs that run in it.

A deployed job has its code, its Python and its environment in an image. Here they come from a directory, an interpreter
and a mapping. Other variables of this process are not passed on, so that a job cannot depend on anything that it does
not have when deployed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import attrs

from laminar_runtime.splits.job_container import without_workdir

JobStatus = Literal["STARTING", "RUNNING", "SUCCEEDED", "FAILED"]
InvocationStatus = Literal["RUNNING", "SUCCEEDED", "FAILED"]

_INHERITED = frozenset({"PATH", "HOME", "TMPDIR", "LANG", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SSL_CERT_FILE"})
_INHERITED_PREFIXES = ("PYTHON", "LC_")
_PYTHON_WORDS = frozenset({"python", "python3"})


@attrs.frozen
class Workspace:
    """The substitute for a container image.

    Args:
        directory: The working directory of the jobs: the folder of the flow's file.
        environment: More environment variables for every process.
        python: The interpreter for a command whose first word is `python` or `python3`.
        volumes: Folders for volumes of jobs, by the names of these. Others are made.
    """

    directory: Path
    environment: Mapping[str, str] = attrs.field(factory=dict)
    python: str = sys.executable
    volumes: Mapping[str, Path] = attrs.field(factory=dict)

    def command(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the local argument list for a command of the image."""
        found = [*without_workdir(words)]
        if found and found[0] in _PYTHON_WORDS:
            found[0] = self.python
        return tuple(found)

    def process_environment(self, *layers: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a process: a minimal base, the workspace's variables, then the layers."""
        merged = _base_environment()
        for layer in (self.environment, *layers):
            merged.update(layer)
        return merged


@attrs.frozen(kw_only=True)
class JobEvent:
    """A change of an attempt of a Batch job, or of a child of an array job.

    Its `variables` are the environment that the job was submitted with.
    """

    job_id: str
    job_name: str
    index: int | None
    attempt: int
    status: JobStatus
    exit_code: int | None = None
    reason: str | None = None
    log: Path
    variables: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class InvocationEvent:
    """The start or the end of an invocation of a Lambda function. Its `event` is JSON text."""

    request_id: str
    function_name: str
    event: str
    status: InvocationStatus
    reason: str | None = None
    log: Path


def _base_environment() -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }
    # The output is read while the process runs.
    return {"PYTHONUNBUFFERED": "1", **inherited}
