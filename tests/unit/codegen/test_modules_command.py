"""The command ``laminar-codegen modules``, in a folder of a user."""

from __future__ import annotations

from pathlib import Path

import pytest

from laminar_codegen.command import shipped
from laminar_codegen.command.main import main
from laminar_codegen.command.modules import files_of, write

ROOT = Path(__file__).parents[3]


def brought() -> dict[str, bytes]:
    return files_of(shipped.folder("terraform_modules"))


def modules(*words: str | Path) -> int:
    return main(["modules", *map(str, words)])


def test_all_files_of_all_modules(tmp_path: Path) -> None:
    """The folder has what the repository has, and a second run changes nothing."""
    assert modules("--output", tmp_path / "modules") == 0
    assert files_of(tmp_path / "modules") == files_of(ROOT / "terraform_modules")
    assert modules("--output", tmp_path / "modules") == 0
    assert modules("--output", tmp_path / "modules", "--check") == 0


def test_an_update_replaces_and_removes_what_an_older_version_wrote(tmp_path: Path) -> None:
    """Files that nobody changed are those of this version then. Files of others stay."""
    files = brought()
    older = {**files, "batch/main.tf": b"# older\n", "queue/main.tf": b"# no more\n"}
    write(tmp_path, older)
    (tmp_path / "own.tf").write_text("# mine\n")
    assert modules("--output", tmp_path, "--check") == 1
    assert modules("--output", tmp_path) == 0
    assert files_of(tmp_path) == {**files, "own.tf": b"# mine\n"}


@pytest.mark.parametrize("recorded", [True, False], ids=["written before", "never written"])
def test_changed_files_are_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str], *, recorded: bool) -> None:
    """All of them are named, and nothing is written. ``--force`` replaces them."""
    if recorded:
        write(
            tmp_path,
            {
                **brought(),
                "batch/main.tf": b"# older\n",
                "network/main.tf": b"# older\n",
            },
        )
    changed = [tmp_path / "batch" / "main.tf", tmp_path / "platform" / "main.tf"]
    for file in changed:
        file.parent.mkdir(exist_ok=True)
        file.write_text("# mine\n")
    before = files_of(tmp_path)
    assert modules("--output", tmp_path) == 2
    error = capsys.readouterr().err
    assert [line.strip() for line in error.splitlines() if line.startswith("  ")] == [str(file) for file in changed]
    assert files_of(tmp_path) == before
    assert modules("--output", tmp_path, "--force") == 0
    assert files_of(tmp_path) == brought()


@pytest.mark.parametrize("text", ["{", "[]", '{"files": 3}', '{"version": "1"}'])
def test_a_damaged_record(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """It is an error that names the file, and nothing is written."""
    (tmp_path / ".laminar-modules.json").write_text(text)
    assert modules("--output", tmp_path) == 2
    assert f"{tmp_path / '.laminar-modules.json'} is not what" in capsys.readouterr().err
    assert not files_of(tmp_path)


def test_a_record_names_no_file_outside(tmp_path: Path) -> None:
    """What was put into it by hand removes nothing elsewhere."""
    outside = tmp_path / "outside.tf"
    outside.write_text("")
    write(tmp_path / "modules", {**brought(), "../outside.tf": b""})
    assert modules("--output", tmp_path / "modules", "--force") == 0
    assert outside.exists()
