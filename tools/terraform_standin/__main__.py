"""The command ``python -m tools.terraform_standin``; the README beside this file shows how it is used."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from tools.terraform_standin.installing import CONFIGURATION, OLDEST, RELEASES, export_line, install


def main() -> None:
    """Install the stand-in, or run it."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.terraform_standin",
        description="A stand-in for the AWS provider of Terraform, which needs no network.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    installing = commands.add_parser(
        "install", help="write a mirror of providers, and print the line that has Terraform use it"
    )
    installing.add_argument("folder", type=Path, help="where the mirror is written")
    serving = commands.add_parser(
        "serve", help="serve many commands of Terraform by one process, until standard input is closed"
    )
    plugin = commands.add_parser("plugin", help="serve the Terraform that starts this process; the mirror does this")
    for command in (installing, serving, plugin):
        command.add_argument(
            "--release", choices=RELEASES, default=OLDEST, help="the release of the provider (default: %(default)s)"
        )
    options = parser.parse_args()
    if options.command == "install":
        # Else only Terraform would find that, and blame the plugin.
        if find_spec("grpc") is None:
            parser.error("the stand-in needs gRPC: pip install 'laminar-terraform[test]'")
        sys.stdout.write(export_line(CONFIGURATION, str(install(options.folder, options.release).resolve())))
        return
    # Imported here: gRPC is slow to import, and install does not need it.
    from tools.terraform_standin.serving import serve_commands, serve_terraform

    serve_commands(options.release) if options.command == "serve" else serve_terraform(options.release)


if __name__ == "__main__":
    main()
