"""A headless browser for tests of pages: Chromium or Chrome of this machine, by Playwright."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

__all__ = ["find_browser", "start_browser"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: Nothing is asked of the network: pages are whole, and the browser is not to look for updates.
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]


def find_browser() -> str | None:
    """Return the path of the browser of this machine, None if there is none."""
    return os.environ.get("LAMINAR_BROWSER") or next(filter(None, map(shutil.which, _NAMES)), None)


@contextlib.contextmanager
def start_browser() -> Iterator[Browser]:
    """Start the browser of this machine, and stop it behind the ``with`` block. Without one the test is skipped.

    Where CI is "true" nothing is skipped: a browser that is missing is a failure.
    """
    found = find_browser()
    if found is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up("no browser: install Chromium or Chrome, or name one by LAMINAR_BROWSER")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
