"""The installation of the stand-in: a mirror of providers on disk, and a configuration of Terraform that names it."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from pathlib import Path

__all__ = ["ATTACHED", "CONFIGURATION", "NEWEST", "OLDEST", "RELEASES", "SOURCE", "export_line", "install"]

#: The releases of the AWS provider whose schemas the stand-in declares: the oldest and the newest that are supported.
OLDEST, NEWEST = RELEASES = ("6.25.0", "6.69.1")
#: The address under which documents ask for the AWS provider.
SOURCE = "registry.terraform.io/hashicorp/aws"
#: The variable by which Terraform finds its configuration.
CONFIGURATION = "TF_CLI_CONFIG_FILE"
#: The variable by which Terraform finds a provider that runs already.
ATTACHED = "TF_REATTACH_PROVIDERS"

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_ROOT = Path(__file__).resolve().parents[2]
_CLI_CONFIGURATION = """\
disable_checkpoint = true
provider_installation {{
  filesystem_mirror {{
    path = {path}
  }}
}}
"""


def install(folder: Path, release: str = OLDEST) -> Path:
    """Write a mirror in which the stand-in is the AWS provider.

    Args:
        folder: Where to write it. It is made if it does not exist.
        release: The release of the provider that it has.

    Returns:
        The configuration file of Terraform's command line, which names the mirror and nothing else.
    """
    system = f"{platform.system().lower()}_{_MACHINES[platform.machine().lower()]}"
    package = folder / "providers" / SOURCE / release / system
    package.mkdir(parents=True, exist_ok=True)
    executable = package / f"terraform-provider-aws_v{release}"
    executable.write_text(_launcher(release), encoding="utf-8")
    executable.chmod(0o755)
    configuration = folder / "terraform.rc"
    providers = json.dumps(str(folder.resolve() / "providers"))
    configuration.write_text(_CLI_CONFIGURATION.format(path=providers), encoding="utf-8")
    return configuration


def export_line(name: str, value: str) -> str:
    """Return a line of a shell that sets a variable.

    Args:
        name: The variable.
        value: Its value, any text.

    Returns:
        The line, with its line break.
    """
    return f"export {name}={shlex.quote(value)}\n"


def _launcher(release: str) -> str:
    """Return the text of the executable: this Python, with the package that this file is in."""
    words = [sys.executable, "-P", "-m", "tools.terraform_standin", "plugin", "--release", release]
    path = f"PYTHONPATH={shlex.quote(str(_ROOT))}${{PYTHONPATH:+:$PYTHONPATH}}"
    return f"#!/bin/sh\n{path} exec {shlex.join(words)}\n"
