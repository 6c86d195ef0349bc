"""A module that was written halfway is none to Terraform."""

from __future__ import annotations

import os
from multiprocessing import get_context
from pathlib import Path

import pytest

from laminar_codegen.ir.terraform import MARK
from laminar_codegen.render.write_folder import write_module
from tests.support.terraform_harness import Terraform, TerraformError


def die(*_: Path) -> None:
    """End this process, as a signal does, where a file is to be renamed."""
    os._exit(9)


def test_a_module_that_is_written_halfway(tmp_path: Path, mirror: Path) -> None:
    """Where the process that wrote a module was killed halfway, Terraform refuses to plan, and says what to do."""
    terraform = Terraform(tmp_path, mirror, {})
    files = {"versions.tf": f"# {MARK}\n", "outputs.tf": f'# {MARK}\noutput "x" {{ value = 1 }}\n'}
    killed = get_context("spawn").Process(target=write_module, args=(tmp_path, files, die))
    killed.start()
    killed.join(60)
    assert killed.exitcode == 9
    with pytest.raises(TerraformError, match=r"(?s)Unsupported Terraform Core version.*run it again"):
        terraform.plan()
    write_module(tmp_path, files)
    assert terraform.plan().document["planned_values"]["outputs"]["x"]["value"] == 1
