"""``python -m laminar_runtime MODULE FLOW``."""

from __future__ import annotations

import pytest

from laminar_runtime.__main__ import main
from laminar_runtime.exceptions import FlowError
from tests.support.harness import Folder

MODULE = """
from laminar_runtime import Flow, Layer

class Outer:
    class MyFlow(Flow): ...

@Outer.MyFlow.register
class A(Layer):
    def __call__(self) -> None:
        print("ran")
"""

TASK = {"LAMINAR_EXECUTION_ID": "e1", "LAMINAR_FLOW_NAME": "MyFlow", "LAMINAR_LAYER_NAME": "A"}


@pytest.mark.integration
def test_task(folder: Folder) -> None:
    """The module is imported, and the task of the environment run by its flow."""
    folder.write(MODULE, "flows_of_mine.py")
    ended = folder.python("-m", "laminar_runtime", "flows_of_mine", "Outer.MyFlow", **TASK)
    assert (ended.returncode, ended.stdout) == (0, "ran\n"), ended.stderr


@pytest.mark.parametrize("arguments", [[], ["one"], ["one", "two", "three"]])
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Other arguments are answered with the usage."""
    assert main(arguments) == 2
    assert capsys.readouterr().err == "usage: python -m laminar_runtime MODULE FLOW\n"


@pytest.mark.parametrize("name", ["Nope", "Folder", "Folder.run"])
def test_what_is_no_flow(name: str) -> None:
    """The error for a name that is no flow names its module."""
    with pytest.raises(FlowError, match=rf"tests\.support\.harness\.{name} is not a flow"):
        main(["tests.support.harness", name])
