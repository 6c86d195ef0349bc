"""Each quota of AWS is spelled once."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import laminar_codegen
import laminar_runtime
from laminar_codegen import limits
from laminar_codegen.rehearsal.batch_requests import RefusedError, check_resources
from laminar_runtime import limits as of_runtime
from laminar_runtime.splits.job_container import FARGATE_MEMORY
from tests.support.sources import nodes_of

PACKAGES = [Path(str(package.__file__)).parent for package in (laminar_codegen, laminar_runtime)]
#: Limits of the product.
OURS = re.compile("^(JOIN_INPUTS|MAX_INVOCATIONS) = ", re.MULTILINE)
#: Quotas with numbers that mean nothing else.
TELLING = {
    *(limits.DEFINITION_BYTES, limits.HISTORY_EVENTS, limits.STATE_BYTES, limits.ROLE_POLICY_CHARACTERS),
    *(limits.LAMBDA_PROCESSOR, limits.ARRAY_CHILDREN[1]),
}


def numbers(path: Path) -> set[int]:
    """Return the whole numbers of a module's code."""
    found = (node.value for node in nodes_of(path, ast.Constant))
    return {value for value in found if type(value) is int}


def test_no_other_module_spells_a_quota() -> None:
    spelled = {Path(limits.__file__), Path(of_runtime.__file__)}
    modules = [path for package in PACKAGES for path in package.rglob("*.py") if path not in spelled]

    assert {path: found for path in modules if (found := numbers(path) & TELLING)} == {}


def test_the_compiler_has_all_quotas_of_the_runtime() -> None:
    assert {name for name in of_runtime.__all__ if getattr(limits, name) != getattr(of_runtime, name)} == set()
    assert set(of_runtime.__all__) <= set(limits.__all__)


@pytest.mark.parametrize("module", [limits, of_runtime])
def test_quotas_are_documented(module: object) -> None:
    text = Path(str(module.__file__)).read_text()  # type: ignore[attr-defined]

    blocks = [block for block in text.split("\n\n") if "\n#: " in f"\n{block}"]

    assert [block for block in blocks if "https://docs.aws.amazon.com/" not in block and not OURS.search(block)] == []


def test_a_rehearsal_knows_the_sizes_that_the_compiler_places_on_fargate() -> None:
    def check(cpu: str, memory: int) -> None:
        wanted = [{"type": "VCPU", "value": cpu}, {"type": "MEMORY", "value": str(memory)}]
        check_resources(wanted, ["FARGATE"])

    for cpu, amounts in FARGATE_MEMORY.items():
        for memory in amounts:
            check(f"{cpu:g}", memory)
        with pytest.raises(RefusedError, match="not valid"):
            check(f"{cpu:g}", amounts[-1] + 1)
