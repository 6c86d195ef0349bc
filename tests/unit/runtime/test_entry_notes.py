"""What layers decide that may be skipped and share a job: the first answer holds."""

from __future__ import annotations

import os
from typing import Any

import pytest

from laminar_runtime import Flow, Layer, task_environment
from laminar_runtime.configurations import executors, hooks
from laminar_runtime.configurations.datastores import Memory
from laminar_runtime.configurations.datastores.transport import Transport
from laminar_runtime.configurations.failures import FINAL
from laminar_runtime.exceptions import DamagedError, DatastoreError, ExecutionError
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.tasks import attempts
from laminar_runtime.tasks.entry_notes import decide, read
from laminar_runtime.tasks.pack_process import is_skipped

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


class Report(Flow):
    """Has a layer that may be skipped."""


@Report.register
class Load(Layer):
    @hooks.entry
    def enter(self) -> bool:
        if os.environ.get("HOOK_FAILS"):
            raise ValueError("no")
        return True

    def __call__(self) -> None: ...


class Busy:
    """A transport that reads and does not write."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def create(self, key: str, content: bytes) -> bool:
        raise DatastoreError(f"{key} cannot be written now")


@pytest.mark.parametrize(("fails", "raised", "code"), [("", DatastoreError, 1), ("1", ExecutionError, FINAL)])
def test_a_store_that_is_busy_is_tried_again_and_a_hook_that_fails_is_not(
    monkeypatch: pytest.MonkeyPatch, fails: str, raised: type[Exception], code: int
) -> None:
    """The exit code of the process says which."""
    monkeypatch.setenv(task_environment.DECIDES, "1")
    monkeypatch.setenv("HOOK_FAILS", fails)
    monkeypatch.setattr(attempts, "_code", 1)
    flow = Report(datastore=Memory(), executor=executors.Thread())
    execution = flow.execution("e1")
    execution.datastore.transport = Busy(execution.datastore.transport)  # type: ignore[assignment]
    with pytest.raises(raised):
        is_skipped(execution, task_environment.TaskContext(execution="e1", flow="Report", layer="Load"))
    assert attempts.exit_code() == code
