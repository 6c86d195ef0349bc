"""What stands in for the flow's container image.

An image for a flow holds the flow's folder as its working directory, and the flow's file as ``main.py`` there. So does
this: a folder with links to all that is beside the flow's file.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["lay_out"]


def lay_out(file: Path, folder: Path) -> Path:
    """Lay out a working directory.

    Args:
        file: The flow's file.
        folder: An empty folder.

    Returns:
        The folder, with a link to each neighbour of the file, and one named ``main.py`` to the file itself unless a
        neighbour has that name. What tasks write there stays there.
    """
    for neighbour in file.parent.iterdir():
        (folder / neighbour.name).symlink_to(neighbour)
    main = folder / "main.py"
    if not main.exists():
        main.symlink_to(file)
    return folder
