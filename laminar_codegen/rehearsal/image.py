"""What stands in for the flow's container image.

An image for a flow holds the flow's folder as its working directory, and the flow's file as ``main.py`` there. So does
this: a folder with links to all that is beside the flow's file. That of a flow in a package has the package in it, and
a ``main.py`` that runs the flow's module, as ``python -m`` does.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["lay_out", "own_paths", "shown_paths"]

_MAIN = "main.py"


def lay_out(file: Path, folder: Path, module: str | None = None) -> Path:
    """Lay out a working directory.

    Args:
        file: The flow's file.
        folder: An empty folder.
        module: The file's name as a module of a package, if it is one.

    Returns:
        The folder, with a link to each neighbour of the file, or of the package, and a ``main.py`` that is the file
        itself, whatever neighbour has that name, or runs it. What tasks write there stays there.
    """
    for neighbour in _root(file, module).iterdir():
        if neighbour.name != _MAIN:
            (folder / neighbour.name).symlink_to(neighbour)
    main = folder / _MAIN
    if module is None:
        main.symlink_to(file)
    else:
        run = f'runpy.run_module("{module}", run_name="__main__", alter_sys=True)'
        main.write_text(f"import runpy\n\n{run}\n", encoding="utf-8")
    return folder


def own_paths(text: str, file: Path, folder: Path, module: str | None = None) -> str:
    """Return text, such as a traceback, with the paths of the user's files in place of those in the working directory.

    Args:
        text: The text.
        file: The flow's file.
        folder: The working directory that was laid out for it.
        module: The file's name as a module of a package, if it is one.

    Example:
        >>> own_paths('File "/tmp/image/main.py", line 1', Path("/home/me/flow.py"), Path("/tmp/image"))
        'File "/home/me/flow.py", line 1'
    """
    for place, own in shown_paths(file, folder, module).items():
        text = text.replace(place, own)
    return text


def shown_paths(file: Path, folder: Path, module: str | None = None) -> dict[str, str]:
    """Return the paths of the user's files by those in the working directory that they have the place of.

    Args:
        file: The flow's file.
        folder: The working directory that was laid out for it.
        module: The file's name as a module of a package, if it is one.
    """
    places = sorted({folder, folder.resolve()})
    mains = {str(place / _MAIN): str(file) for place in places} if module is None else {}
    return {**mains, **{f"{place}/": f"{_root(file, module)}/" for place in places}}


def _root(file: Path, module: str | None) -> Path:
    """Return the folder whose content the working directory has."""
    return file.parents[(module or "").count(".")]
