"""The command ``laminar-codegen modules``: writes the Terraform modules that this package brings into a folder."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from laminar_codegen.command import shipped
from laminar_codegen.command.exits import Exit, explain
from laminar_codegen.problems import NotWrittenError
from laminar_runtime import __version__

__all__ = ["DESCRIPTION", "EXITS", "add_arguments", "files_of", "run", "write"]

DESCRIPTION = """\
Writes the Terraform modules of this version (platform, batch, datastore, network, flow) into a folder, to be used by a
path and kept with the rest of a configuration.

  laminar-codegen modules --output modules
  laminar-codegen modules --output modules --check

Run it again after an update of the package. A file that was changed since is not replaced, and nothing is written then.
"""

#: The exit codes, for the help.
EXITS = explain("with --check, the files differ")

#: The file that records what was written: a file with another content was changed by hand.
_RECORD = ".laminar-modules.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="the folder; it is made if missing")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the files differ")
    parser.add_argument("--force", action="store_true", help="replace files that were changed since, too")


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder of modules, by their paths in it, without what Terraform keeps there.

    Args:
        folder: The folder.
    """
    files = sorted(file for file in folder.rglob("*") if file.is_file() and ".terraform" not in file.parts)
    kept = (file for file in files if not file.name.startswith(".") and ".tfstate" not in file.name)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in kept}


def run(options: argparse.Namespace) -> int:
    """Write the modules, or compare a folder with them.

    Args:
        options: The parsed arguments.

    Returns:
        The exit code.

    Raises:
        NotWrittenError: If they cannot be written; the folder is unchanged.
    """
    directory, files = options.output, files_of(shipped.folder("terraform_modules"))
    old = _read_record(directory)
    gone = sorted(set(old) - set(files))
    if options.check:
        differing = [name for name, content in files.items() if _read(directory / name) != content]
        differing += [name for name in gone if (directory / name).exists()]
        for name in differing:
            print(f"{directory / name} differs from version {__version__}: run laminar-codegen modules again")
        return Exit.INVALID if differing else Exit.OK
    if not options.force:
        _refuse_changes(directory, files, old)
    write(directory, files)
    for name in gone:
        (directory / name).unlink(missing_ok=True)
    print(f"wrote the modules of version {__version__} to {directory}", file=sys.stderr)
    return Exit.OK


def _refuse_changes(directory: Path, files: Mapping[str, bytes], old: Mapping[str, str]) -> None:
    """Refuse to replace or to remove files that this command did not write."""
    changed = []
    for name in sorted({*files, *old}):
        found = _read(directory / name)
        if found is not None and found != files.get(name) and _digest(found) != old.get(name):
            changed.append(f"  {directory / name}")
    if changed:
        lines = "\n".join(changed)
        msg = (
            f"files were changed since they were written, and nothing was replaced:\n{lines}\n"
            "keep your changes in a module of your own, or replace them by --force"
        )
        raise NotWrittenError(msg)


def write(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write files, and a record of what they are. Each file has its old or its new content at any time.

    Args:
        directory: The folder; it is made if it does not exist.
        files: The contents, by path.
    """
    for name, content in files.items():
        _replace(directory / name, content)
    record = {"version": __version__, "files": {name: _digest(content) for name, content in files.items()}}
    _replace(directory / _RECORD, (json.dumps(record, indent=2, sort_keys=True) + "\n").encode())


def _replace(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".laminar-{file.name}")
    aside.write_bytes(content)
    aside.replace(file)


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _read_record(directory: Path) -> dict[str, str]:
    """Return the digests of the files that were written, by path."""
    found = _read(directory / _RECORD)
    if found is None:
        return {}
    try:
        files = json.loads(found)["files"]
        return {str(name): str(digest) for name, digest in _safe(files.items())}
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        msg = f"{directory / _RECORD} is not what laminar-codegen modules wrote ({error}): remove it, or restore it"
        raise NotWrittenError(msg) from None


def _safe(items: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """Return what names files below the folder: a record could have been changed by hand."""
    return [(name, digest) for name, digest in items if not name.startswith("/") and ".." not in name.split("/")]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
