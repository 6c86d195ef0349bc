"""The peers: each pinned, and installed into an environment of its own when it is first needed.

The environments are in a cache folder: that of ``--cache``, of ``LAMINAR_BENCHMARKS_CACHE``, or the user's own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["CACHE", "PEERS", "cache", "program", "python", "set_up"]

#: Names the cache folder.
CACHE = "LAMINAR_BENCHMARKS_CACHE"

_VALUES = ("numpy==2.4.6", "pandas==3.1.1")

#: The packages of each peer. The Cloud Development Kit also needs Node.js on the PATH.
PEERS: Mapping[str, Sequence[str]] = {
    "metaflow": ("metaflow==2.19.39", *_VALUES),
    "sfnx": ("sfnx==3.1.0",),
    "cdk": ("aws-cdk-lib==2.275.0",),
}


def cache() -> Path:
    """Return the cache folder."""
    given = os.environ.get(CACHE)
    if given:
        return Path(given).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "laminar-benchmarks")


def python(peer: str) -> str:
    """Return the interpreter of a peer's environment, which is made if it does not exist.

    Args:
        peer: One of `PEERS`.

    Raises:
        subprocess.CalledProcessError: If it cannot be installed.
    """
    return program(peer, "python")


def program(peer: str, name: str) -> str:
    """Return a program of a peer's environment, which is made if it does not exist.

    Args:
        peer: One of `PEERS`.
        name: The program's name.

    Raises:
        subprocess.CalledProcessError: If it cannot be installed.
    """
    folder, wanted = cache() / peer, "\n".join(PEERS[peer])
    # Written last, so that it names only files that exist.
    installed = folder / "installed.txt"
    if not installed.exists() or installed.read_text(encoding="utf-8") != wanted:
        _install(folder, PEERS[peer])
        installed.write_text(wanted, encoding="utf-8")
    return str(folder / "bin" / name)


def set_up() -> None:
    """Make the environments of all peers."""
    for peer in PEERS:
        print(f"{peer}: {program(peer, 'python')}")


def _install(folder: Path, requirements: Sequence[str]) -> None:
    print(f"installing {', '.join(requirements)} into {folder}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *requirements], check=True, stdout=sys.stderr)
