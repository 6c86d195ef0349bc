"""The cases of each pass of the compiler: tests/support/cases.py says how they are written.

``pytest tests/unit/codegen/test_cases.py -k planning.decompose`` runs those of one module, and ``--update-golden``
rewrites the expected side.
"""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from tests.support.cases import PASSES, Case, case_files, cases_in, update_case
from tests.unit.codegen import passes

for found in pkgutil.iter_modules(passes.__path__):
    importlib.import_module(f"{passes.__name__}.{found.name}")

FILES = case_files()
ALL = [
    pytest.param(module, case, id=f"{module}: {case.name}")
    for module, file in FILES.items()
    for case in cases_in(file.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("module", "case"), ALL)
def test_the_output_of_the_pass_is_as_expected(
    module: str,
    case: Case,
    update_golden: bool,  # noqa: FBT001 - a fixture
) -> None:
    """The pass makes of the input exactly what the case has."""
    output = PASSES[module](case.given)
    assert output.strip(), "a case has an output"
    output = f"{output.rstrip()}\n"
    if update_golden:
        update_case(FILES[module], case.name, output)
    else:
        assert output == case.expected, f"case '{case.name}' of {module} differs: pytest --update-golden rewrites it"


def test_each_runner_has_cases() -> None:
    """No runner is left over from before, and no case file is without one."""
    assert sorted(PASSES) == sorted(FILES)
