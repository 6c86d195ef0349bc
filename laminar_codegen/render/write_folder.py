"""Writes the files of a module into a folder, all of them or none, and tells how those that are there differ.

What was not written by the compiler is never touched: files of other names stay, and one of these names that somebody
else wrote is a problem.

What holds of a folder, whenever it is looked at:

- One that is not there yet is made aside and takes its place by one rename: it is there with all files, or not at all.
- In one that is there all files are written aside, and are on the disk, before the first takes the place of another.
  POSIX renames one file at once, but not four: as long as some are new and some old `_UNFINISHED` is there as well,
  with which Terraform refuses to plan or apply. If a rename fails, or the user stops the command, the old files are put
  back. If that fails too, the process is killed or the machine stops, that file stays: Terraform goes on refusing,
  ``--check`` tells of it, and the next run writes all files and takes it away.
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

__all__ = ["compare_module", "left_over", "write_module"]

#: How much of a file tells whether it is one of ours.
_BEGINNING = 4096
#: How the names of files begin that are laid aside until all are written.
_ASIDE = ".laminar-"
#: There as long as the files are not all of one run; Terraform shows the line that it does not take.
_UNFINISHED = "laminar-unfinished.tf"
_REFUSAL = f"""\
# There while files are replaced that are {MARK}: if it stays, that was stopped halfway.
terraform {{
  required_version = "0.0.0" # laminar-codegen was stopped while it wrote this folder: run it again
}}
"""
_Rename = Callable[[Path, Path], object]


def write_module(directory: Path, files: Mapping[str, str], rename: _Rename = os.replace) -> None:
    """Write files into a folder: when it fails, the folder is as it was before.

    Args:
        directory: The folder; it is made if it is not there.
        files: The text of each file by its name.
        rename: Renames a file or a folder; what has the new name gives way.

    Raises:
        NotWrittenError: If they cannot be written, or would take the place of somebody else's.
    """
    with _told(directory):
        _refuse_dangling(directory)
        if directory.exists():
            _write_into(directory, files, rename)
        else:
            _make(directory, files, rename)


def _make(directory: Path, files: Mapping[str, str], rename: _Rename) -> None:
    """Make a folder with files: it is complete before it has its name."""
    with _made(directory.parent), tempfile.TemporaryDirectory(dir=directory.parent, prefix=_ASIDE) as aside:
        # Within the temporary folder, which nobody else may read: this one has the rights that any new folder has.
        complete = Path(aside, "module")
        complete.mkdir()
        for name, text in files.items():
            _write(os.open(complete / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), text.encode())
        _settle(complete)
        rename(complete, directory)
        _settle(directory.parent)


def _write_into(directory: Path, files: Mapping[str, str], rename: _Rename) -> None:
    """Replace files in a folder, all of them or none."""
    with _locked(directory), contextlib.ExitStack() as aside:
        _refuse_others(directory, files)
        _tidy(directory)
        new = {name: aside.enter_context(_aside(directory / name, text.encode())) for name, text in files.items()}
        old = {name: aside.enter_context(_copied(directory / name)) for name in files}
        _replace(directory, new, old, rename)


def _replace(directory: Path, new: Mapping[str, Path], old: Mapping[str, Path | None], rename: _Rename) -> None:
    """Put new files in the place of old ones; the old ones back if one of them cannot be."""
    mark = directory / _UNFINISHED
    replaced = []
    try:
        _write(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), _REFUSAL.encode())
        _settle(directory)
        for name, file in new.items():
            replaced.append(name)
            rename(file, directory / name)
        _settle(directory)
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
def _locked(directory: Path) -> Iterator[None]:
    """Wait until no other run writes into a folder."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            # Not all network file systems have locks: there, runs must be kept apart by who starts them.
            if error.errno not in {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}:
                raise
        yield
    finally:
        os.close(descriptor)


def _tidy(directory: Path) -> None:
    """Remove what a run that was killed had laid aside: no other one is under way."""
    for file in directory.glob(f"{_ASIDE}*.part"):
        file.unlink(missing_ok=True)


def _settle(directory: Path) -> None:
    """Have the names in a folder on the disk, so that a machine that stops keeps them in this order."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems do this for files only: there, what follows may be on the disk before.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def _refuse_dangling(path: Path) -> None:
    """Raise if a path is a symbolic link to nothing: what is written would appear somewhere else."""
    if path.is_symlink() and not path.exists():
        raise NotWrittenError(f"{path} is a symbolic link to nothing: remove it, or make what it names")


def _refuse_others(directory: Path, files: Mapping[str, str]) -> None:
    """Raise if a file is somebody else's: it may hold what is nowhere else. A link, or a pipe, is no file of ours."""
    ours = (*files, _UNFINISHED)
    kept = [name for name in ours if os.path.lexists(directory / name)]
    others = [name for name in kept if (directory / name).is_symlink() or not _ours(directory / name)]
    if others:
        raise NotWrittenError(
            f"not written by laminar-codegen: {', '.join(str(directory / name) for name in others)}: "
            "rename what is there, or choose another folder"
        )


def _ours(file: Path) -> bool:
    """Whether the compiler wrote a file. A pipe is not opened: that would wait for a writer."""
    if not (file.is_file() or file.is_dir()):
        return False
    with file.open("rb") as opened:
        return MARK.encode() in opened.read(_BEGINNING)


def left_over(directory: Path, files: Mapping[str, str]) -> list[str]:
    """Warn about files left by an earlier compile to the other syntax.

    Args:
        directory: The folder.
        files: The files of the module.

    Returns:
        A line for each.

    Raises:
        NotWrittenError: If they cannot be read.
    """
    known = dict.fromkeys(name for names in FILES.values() for name in names if name not in files)
    with _told(directory):
        found = [directory / name for name in known if (directory / name).is_file() and _ours(directory / name)]
    return [f"{file} is from compiling to the other syntax: remove it, Terraform reads both" for file in found]


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
        raise NotWrittenError(f"{file} is no regular file: remove it, or choose another folder")
    return file.read_bytes()


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
    """Write a file that is open, and have it on the disk."""
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
        opened.flush()
        # Some file systems tell only now that there is no space.
        os.fsync(opened.fileno())


@contextlib.contextmanager
def _aside(file: Path, content: bytes) -> Iterator[Path]:
    """Write a new version of a file beside it, ready to be renamed. Remove it at the end of the block."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=_ASIDE, suffix=".part")
    try:
        _write(descriptor, content)
        Path(name).chmod(stat.S_IMODE(file.stat().st_mode) if file.exists() else 0o644)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def _copied(file: Path) -> Iterator[Path | None]:
    """Copy a file beside itself, so that it can be restored. Yield None if there is no such file."""
    if not file.exists():
        yield None
        return
    with _aside(file, file.read_bytes()) as copy:
        yield copy
