"""What stands in for the flow's container image.

An image for a flow holds the flow's folder as its working directory, and the flow's file as ``main.py`` there. So does
this: a folder with links to all that is beside the flow's file. That of a flow in a package has the package in it, and
a ``main.py`` that runs the flow's module, as ``python -m`` does.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["lay_out"]

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
    neighbours = file.parents[(module or "").count(".")].iterdir()
    for neighbour in neighbours:
        if neighbour.name != _MAIN:
            (folder / neighbour.name).symlink_to(neighbour)
    main = folder / _MAIN
    if module is None:
        main.symlink_to(file)
    else:
        run = f'runpy.run_module("{module}", run_name="__main__", alter_sys=True)'
        main.write_text(f"import runpy\n\n{run}\n", encoding="utf-8")
    return folder
