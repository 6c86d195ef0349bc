"""A rehearsal leaves no folder behind, and removes those of rehearsals that were killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from laminar_codegen.rehearsal.scratch import scratch_folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_it_is_removed_at_the_end(tmp_path: Path) -> None:
    """Only its owner can read it while it is there."""
    with scratch_folder(tmp_path) as folder:
        (folder / "image").mkdir()
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o077 == 0
    assert names(tmp_path) == set()


def test_nobody_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others see the name of a new folder, and could make all names that are like it."""

    def make(prefix: str, dir: Path) -> str:  # noqa: A002 - as in tempfile
        name = f"{prefix}seen"
        for other in ("laminar-unlocked-seen", "laminar-rehearsal-seen", "laminar-seen"):
            (dir / other).mkdir()
            if other != name:
                (dir / other / "of-others").touch()
        return str(dir / name)

    monkeypatch.setattr(tempfile, "mkdtemp", make)
    with scratch_folder(tmp_path) as folder:
        assert names(folder) == {".lock"}


def test_what_was_left_is_removed(tmp_path: Path) -> None:
    """A folder whose owner has ended is removed by the next rehearsal; one that is in use stays."""
    with scratch_folder(tmp_path) as used:
        left = tmp_path / "laminar-rehearsal-left"
        shutil.copytree(used, left)
        (left / "secret").write_text("x", encoding="utf-8")
        with scratch_folder(tmp_path) as other:
            assert names(tmp_path) == {used.name, other.name}
        assert names(tmp_path) == {used.name}


def test_folders_of_others_stay(tmp_path: Path) -> None:
    """What has no lock, or is a link, is not of a rehearsal."""
    (tmp_path / "laminar-rehearsal-mine").mkdir()
    target = tmp_path / "elsewhere"
    target.mkdir()
    (target / ".lock").touch()
    (tmp_path / "laminar-rehearsal-link").symlink_to(target)
    os.mkfifo(tmp_path / "laminar-rehearsal-fifo")
    with scratch_folder(tmp_path):
        pass
    assert names(tmp_path) == {
        "laminar-rehearsal-mine",
        "laminar-rehearsal-link",
        "laminar-rehearsal-fifo",
        "elsewhere",
    }
    assert names(target) == {".lock"}
