"""Writes the files of a module into a folder, all of them or none, and tells how those that are there differ.

What was not written by the compiler is never touched: files of other names stay, and one of these names that somebody
else wrote is a problem.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from laminar_codegen.document import MARK
from laminar_codegen.render_module import FILES
from laminar_runtime.exceptions import LaminarError

__all__ = ["LEFT_OVER", "NotWrittenError", "compare_module", "left_over", "write_module"]

#: What is said of a file that the compiler wrote before in the other syntax.
LEFT_OVER = "is from compiling to the other syntax: remove it, Terraform reads both"
#: How much of a file tells whether it is one of ours.
_BEGINNING = 4096
#: How the names of files begin that are laid aside until all are written.
_ASIDE = ".laminar-"


class NotWrittenError(LaminarError):
    """The files of a module cannot be written or read. Those that were there are as they were."""


def write_module(directory: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder: when it fails, the folder is as it was before.

    Args:
        directory: The folder; it is made if it is not there.
        files: The text of each file by its name.

    Raises:
        NotWrittenError: If they cannot be written, or would take the place of somebody else's.
    """
    with _told(directory), _made(directory), contextlib.ExitStack() as aside:
        _refuse_others(directory, files)
        new = {name: aside.enter_context(_aside(directory / name, text.encode())) for name, text in files.items()}
        old = {name: aside.enter_context(_copied(directory / name)) for name in files}
        _replace(directory, new, old)


def _replace(directory: Path, new: Mapping[str, Path], old: Mapping[str, Path | None]) -> None:
    """Put new files in the place of old ones; the old ones back if one of them cannot be."""
    replaced = []
    try:
        for name, file in new.items():
            replaced.append(name)
            file.replace(directory / name)
    except BaseException:
        for name in replaced:
            before = old[name]
            if before is not None:
                before.replace(directory / name)
            elif not new[name].exists():
                (directory / name).unlink(missing_ok=True)
        raise


def _refuse_others(directory: Path, files: Mapping[str, str]) -> None:
    """Raise if a file is somebody else's: it may hold what is nowhere else."""
    others = [name for name in files if (directory / name).exists() and not _ours(directory / name)]
    if others:
        raise NotWrittenError(
            f"not written by laminar-codegen: {', '.join(str(directory / name) for name in others)}: "
            "rename what is there, or choose another folder"
        )


def _ours(file: Path) -> bool:
    with file.open("rb") as opened:
        return MARK.encode() in opened.read(_BEGINNING)


def left_over(directory: Path, files: Mapping[str, str]) -> list[str]:
    """The files in a folder that the compiler wrote before in the other syntax: Terraform would read them too.

    Args:
        directory: The folder.
        files: The files of the module.

    Returns:
        Their names.

    Raises:
        NotWrittenError: If they cannot be read.
    """
    known = dict.fromkeys(name for names in FILES.values() for name in names if name not in files)
    with _told(directory):
        return [name for name in known if (directory / name).is_file() and _ours(directory / name)]


def compare_module(directory: Path, files: Mapping[str, str]) -> str:
    """How the files in a folder differ from what they should be.

    Args:
        directory: The folder.
        files: The text of each file by its name.

    Returns:
        A unified diff, from what is there to what should be; empty if they are equal.

    Raises:
        NotWrittenError: If they cannot be read.
    """
    with _told(directory):
        found = {name: _read(directory / name) for name in files}
    return "".join(_difference(directory / name, found[name], text) for name, text in files.items())


def _difference(file: Path, found: bytes | None, text: str) -> str:
    if found == text.encode():
        return ""
    lines = [] if found is None else found.decode(errors="backslashreplace").split("\n")
    before = os.devnull if found is None else str(file)
    difference = difflib.unified_diff(lines, text.split("\n"), before, f"{file} (compiled)", lineterm="")
    return "".join(f"{line}\n" for line in difference)


def _read(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None


@contextlib.contextmanager
def _told(directory: Path) -> Iterator[None]:
    """Errors of the machine, told in one line."""
    try:
        yield
    except OSError as error:
        # Not the names of files that are laid aside: nobody has asked for these.
        named = [str(name) for name in (error.filename, error.filename2) if name and _ASIDE not in str(name)]
        place = f" ({named[-1]})" if named and named[-1] != str(directory) else ""
        raise NotWrittenError(f"cannot use the folder {directory}: {error.strerror}{place}") from error


@contextlib.contextmanager
def _made(directory: Path) -> Iterator[None]:
    """A folder, made with those above it, which are removed again if something fails."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    try:
        if not missing and not directory.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory))
        directory.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


@contextlib.contextmanager
def _aside(file: Path, content: bytes) -> Iterator[Path]:
    """What is to be in a file, beside it, so that it can be renamed; it is gone afterwards."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=_ASIDE, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            # Some file systems tell only now that there is no space.
            os.fsync(opened.fileno())
        Path(name).chmod(stat.S_IMODE(file.stat().st_mode) if file.exists() else 0o644)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def _copied(file: Path) -> Iterator[Path | None]:
    """A copy of a file, beside it, to be put back; None if there is no such file."""
    if not file.exists():
        yield None
        return
    with _aside(file, file.read_bytes()) as copy:
        yield copy
