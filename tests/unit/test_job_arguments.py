"""The tables of the arguments of job definitions and jobs have each argument of the operations, and say what is set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from tests.support.golden import CASES, document_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "job-arguments.md"
#: Structures of jobs of other kinds: each has one row.
WHOLE = re.compile(r"(eks|ecs|node)\w+")
#: Arguments that the oldest botocore does not have, by their beginnings.
NEWER = ("consumableResourceP", "containerProperties.enableExecuteCommand", "containerProperties.volumes.s3files")


def rows(operation: str) -> dict[str, str]:
    """Return where each argument of an operation is set, as the page says."""
    section = PAGE.read_text("utf-8").partition(f"\n## {operation}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([\w.]+)` \| (.*) \|$", section, re.MULTILINE))


def arguments(shape: Any, before: str = "") -> Iterator[str]:
    """Yield the paths of the arguments of a structure."""
    for name, member in shape.members.items():
        path, inner = f"{before}{name}", member
        while inner.type_name == "list":
            inner = inner.member
        if inner.type_name == "structure" and not WHOLE.fullmatch(path):
            yield from arguments(inner, f"{path}.")
        else:
            yield path


@pytest.mark.parametrize("operation", ["RegisterJobDefinition", "SubmitJob"])
def test_the_page_has_each_argument(operation: str) -> None:
    """AWS adds arguments: the page says of a new one where it is set, or why it is not."""
    model = botocore.session.get_session().get_service_model("batch")
    listed, found = rows(operation).keys(), {*arguments(model.operation_model(operation).input_shape)}
    assert sorted(found - listed) == []
    assert sorted(name for name in listed - found if not name.startswith(NEWER)) == []


def _leaves(value: Any, before: str) -> Iterator[str]:
    match value:
        case Mapping() if not before.endswith((".options", "tags")):
            for name, item in value.items():
                yield from _leaves(item, f"{before}.{name}" if before else name)
        case list():
            for item in value:
                yield from _leaves(item, before)
        case _:
            yield before


def test_what_documents_set_is_not_said_to_be_unset() -> None:
    said = rows("RegisterJobDefinition")
    containers = [item for case in CASES for item in document_of(case)["locals"].get("containers", {}).values()]
    found = {leaf for container in containers for leaf in _leaves(container, "containerProperties")}
    assert len(found) > 20
    assert sorted(name for name in found if said[name].startswith("not set")) == []
