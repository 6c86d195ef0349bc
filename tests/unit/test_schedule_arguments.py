"""The table of the arguments of schedules has each argument of the operation, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "schedule-arguments.md"
#: Parts of a target that is no state machine have one row each.
WHOLE = re.compile(r"Target\.\w+Parameters")


def arguments(shape: Any, before: str = "") -> Iterator[str]:
    """Yield the paths of the arguments of a structure."""
    for name, member in shape.members.items():
        path = f"{before}{name}"
        if member.type_name == "structure" and not WHOLE.fullmatch(path):
            yield from arguments(member, f"{path}.")
        else:
            yield path


def test_the_page_has_each_argument_of_a_schedule() -> None:
    """AWS adds arguments: the page says of a new one where it is set, or why it is not."""
    model = botocore.session.get_session().get_service_model("scheduler")
    listed = re.findall(r"^\| `([\w.]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(arguments(model.operation_model("CreateSchedule").input_shape))
