"""A shell with an embedded AWS, and a stand-in for the AWS provider of Terraform: to try a project without an account.

    python -m tools.embedded_account ../guest-book            # a shell; `exit` ends it, and the account with it
    python -m tools.embedded_account ../guest-book make all   # one command

The folder stands in for the flow's image: jobs and functions are processes in it, so no image is built or pushed. The
account has a VPC with subnets, which ``TF_VAR_vpc_id`` and ``TF_VAR_subnet_ids`` name, and nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from laminar_codegen.rehearsal.image import lay_out
from tools.acceptance.account import embed

_USAGE = "usage: python -m tools.embedded_account FOLDER [COMMAND ...]; FOLDER has the flow as main.py"


def main(arguments: Sequence[str]) -> int:
    """Run a shell, or a command, in a folder, with an account that lasts as long as it.

    Args:
        arguments: The folder with the flow's ``main.py``, and the command with its arguments, if it is not a shell.

    Returns:
        The exit code of the command; 2 if there is no such folder.
    """
    folder = Path(arguments[0]).resolve() if arguments else None
    if folder is None or not (folder / "main.py").is_file():
        print(_USAGE, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="account-") as kept:
        image = Path(kept) / "image"
        image.mkdir()
        with embed(Path(kept), lay_out(folder / "main.py", image)) as account:
            network = {"vpc_id": account.network["vpc_id"], "subnet_ids": json.dumps(account.network["subnet_ids"])}
            environment = {**account.environment, **{f"TF_VAR_{name}": value for name, value in network.items()}}
            command = list(arguments[1:])
            if not command:
                command = [os.environ.get("SHELL", "/bin/sh")]
                print("An embedded AWS. `exit` ends it. Its network:")
                print(f'vpc_id     = "{network["vpc_id"]}"\nsubnet_ids = {network["subnet_ids"]}', flush=True)
            return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
