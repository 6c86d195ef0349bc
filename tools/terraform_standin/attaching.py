"""A stand-in process that many commands of Terraform share, for programs that run Terraform."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.terraform_standin.installing import OLDEST

__all__ = ["serve_provider"]

_ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def serve_provider(environment: Mapping[str, str], release: str = OLDEST) -> Iterator[dict[str, str]]:
    """Start one provider process for all commands of Terraform in the ``with`` block.

    Each command starts a provider several times else, which is most of what it costs. `init` installs it all the same.
    https://developer.hashicorp.com/terraform/plugin/debugging#terraform-cli

    Args:
        environment: The variables of the process, besides those of this one.
        release: The release of the AWS provider that it stands in for.

    Yields:
        The environment, and the variable by which Terraform finds the process.

    Raises:
        RuntimeError: If it does not start.
    """
    command = [sys.executable, "-m", "tools.terraform_standin", "serve", "--release", release]
    given = {**os.environ, **environment}
    with subprocess.Popen(
        command, cwd=_ROOT, env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        printed = process.stdout.readline() if process.stdout else ""
        line = shlex.split(printed)
        if line[:1] != ["export"] or process.stdin is None:
            raise RuntimeError(f"the provider did not start: {printed!r}")
        name, _, value = line[1].partition("=")
        try:
            yield {**environment, name: value}
        finally:
            process.stdin.close()
            process.wait()
