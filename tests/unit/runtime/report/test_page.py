"""The page of an execution as text: it is whole, allows only its own script, and escapes all texts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

from laminar_runtime import _records
from laminar_runtime.report.page import render_page
from laminar_runtime.report.record import Report, ReportLayer
from laminar_runtime.timings import Attempt, Timings
from tests.support import reports


class Parsed(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "title": []}
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._inside = tag
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.texts:
            self.texts[self._inside][-1] += data


def data_of(page: str) -> dict[str, Any]:
    """Return the record in a page."""
    found: dict[str, Any] = json.loads(Parsed(page).texts["script"][0])
    return found


def test_the_policy_allows_the_script_and_the_style_of_the_page_alone() -> None:
    """The hashes in the policy are those of the two elements, and nothing may be loaded."""
    page = render_page(reports.small_report())
    parsed = Parsed(page)
    (policy,) = [value for name, value in parsed.attributes if name == "content" and "default-src" in str(value)]
    for text, directive in ((parsed.texts["script"][1], "script-src"), (parsed.texts["style"][0], "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in str(policy)
    assert "default-src 'none'" in str(policy)
    assert "unsafe" not in str(policy)


def test_nothing_is_loaded_from_elsewhere() -> None:
    """No element names an address: those of the record are made into links by the script, if they are https."""
    parsed = Parsed(render_page(reports.failure_report()))
    assert not {"link", "iframe", "img", "object", "embed", "base"} & {*parsed.tags}
    assert not {"src", "href", "style", "srcset"} & {name for name, _ in parsed.attributes}
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]


def test_texts_of_users_stay_texts() -> None:
    """Marks in names, docstrings, reasons and the places of the template itself add no element and end no script."""
    hostile = "</script><img src=x onerror=alert(1)>{{data}}\"'&\u2028"
    layer = ReportLayer(name=hostile, summary=hostile, over=(f"{hostile}.x",), state="failed")
    failure = _records.evolve(
        reports.failure_report().failures.shown[0], layer=hostile, reason=hostile, traceback=hostile
    )
    attempt = Attempt(
        layer=hostile, index=0, started=1, stopped=2, outcome="failed", image=hostile, link="javascript:x"
    )
    timings = Timings(flow=hostile, execution=hostile, status="FAILED", attempts=(attempt,), notes=(hostile,))
    shown = _records.evolve(reports.failure_report().failures, shown=(failure,))
    page = render_page(Report(timings=timings, layers=(layer,), failures=shown, notes=(hostile,), advice=(hostile,)))
    harmless = Parsed(
        render_page(Report(timings=Timings(flow="F", execution="e"), layers=(ReportLayer(name="A", over=("B.x",)),)))
    )
    tags = Parsed(page).tags
    assert "img" not in tags
    assert {*tags} <= {*harmless.tags}
    assert tags.count("script") == 2
    assert Parsed(page).texts["title"][0].startswith(hostile)
    data = data_of(page)
    assert data["flow"] == data["layers"][0]["name"] == data["failures"]["shown"][0]["traceback"] == hostile


def test_the_same_report_is_the_same_page() -> None:
    """Nothing of the page depends on the time or on the machine."""
    assert render_page(reports.small_report()) == render_page(reports.small_report())


def test_times_count_from_the_start_and_what_repeats_is_written_once() -> None:
    """Ten thousand attempts are a few hundred bytes each at most."""
    page = render_page(reports.large_report())
    data = data_of(page)
    assert len(page) < 2_500_000
    assert len(data["attempts"]["rows"]) > 10_000
    assert len(data["attempts"]["shapes"]) == 1
    first = dict(zip(data["attempts"]["fields"], data["attempts"]["rows"][0], strict=True))
    assert (data["base"], first["created"], first["started"], first["stopped"]) == (reports.BASE, 1_000, 32_000, 70_000)


def test_a_layer_that_only_attempts_know_is_there() -> None:
    """Where the flow's code is not known, its layers are those that ran."""
    timings = Timings(flow="F", execution="e", attempts=(Attempt(layer="A", started=1, stopped=2),))
    data = data_of(render_page(Report(timings=timings)))
    assert [layer["name"] for layer in data["layers"]] == ["A"]
    assert data["attempts"]["rows"][0][0] == 0


def test_very_many_layers_are_not_drawn() -> None:
    """A drawing of thousands of cards is slow, and nobody reads it: the table of layers is there."""
    layers = tuple(ReportLayer(name=f"L{number}") for number in range(700))
    page = render_page(Report(timings=Timings(flow="F", execution="e"), layers=layers))
    assert not re.search(r"<svg", page)
    assert len(data_of(page)["layers"]) == 700


def test_layers_that_ran_in_one_job_have_a_frame() -> None:
    """Attempts that share a job show which layers were packed."""
    attempts = [Attempt(layer=name, job="j1") for name in ("A", "B")] + [Attempt(layer="C", job="j2")]
    layers = (ReportLayer(name="A"), ReportLayer(name="B", depends=("A",)), ReportLayer(name="C", depends=("B",)))
    page = render_page(Report(timings=Timings(flow="F", execution="e", attempts=tuple(attempts)), layers=layers))
    assert page.count(">one job</text>") == 1
