"""A package with a flow in it, as a user writes one."""

from __future__ import annotations

from pathlib import Path

FLOW = """
{imports}
from laminar_runtime import Flow, Layer, Parameters

class Report(Flow): ...

@Report.register
class A(Layer):
    def __call__(self, parameters: Parameters) -> None:
        from {package}.late import late
        self.x = common(1) + late

flow = Report()

if __name__ == "__main__" and flow:
    print(flow().layer(A).x)
"""
#: How the flow imports what is in its package, and beside it.
IMPORTS = {
    "relative": "from .common import common",
    "of the package": "from package.common import common",
    "of a package beside": "from .common import common\nimport beside",
}


def write_package(folder: Path, imports: str, *, marked: bool = True) -> Path:
    """Write a package with a flow, and what it imports.

    Args:
        folder: Where to write it.
        imports: The flow's imports.
        marked: Whether the package has an `__init__.py`.

    Returns:
        The flow's file.
    """
    package = folder / "package"
    package.mkdir()
    if marked:
        (package / "__init__.py").write_text("")
    (package / "common.py").write_text("from .late import late\ndef common(x): return x + 1\n")
    (package / "late.py").write_text("late = 40\n")
    (package / "main.py").write_text("raise AssertionError\n")
    (folder / "beside.py").write_text("")
    (folder / "main.py").write_text("raise AssertionError\n")
    (package / "flow.py").write_text(FLOW.format(imports=imports, package="package"))
    return package / "flow.py"
