"""Cases: small inputs of one pass, each with the output that is expected of exactly that pass.

A case file has many of them, a few lines each::

    [case a layer after another one]
    A
    B after A
    [out]
    Sequence
      Run A
      Run B

Lines before the first case are comments. A case without ``[out]`` is new: ``--update-golden`` writes its output.
``tests/unit/codegen/cases/planning/make_plan.test`` has the cases of ``laminar_codegen.planning.make_plan``, and
``tests/unit/codegen/passes`` says what an input is there, and how an output is printed.
"""

from __future__ import annotations

import fcntl
import re
from collections.abc import Callable
from pathlib import Path

import attrs

__all__ = ["CASES", "PASSES", "Case", "Runner", "case_files", "cases_in", "cases_of", "update_case"]

CASES = Path(__file__).parents[1] / "unit" / "codegen" / "cases"

#: Turns the input of a case into the output that is compared.
Runner = Callable[[str], str]

#: The runner of each module that has cases, by its name behind `laminar_codegen`; one of the runtime by its whole name.
PASSES: dict[str, Runner] = {}

_HEADER = re.compile(r"^\[case (.+)\]$", re.MULTILINE)
_OUT = "[out]\n"


@attrs.frozen
class Case:
    """One case.

    Args:
        name: Its name, a short sentence.
        given: The input.
        expected: The output.
    """

    name: str
    given: str
    expected: str


def cases_of(module: str) -> Callable[[Runner], Runner]:
    """Register the runner of a module's cases.

    Args:
        module: The module's name behind ``laminar_codegen``; the whole name of a module of the runtime.
    """

    def register(runner: Runner) -> Runner:
        assert module not in PASSES, f"{module} has two runners"
        PASSES[module] = runner
        return runner

    return register


def case_files() -> dict[str, Path]:
    """Return the case files, by the names of the modules that they are about."""
    files = sorted(CASES.rglob("*.test"))
    return {".".join(file.relative_to(CASES).with_suffix("").parts): file for file in files}


def cases_in(text: str) -> tuple[Case, ...]:
    r"""Return the cases of a file.

    Args:
        text: The text of the file.

    Raises:
        ValueError: If there is none, or two have one name.

    Example:
        >>> cases_in("[case one]\nA\n[out]\nRun A\n")
        (Case(name='one', given='A\n', expected='Run A\n'),)
    """
    _, *parts = _HEADER.split(text)
    cases = tuple(_case(name, body) for name, body in zip(parts[::2], parts[1::2], strict=True))
    names = [case.name for case in cases]
    if not cases or len({*names}) < len(names):
        raise ValueError("a case file has cases, each of another name")
    return cases


def _case(name: str, body: str) -> Case:
    given, _, expected = body.removeprefix("\n").partition(_OUT)
    return Case(name, _with_end(given), _with_end(expected))


def _with_end(text: str) -> str:
    """Return a text that ends with one line break, or is empty."""
    text = text.rstrip()
    return f"{text}\n" if text else ""


def update_case(file: Path, name: str, output: str) -> None:
    """Rewrite the output of one case. Processes that test in parallel may do so at the same time.

    Args:
        file: The case file.
        name: The name of the case.
        output: The output.
    """
    with file.open("r+", encoding="utf-8") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        text = opened.read()
        written = "\n".join(
            f"[case {case.name}]\n{case.given}{_OUT}{output if case.name == name else case.expected}"
            for case in cases_in(text)
        )
        opened.seek(0)
        opened.truncate()
        opened.write(f"{_HEADER.split(text)[0]}{written}")
