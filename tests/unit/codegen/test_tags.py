"""How many tags jobs and functions may have, with those that everything has."""

from __future__ import annotations

import pytest

from laminar_codegen.limits import MOST_TAGS
from laminar_codegen.targets.tags import check_count
from tests.support.graph_notation import graph_in


@pytest.mark.parametrize(("others", "codes"), [(MOST_TAGS - 2, []), (MOST_TAGS - 1, ["LAM094"])])
def test_tags_of_the_container_and_all_others_count_together(others: int, codes: list[str]) -> None:
    """At the limit there is no problem, and one tag more is one."""
    (layer,) = graph_in("""A | tags='{"one": "1", "two": "2"}'""").layers
    found = [*check_count([layer], [f"tag{number}" for number in range(others)], "its jobs have {own} of {most}")]
    assert [problem.rule.code for problem in found] == codes
    assert all(f"has 2 tags, and its jobs have {others} of {MOST_TAGS}" in problem.what for problem in found)
