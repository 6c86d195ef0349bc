"""What stands in for the container image and its host, and what is told of the jobs that run in it.

A deployed job finds its code, its Python and its environment in an image. Here they come from a
directory, an interpreter and a mapping; everything else of this process' environment stays out,
so that a job cannot depend on something that it will not have when deployed.
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
    """Stands in for the container image.

    directory    the jobs' working directory (the folder of the flow's file)
    environment  extra environment for every process
    python       what `python` or `python3` as a command's first word means
    """

    directory: Path
    environment: Mapping[str, str] = attrs.field(factory=dict)
    python: str = sys.executable

    def command(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the argument list to run here for a command that was written for the image."""
        found = [*without_workdir(words)]
        if found and found[0] in _PYTHON_WORDS:
            found[0] = self.python
        return tuple(found)

    def process_environment(self, *layers: Mapping[str, str]) -> dict[str, str]:
        """Return the whole environment of a process: a minimal base, the workspace's, then the layers."""
        merged = _base_environment()
        for layer in (self.environment, *layers):
            merged.update(layer)
        return merged


@attrs.frozen(kw_only=True)
class JobEvent:
    """One change of one attempt of one Batch job (of one child, for an array job).

    variables  the environment that the job was submitted with
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
    """The begin or the end of one invocation of a Lambda function, whose event is JSON text."""

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
    # The output is followed while a process runs.
    return {"PYTHONUNBUFFERED": "1", **inherited}
