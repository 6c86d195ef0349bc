"""What the comparison of two compilers counts as a failure."""

from __future__ import annotations

import pytest

from tools.compare_documents import Case, Compiled, compare

DOCUMENT = Case("golden/one", "flow.py", ("--emit", "terraform"), "valid")
PLAN = Case("golden/one", "flow.py", ("--emit", "plan"), "valid")
REFUSED = "flow.py:3: LAM010 the layers are in a cycle\n"


@pytest.mark.parametrize(
    ("case", "before", "after", "kinds"),
    [
        (DOCUMENT, Compiled(0, b"{}\n", ""), Compiled(0, b"{}\n", ""), []),
        (DOCUMENT, Compiled(0, b"{}\n", ""), Compiled(0, b"{}", ""), ["document"]),
        (DOCUMENT, Compiled(0, b"{}\n", ""), Compiled(0, b"{}\n", "note\n"), ["message"]),
        (DOCUMENT, Compiled(0, b"{}\n", ""), Compiled(1, b"", REFUSED), ["refusal", "document", "message"]),
        (DOCUMENT, Compiled(1, b"", REFUSED), Compiled(3, b"", REFUSED), ["refusal"]),
        (DOCUMENT, Compiled(1, b"", REFUSED), Compiled(1, b"", REFUSED.replace("010", "011")), ["refusal", "message"]),
        (DOCUMENT, Compiled(1, b"", REFUSED), Compiled(1, b"", REFUSED.replace("a cycle", "a ring")), ["message"]),
        (PLAN, Compiled(0, b"A\n", ""), Compiled(0, b"B\n", ""), ["message"]),
        (PLAN, Compiled(0, b"A\n", ""), Compiled(3, b"A\n", ""), ["refusal"]),
    ],
)
def test_kinds_of_differences(case: Case, before: Compiled, after: Compiled, kinds: list[str]) -> None:
    """Bytes of documents, exit codes and rules are failures; texts for people are messages."""
    assert [item.kind for item in compare(case, before, after)] == kinds


def test_the_text_is_a_unified_diff() -> None:
    """The diff names both sides, and shows a line break that is missing."""
    (found,) = compare(DOCUMENT, Compiled(0, b"one\ntwo\n", ""), Compiled(0, b"one\n2", ""))
    assert found.text == (
        "--- commit\n+++ working tree\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n\\ No newline at end of file\n"
    )
