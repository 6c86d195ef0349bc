"""When garbage is collected while the package is loaded, and what is never looked through."""

from __future__ import annotations

import pytest

from laminar_runtime.task_environment import TAKEN, TaskContext
from tests.support.harness import Folder

TASK = TaskContext(execution="e1", flow="Report", layer="Load").environment()
#: Says how often garbage was collected while the package was loaded, whether it is collected now, and whether what is
#: there is passed over. It leaves before it is found that it runs no task.
CODE = """
import gc, os, sys

def note(phase, _):
    meanwhile = "laminar_runtime.configurations" in sys.modules and "laminar_runtime.flow" not in sys.modules
    if phase == "start" and meanwhile:
        noted.append(phase)

gc.{before}()
noted = []
gc.callbacks.append(note)
import laminar_runtime
print(len(noted), gc.isenabled(), gc.get_freeze_count() > 0, flush=True)
os._exit(0)
"""


@pytest.mark.parametrize(
    ("environment", "kept"),
    [({}, False), (TASK, True), ({**TASK, TAKEN: "1"}, False)],
    ids=["no task", "task", "child of a task"],
)
def test_nothing_is_collected_meanwhile(folder: Folder, environment: dict[str, str], *, kept: bool) -> None:
    """To load the package collects no garbage, and in a task's process what is loaded is passed over from then on."""
    assert folder.run(CODE.format(before="enable"), **environment) == f"0 True {kept}"


def test_who_collects_nothing_goes_on_so(folder: Folder) -> None:
    """A program that turned the collection off has it off, also in a task's process."""
    assert folder.run(CODE.format(before="disable"), **TASK) == "0 False False"
