"""The tier of a test: what it needs, and so how long it takes.

| Tier | Folder | What a test needs |
| --- | --- | --- |
| unit | tests/unit, and the doctests | this process: no server, no child process, no Terraform |
| integration | tests/integration | the embedded AWS, other servers, child processes |
| e2e | tests/e2e | Terraform |

The folder gives a test its marker. A test in tests/unit that needs more than its neighbours in a file has the marker
of its tier itself (`@pytest.mark.integration`), which goes before the folder. No other folder has unit tests: `make
unit` collects tests/unit and the doctests alone. The tiers are held to it: a unit test that starts a process or opens
a connection fails, and so does an integration test that starts Terraform.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent
TIERS = ("unit", "integration", "e2e")
#: Audit events of Python's library that start a process or reach a server.
#: https://docs.python.org/3/library/audit_events.html
PROCESSES = frozenset(
    {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn", "subprocess.Popen"}
)
CONNECTIONS = frozenset({"socket.bind", "socket.connect", "socket.getaddrinfo"})
TERRAFORM = shutil.which("terraform")


class TierError(Exception):
    """A test does what its tier does not allow."""


class _Guard:
    """Raises in the midst of what is not allowed, and keeps it: the code under test may catch what is raised."""

    def __init__(self) -> None:
        self.tier = ""
        self.breaches: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.tier and (breach := _breach(self.tier, event, arguments)):
            self.breaches.append(breach)
            raise TierError(breach)


def _breach(tier: str, event: str, arguments: tuple[Any, ...]) -> str:
    """Return what a test of a tier must not do, or "" if an event is allowed."""
    if tier == "unit" and event in PROCESSES | CONNECTIONS:
        return f"{event} {arguments!r:.200}: a test that needs this belongs in tests/integration"
    if tier == "integration" and event == "subprocess.Popen" and _is_terraform(arguments[0]):
        return "starts terraform: a test that needs it belongs in tests/e2e"
    return ""


def _is_terraform(executable: Any) -> bool:
    """Return whether an executable is the real Terraform: tests have some of that name that are not."""
    return TERRAFORM is not None and shutil.which(os.fspath(executable)) == TERRAFORM


_GUARD = _Guard()
sys.addaudithook(_GUARD)


def tier_of(item: pytest.Item) -> str:
    """Return the tier of a test.

    Args:
        item: The test.

    Raises:
        pytest.UsageError: If nothing says the tier, the test has the markers of two, or it is a unit test elsewhere.
    """
    marked = {mark.name for mark in item.iter_markers() if mark.name in TIERS}
    if len(marked) > 1:
        raise pytest.UsageError(f"{item.nodeid}: has the markers of {len(marked)} tiers: keep one of {sorted(marked)}")
    folder = item.path.relative_to(TESTS).parts[0] if TESTS in item.path.parents else "support"
    if "unit" in marked and folder in {"integration", "e2e"}:
        raise pytest.UsageError(f"{item.nodeid}: move it to tests/unit: `make unit` collects no other tests")
    if marked:
        return marked.pop()
    if folder == "support":
        return "unit"
    if folder not in TIERS:
        raise pytest.UsageError(f"{item.path}: move it to tests/unit, tests/integration or tests/e2e (tests/tiers.py)")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the marker of its tier."""
    for item in items:
        item.add_marker(tier_of(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Hold what prepares a test to the test's tier."""
    yield from _held(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Hold a test to its tier."""
    yield from _held(item)


def _held(item: pytest.Item) -> Iterator[None]:
    _GUARD.tier, _GUARD.breaches = tier_of(item), []
    try:
        yield
    finally:
        breaches, _GUARD.tier, _GUARD.breaches = _GUARD.breaches, "", []
    if breaches:
        raise TierError(breaches[0])
