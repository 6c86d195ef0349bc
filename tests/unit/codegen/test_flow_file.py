"""The rule about the file of a flow: ``python main.py``, the default command of a container, must call the flow."""

from __future__ import annotations

from pathlib import Path

import pytest

from laminar_codegen.checks.flow_file import check_call
from laminar_codegen.command.main import main
from laminar_codegen.frontend.loader import load
from laminar_codegen.pipeline import graphs_of

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container

class Report(Flow): ...

@Report.register(container=Container(command={command!r}))
class A(Layer):
    def __call__(self) -> None: ...
"""


@pytest.mark.parametrize(
    ("command", "end", "warnings"),
    [
        pytest.param("python main.py", "", 1, id="neither"),
        pytest.param("python main.py", "Report\n", 1, id="only named"),
        pytest.param("python main.py", "if flow := Report():\n    flow()\n", 0, id="made and called"),
        pytest.param("python main.py", "flow = Report()\n", 1, id="made"),
        pytest.param("python main.py", "if __name__ == '__main__':\n    Report()()\n", 0, id="as a program"),
        pytest.param("python main.py", "flow = Report()\nif flow:\n    flow()\n", 0, id="both"),
        pytest.param("python -m other", "", 0, id="another command"),
    ],
)
def test_a_file_that_calls_no_flow(
    command: str, end: str, warnings: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It compiles, and `check` warns, because a task would run no layer."""
    file = tmp_path / "flow.py"
    file.write_text(FLOW.format(command=command) + end)
    assert main(["check", "--strict", str(file)]) == warnings
    assert capsys.readouterr().err.count("LAM008 warning: the file never calls flow 'Report'") == warnings
    assert main([str(file)]) == 0
    assert len([*check_call(load(str(file)), graphs_of(load(str(file))))]) == warnings
