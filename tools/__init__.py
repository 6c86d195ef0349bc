"""The tools of this repository's developers. They are not part of the installed packages."""
