"""The wheel and the source distribution: built twice they are the same bytes, and they have what users need."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What a checkout has besides what Git knows, and what no distribution is made of.
NOT_COPIED = shutil.ignore_patterns(
    ".git",
    ".venv*",
    ".checkov-venv",
    "node_modules",
    ".terraform",
    "__pycache__",
    ".*_cache",
    "build",
    "dist",
    ".laminar",
)


def build(source: Path, output: Path) -> dict[str, bytes]:
    """Build both distributions as a release does, and return their contents by name."""
    words = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(output), str(source)]
    subprocess.run(words, check=True, capture_output=True)
    return {file.name: file.read_bytes() for file in sorted(output.iterdir())}


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the distributions of this checkout."""
    folder = tmp_path_factory.mktemp("distributions")
    copy = folder / "first"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
    build(copy, folder / "dist")
    return folder / "dist"


def test_the_same_bytes(distributions: Path, tmp_path: Path) -> None:
    """Another folder, other times of files and permissions of another umask change nothing."""
    copy = tmp_path / "another" / "folder"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED, copy_function=shutil.copyfile)
    (copy / "laminar_runtime" / "__pycache__").mkdir()
    (copy / "laminar_runtime" / "__pycache__" / "flow.cpython-311.pyc").write_bytes(b"")
    first = {file.name: file.read_bytes() for file in sorted(distributions.iterdir())}
    assert build(copy, tmp_path / "dist") == first


def test_files_of_the_wheel(distributions: Path) -> None:
    """It has both packages, typed, with the Terraform modules, the template of ``init`` and the license; no more."""
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {
        "laminar_codegen",
        "laminar_runtime",
    }
    assert {"laminar_codegen/py.typed", "laminar_runtime/py.typed"} <= {*names}
    assert "laminar_codegen/terraform_modules/platform/main.tf" in names
    assert "laminar_codegen/template/common/Dockerfile" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert not [name for name in names if name.endswith((".pyc", ".tfstate", ".lock.hcl"))]


def test_the_source_distribution_builds_the_wheel(distributions: Path, tmp_path: Path) -> None:
    """Who builds from source gets the same wheel."""
    (source,) = distributions.glob("*.tar.gz")
    (wheel,) = distributions.glob("*.whl")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    output = tmp_path / "dist"
    words = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(output), str(folder)]
    subprocess.run(words, check=True, capture_output=True)
    assert (output / wheel.name).read_bytes() == wheel.read_bytes()


def test_their_metadata_is_valid(distributions: Path) -> None:
    """The description can be shown, and no field is malformed."""
    words = [sys.executable, "-m", "twine", "check", "--strict", *map(str, distributions.iterdir())]
    checked = subprocess.run(words, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
