"""The tables of the reference have all that the code has: arguments, variables, outputs, quotas."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen import limits
from laminar_runtime import Flow
from laminar_runtime.configurations import (
    datastores,
    executors,
    layers,
    networks,
    operations,
    planners,
    schedulers,
    triggers,
)

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
#: The names of the classes in the table of arguments. Names without an entry here are those of the classes.
CONFIGURED: dict[str, Callable[..., Any]] = {
    "Flow": Flow,
    "Flow.register": Flow.register,
    **{cls.__name__: cls for cls in (layers.Container, layers.ForEach, layers.Parameter, layers.Retry, layers.Catch)},
    **{cls.__name__: cls for cls in (layers.EFS, layers.Host, operations.Logs, operations.Alarms)},
    **{cls.__name__: cls for cls in (operations.Notifications, networks.Network, triggers.Schedule)},
    **{cls.__name__: cls for cls in (triggers.ObjectCreated, triggers.Event, triggers.After)},
    **{f"executors.{cls.__name__}": cls for cls in (executors.Thread, executors.Process, executors.Docker)},
    "executors.AWS.Batch": executors.AWS.Batch,
    "executors.AWS.Lambda": executors.AWS.Lambda,
    "executors.AWS.Auto": executors.AWS.Auto,
    "datastores.Local": datastores.Local,
    "datastores.Memory": datastores.Memory,
    "datastores.AWS.S3": datastores.AWS.S3,
    "datastores.DataStore": datastores.DataStore,
    "AWS.StepFunctions": schedulers.AWS.StepFunctions,
    "planners.AWS.Lambda": planners.AWS.Lambda,
    "planners.AWS.Batch": planners.AWS.Batch,
}
#: Parameters of signatures that catch misspelt names.
NO_ARGUMENT = {"others", "unknown"}


def rows(page: Path) -> Iterator[list[str]]:
    """Yield the cells of the rows of all tables of a page."""
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("|") and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def named(cell: str) -> set[str]:
    """Return what a cell has in backticks."""
    return set(re.findall(r"`([^`]+)`", cell))


def documented_arguments() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    classes: set[str] = set()
    for of, arguments, *_ in rows(ROOT / "docs" / "how-to" / "find-an-argument.md"):
        classes = named(of) or classes
        for name in classes:
            found.setdefault(name, set()).update(named(arguments))
    return found


@pytest.mark.parametrize("name", CONFIGURED)
def test_each_argument_has_a_page(name: str) -> None:
    given = inspect.signature(CONFIGURED[name]).parameters
    # The layer that `register` decorates is positional only, as is `self`.
    arguments = {key for key, one in given.items() if one.kind is not one.POSITIONAL_ONLY} - NO_ARGUMENT - {"self"}
    found = documented_arguments()[name]
    assert arguments - found == set()
    assert found - arguments <= {"root"}  # one row has two datastores, of which one has a root


def test_no_class_is_left_over() -> None:
    assert set(documented_arguments()) == set(CONFIGURED)


#: No variables of processes: a placeholder in the template of a repository.
NO_VARIABLES = {"LAMINAR_VERSION"}


def test_environment_variables() -> None:
    """The page has each variable that the packages read or set, and no other one."""
    files = [*(ROOT / "laminar_runtime").rglob("*.py"), *(ROOT / "laminar_codegen").rglob("*.py")]
    files += (ROOT / "tools" / "acceptance").glob("*.py")
    read = {name for file in files for name in re.findall(r'"(LAMINAR_[A-Z_]*[A-Z])"', file.read_text("utf-8"))}
    page = (REFERENCE / "environment-variables.md").read_text("utf-8")
    written = set(re.findall(r"LAMINAR_[A-Z_]*[A-Z]", page))
    assert written - {"LAMINAR_VOLUME_NAME"} == read - NO_VARIABLES


@pytest.mark.parametrize("document", sorted(ROOT.glob("examples/*/main.tf.json")), ids=lambda path: path.parent.name)
def test_variables_and_outputs_of_documents(document: Path) -> None:
    """The page has each output of the examples, and each variable that is not the flow's own."""
    names = {name for row in rows(REFERENCE / "variables.md") for name in named(row[0])}
    names |= named((REFERENCE / "containers.md").read_text("utf-8"))
    declared = json.loads(document.read_text("utf-8"))
    assert set(declared["output"]) - names == set()
    queues_and_roles = {
        name for name in declared["variable"] if name.endswith(("_job_queue_arn", "_role_arn", "_enabled"))
    }
    own = set(re.findall(r'Variable\(\s*"(\w+)"', (document.parent / "flow.py").read_text("utf-8")))
    assert set(declared["variable"]) - queues_and_roles - own - names == set()


def test_quotas() -> None:
    """The page has each quota of the code, and its source."""
    page = (REFERENCE / "quotas.md").read_text("utf-8")
    numbers = set(re.findall(r"[\d,]*\d", page))
    sources = "".join(
        (ROOT / package / "limits.py").read_text("utf-8") for package in ("laminar_runtime", "laminar_codegen")
    )
    values = [getattr(limits, name) for name in limits.__all__]
    flat = {f"{number:,}" for value in values for number in (value if isinstance(value, tuple) else (value,))}
    assert flat - numbers == set()
    shown = set(re.findall(r"https://[^\s)]+", page))
    # Where one page of AWS has several quotas, the table links it once.
    assert {link.rstrip(".") for link in re.findall(r"https://docs\.aws[^\s)]+", sources)} - shown == set()


def test_format_of_the_datastore() -> None:
    """The page shows the keys by the docstring of the package that spells them."""
    page = (REFERENCE / "storage.md").read_text("utf-8")
    assert ".. automodule:: laminar_runtime.storage" in page
