"""What layers decide that may be skipped and share a job: the first answer holds."""

from __future__ import annotations

import pytest

from laminar_runtime.configurations.datastores import Memory
from laminar_runtime.exceptions import DamagedError
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.tasks.entry_notes import decide, read

KEY = LayerKey("Report", "e1", "Load")


@pytest.mark.parametrize("answer", [True, False])
def test_the_first_answer_holds(*, answer: bool) -> None:
    store = Memory()
    assert read(store, KEY, "") is None
    assert decide(store, KEY, "", lambda: answer) is answer
    assert decide(store, KEY, "", lambda: not answer) is answer
    assert read(store, KEY, "") is answer


def test_a_resume_asks_again() -> None:
    store = Memory()
    assert not decide(store, KEY, "", lambda: False)
    assert decide(store, KEY, "2", lambda: True)


def test_an_answer_that_failed_is_none() -> None:
    store = Memory()
    with pytest.raises(ZeroDivisionError):
        decide(store, KEY, "", lambda: bool(1 / 0))
    assert read(store, KEY, "") is None


def test_of_two_processes_the_sooner_one_decides() -> None:
    """One that was taken for dead goes on beside the other."""
    store = Memory()

    def ask() -> bool:
        decide(store, KEY, "", lambda: False)
        return True

    assert not decide(store, KEY, "", ask)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"enters": 1}', b"\xff"])
def test_a_note_that_cannot_be_read(content: bytes) -> None:
    store = Memory()
    store.transport.put(KEY.entry(""), content)
    with pytest.raises(DamagedError, match=r"Load/\.entry/-\.json is damaged"):
        read(store, KEY, "")
