"""However a program was launched, its tasks get to its flow, with the arguments and options that it was given."""

from __future__ import annotations

from pathlib import Path


def test_a_folder_of_the_image(tmp_path: Path) -> None:
    """That folder is the file's, but for modules of packages."""
    from laminar_runtime.programs.origins import Origin

    file = tmp_path / "a" / "b" / "flow.py"
    assert Origin(file, None, "F").folder == Origin(file, "flow", "F").folder == file.parent
    assert Origin(file, "any.name.of.a.file", "F", found=False).folder == file.parent
    assert Origin(file, "a.b.flow", "F").folder == Origin(file, None, "F", as_module="a.b.flow").folder == tmp_path
