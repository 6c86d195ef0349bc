"""The examples give the same results on this machine and in a rehearsal, and these are the right ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"
LAMINAR = "import sys; from laminar_runtime.command.main import main; sys.exit(main())"

#: The parameters of an execution of each, and the results that it must have.
EXPECTED: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "wines": (
        {},
        {
            "Clean.dropped": 0,
            "Summary.count": 178,
            "Compare.stronger": {"0": 29, "1": 33, "2": 24},
        },
    ),
    "texts": ({}, {"Total.top": [["the", 8], ["sea", 3], ["was", 3]]}),
    "orders": (
        {"amounts": [20, 700]},
        {"Close.text": "720: a person looks at 720, no receipt", "Receipt.printed": False},
    ),
    "nightly": ({"source": "shop"}, {"Total.total": 46}),
    "training": ({}, {"Best.rate": 0.9, "Best.resumed_at": [11, 0, 0]}),
    "short_splits": ({"blocks": 30}, {"Sum.primes": 430}),
}


def run(folder: Path, *words: str) -> str:
    """Run Python beside an example, and return its output."""
    ran = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with the files of an example, so that what it writes is not in the repository."""
    for file in (EXAMPLES / request.param).iterdir():
        if not file.name.startswith("."):
            (tmp_path / file.name).symlink_to(file)
    return tmp_path


def parameters_of(name: str) -> list[str]:
    given, _ = EXPECTED[name]
    return [word for key, value in given.items() for word in ("--param", f"{key}={json.dumps(value)}")]


def test_each_is_expected() -> None:
    """A new example has its results here. The digits have tests of their own, and so have the applications."""
    flows = {file.parent.name for file in EXAMPLES.glob("*/flow.py")}
    assert flows - {"digits"} == EXPECTED.keys()


@pytest.mark.parametrize("example", EXPECTED, indirect=True)
def test_here_and_in_a_rehearsal(example: Path, request: pytest.FixtureRequest) -> None:
    """Both have the expected results."""
    name = request.node.callspec.params["example"]
    _, expected = EXPECTED[name]
    run(example, "-c", LAMINAR, "run", "flow.py", "--id", "e1", *parameters_of(name))
    shown = json.loads(run(example, "-c", LAMINAR, "results", "--json", *_target(name), "e1"))["results"]
    assert {key: shown[key] for key in expected} == expected
    saved = example / "saved"
    run(example, "-m", "laminar_codegen", "rehearse", "flow.py", "--quiet", "--save", str(saved), *parameters_of(name))
    for key, value in expected.items():
        layer, _, attribute = key.partition(".")
        assert json.loads((saved / layer / f"{attribute}.json").read_text(encoding="utf-8")) == value


def _target(name: str) -> list[str]:
    """Return the flow whose results are read: of a chain the last one."""
    return ["flow.py:Report"] if name == "nightly" else ["flow.py"]


def test_the_event_of_the_nightly_example(tmp_path: Path) -> None:
    """The event beside it starts it, by the rule of its document."""
    example = EXAMPLES / "nightly"
    words = ("rehearse", str(example / "flow.py"), "--event", str(example / "event.json"))
    assert "Parameters.source = 'in/day.csv'" in run(tmp_path, "-m", "laminar_codegen", *words)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - what a run leaves would be here
