"""Writes the files of a module into a folder, all of them or none, and compares a folder with them.

It never changes a file that the compiler did not write: files of other names stay, and such a file with the name of a
module's file is an error.

At any time:

- A new folder is written under a temporary name, and one rename makes it visible: it has all files, or does not exist.
- In an existing folder all new files are written under temporary names, and synced to the disk, before the first
  replaces an old one. POSIX cannot rename four files at once: while some files are new and some are old, the file
  `_UNFINISHED` makes Terraform refuse to plan or apply. If a rename fails, or the user stops the command, the old files
  are restored. If that fails too, if the process is killed or the machine stops, that file stays: Terraform goes on
  refusing, ``--check`` reports it, and the next run writes all files and removes it.
- Two runs that write into one folder do so one after the other.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from laminar_codegen.ir.terraform import MARK
from laminar_codegen.problems import NotWrittenError
from laminar_codegen.render.split_document import FILES

__all__ = ["compare_module", "leftover_warnings", "write_module"]

#: The bytes at the beginning of a file in which the compiler's mark is.
_BEGINNING = 4096
#: The prefix of temporary names.
_ASIDE = ".laminar-"
#: This file exists while the files are not all of one run. Terraform shows the line that it refuses.
_UNFINISHED = "laminar-unfinished.tf"
_REFUSAL = f"""\
# There while files are replaced that are {MARK}: if it stays, that was stopped halfway.
terraform {{
  required_version = "0.0.0" # laminar-codegen was stopped while it wrote this folder: run it again
}}
"""
_Rename = Callable[[Path, Path], object]


def write_module(directory: Path, files: Mapping[str, str], rename: _Rename = os.replace) -> None:
    """Write files into a folder. If that fails, the folder is unchanged.

    Args:
        directory: The folder; it is made if it does not exist.
        files: The text of each file by its name.
        rename: Renames a file or a folder, and replaces one that has the new name.

    Raises:
        NotWrittenError: If they cannot be written, or would replace files that the compiler did not write.
    """
    with _machine_errors(directory):
        _refuse_dangling(directory)
        if directory.exists():
            _write_into(directory, files, rename)
        else:
            _write_new(directory, files, rename)


def _write_new(directory: Path, files: Mapping[str, str], rename: _Rename) -> None:
    """Make a folder with files, complete before it gets its name."""
    with _make_folder(directory.parent), tempfile.TemporaryDirectory(dir=directory.parent, prefix=_ASIDE) as aside:
        # The temporary folder is private. The folder within it has the permissions of any new folder.
        complete = Path(aside, "module")
        complete.mkdir()
        for name, text in files.items():
            _write(os.open(complete / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), text.encode())
        _sync(complete)
        rename(complete, directory)
        _sync(directory.parent)


def _write_into(directory: Path, files: Mapping[str, str], rename: _Rename) -> None:
    """Replace files in a folder, all of them or none."""
    with _lock(directory), contextlib.ExitStack() as aside:
        _refuse_others(directory, files)
        _tidy(directory)
        new = {name: aside.enter_context(_write_aside(directory / name, text.encode())) for name, text in files.items()}
        old = {name: aside.enter_context(_copy(directory / name)) for name in files}
        _replace(directory, new, old, rename)


def _replace(directory: Path, new: Mapping[str, Path], old: Mapping[str, Path | None], rename: _Rename) -> None:
    """Rename new files over old ones. If a rename fails, restore the old files."""
    mark = directory / _UNFINISHED
    replaced = []
    try:
        _write(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), _REFUSAL.encode())
        _sync(directory)
        for name, file in new.items():
            replaced.append(name)
            rename(file, directory / name)
        _sync(directory)
    except BaseException:
        for name in replaced:
            before = old[name]
            if before is not None:
                rename(before, directory / name)
            elif not new[name].exists():
                (directory / name).unlink(missing_ok=True)
        mark.unlink(missing_ok=True)
        raise
    mark.unlink(missing_ok=True)


@contextlib.contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """Wait until no other run writes into a folder."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            # Some network file systems have no locks: there, who starts the runs must keep them apart.
            if error.errno not in {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}:
                raise
        yield
    finally:
        os.close(descriptor)


def _tidy(directory: Path) -> None:
    """Remove the temporary files of a run that was killed. No other run is under way."""
    for file in directory.glob(f"{_ASIDE}*.part"):
        file.unlink(missing_ok=True)


def _sync(directory: Path) -> None:
    """Sync the names in a folder to the disk, so that a machine that stops keeps them in this order."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems sync files only: there, later changes may be on the disk before these.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def _refuse_dangling(path: Path) -> None:
    """Raise if a path is a dangling symbolic link: files would be written somewhere else."""
    if path.is_symlink() and not path.exists():
        raise NotWrittenError(f"{path} is a symbolic link to nothing: remove it, or create its target")


def _refuse_others(directory: Path, files: Mapping[str, str]) -> None:
    """Raise if the compiler did not write a file that it would replace. It writes no links and no pipes."""
    ours = (*files, _UNFINISHED)
    kept = [name for name in ours if os.path.lexists(directory / name)]
    others = [name for name in kept if (directory / name).is_symlink() or not _is_ours(directory / name)]
    if others:
        raise NotWrittenError(
            f"not written by laminar-codegen: {', '.join(str(directory / name) for name in others)}: "
            "rename it, or choose another folder"
        )


def _is_ours(file: Path) -> bool:
    """Return whether the compiler wrote a file. Do not open a pipe: that would wait for a writer."""
    if not (file.is_file() or file.is_dir()):
        return False
    with file.open("rb") as opened:
        return MARK.encode() in opened.read(_BEGINNING)


def leftover_warnings(directory: Path, files: Mapping[str, str]) -> list[str]:
    """Return warnings about files left by an earlier compile to the other syntax.

    Args:
        directory: The folder.
        files: The files of the module.

    Returns:
        A line for each file.

    Raises:
        NotWrittenError: If the files cannot be read.
    """
    known = dict.fromkeys(name for names in FILES.values() for name in names if name not in files)
    with _machine_errors(directory):
        found = [directory / name for name in known if (directory / name).is_file() and _is_ours(directory / name)]
    return [
        f"{file} is left from a compile to the other syntax: remove it, because Terraform reads both" for file in found
    ]


def compare_module(directory: Path, files: Mapping[str, str]) -> str:
    """Compare the files in a folder with those of a module.

    Args:
        directory: The folder.
        files: The text of each file by its name.

    Returns:
        A unified diff from the files in the folder to those of the module; empty if they are equal.

    Raises:
        NotWrittenError: If the files cannot be read.
    """
    with _machine_errors(directory):
        _refuse_dangling(directory)
        if directory.exists() and not directory.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory))
        found = {name: _read(directory / name) for name in (*files, _UNFINISHED)}
    wanted = {**files, _UNFINISHED: None}
    return "".join(_difference(directory / name, found[name], text) for name, text in wanted.items())


def _difference(file: Path, found: bytes | None, text: str | None) -> str:
    if found == (None if text is None else text.encode()):
        return ""
    lines = [] if found is None else found.decode(errors="backslashreplace").split("\n")
    before = os.devnull if found is None else str(file)
    wanted, after = ([], os.devnull) if text is None else (text.split("\n"), f"{file} (compiled)")
    difference = difflib.unified_diff(lines, wanted, before, after, lineterm="")
    return "".join(f"{line}\n" for line in difference)


def _read(file: Path) -> bytes | None:
    _refuse_dangling(file)
    if not file.exists():
        return None
    if not (file.is_file() or file.is_dir()):
        raise NotWrittenError(f"{file} is not a regular file: remove it, or choose another folder")
    return file.read_bytes()


@contextlib.contextmanager
def _machine_errors(directory: Path) -> Iterator[None]:
    """Raise errors of the machine, such as a full disk, as one line."""
    try:
        yield
    except OSError as error:
        # Without temporary names, which the user does not know.
        named = [str(name) for name in (error.filename, error.filename2) if name and _ASIDE not in str(name)]
        place = f" ({named[-1]})" if named and named[-1] != str(directory) else ""
        raise NotWrittenError(f"cannot use the folder {directory}: {error.strerror}{place}") from error


@contextlib.contextmanager
def _make_folder(directory: Path) -> Iterator[None]:
    """Make a folder and its parents, and remove them again if the block fails."""
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


def _write(descriptor: int, content: bytes) -> None:
    """Write an open file, and sync it to the disk."""
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
        opened.flush()
        # Some file systems report only now that the disk is full.
        os.fsync(opened.fileno())


@contextlib.contextmanager
def _write_aside(file: Path, content: bytes) -> Iterator[Path]:
    """Write a new version of a file under a temporary name in its folder. Remove it at the end of the block."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=_ASIDE, suffix=".part")
    try:
        _write(descriptor, content)
        Path(name).chmod(stat.S_IMODE(file.stat().st_mode) if file.exists() else 0o644)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def _copy(file: Path) -> Iterator[Path | None]:
    """Copy a file to a temporary name in its folder, so that it can be restored. Yield None if it does not exist."""
    if not file.exists():
        yield None
        return
    with _write_aside(file, file.read_bytes()) as copy:
        yield copy
