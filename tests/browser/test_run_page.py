"""A run is watched, looked at closely, written about; what it logged shows and never runs here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.browser.conftest import NARROW
from tests.web.conftest import Site

from pavedroad.kit.files import put_bytes
from pavedroad.record import Record
from pavedroad.tracking import Metric, end_run, get_run, log_batch, put_file, root_of, start_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
EVIL = b"""<h1>logged</h1><script>
document.title = 'ran'; fetch('/runs.json').then(() => document.title = 'read')
</script>"""


@pytest.fixture
def here(record: Record, serve: Callable[..., Site]) -> Site:
    return serve(record)


@pytest.fixture
def run(record: Record) -> str:
    return record.db.write(lambda tx: start_run(tx, experiment_id="0", name="watched"))


def log(record: Record, run: str, steps: range, *, key: str = "loss") -> None:
    points = [Metric(key=key, value=1 / (step + 1), at_ms=step + 1, step=step) for step in steps]
    record.db.write(lambda tx: log_batch(tx, run, metrics=points))


def put(record: Record, run: str, path: str, data: bytes) -> str:
    root = root_of(get_run(record.db, run).artifact_uri)
    record.db.write(lambda tx: put_file(tx, root, path, put_bytes(record.files, data)))
    return f"/files/{root}/{path}"


def test_curves_grow_while_the_run_goes_on_and_what_was_unfolded_stays_so(
    record: Record, here: Site, run: str, tab: Page
) -> None:
    log(record, run, range(20))
    tab.goto(f"{here.url}/runs/{run}?scale=log")
    tab.locator("#extremes summary").click()
    assert tab.get_by_role("link", name="log", exact=True).get_attribute("aria-current") == "true"
    log(record, run, range(20, 40))
    tab.wait_for_selector("figcaption >> text=40 points")
    assert tab.locator("#extremes").get_attribute("open") is not None
    assert tab.get_by_role("link", name="log", exact=True).get_attribute("aria-current") == "true"
    record.db.write(lambda tx: end_run(tx, run))
    tab.wait_for_selector("text=It has ended")


def test_the_pointer_reads_the_point_below_it(record: Record, here: Site, run: str, tab: Page) -> None:
    log(record, run, range(100))
    tab.goto(f"{here.url}/runs/{run}?smooth=0.5")
    tab.locator("svg.chart").hover(position={"x": 60, "y": 60})
    tab.wait_for_selector("svg.chart .readout")
    assert tab.locator(".readout").text_content().startswith("step ")  # type: ignore[union-attr]
    assert ", smoothed 0." in tab.locator(".readout").text_content()  # type: ignore[operator]


def test_a_drag_over_the_curve_shows_these_steps(record: Record, here: Site, run: str, tab: Page) -> None:
    log(record, run, range(100))
    tab.goto(f"{here.url}/runs/{run}/metrics/loss?smooth=0.9")
    box = tab.locator("figure.wide svg.chart").bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 80)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 90, steps=4)
    with tab.expect_navigation():
        tab.mouse.up()
    assert "first=" in tab.url
    assert "smooth=0.9" in tab.url
    tab.get_by_role("link", name="All steps").click()
    assert "first=" not in tab.url


def test_a_folded_group_is_fetched_when_it_is_opened(record: Record, here: Site, run: str, tab: Page) -> None:
    for number in range(14):
        log(record, run, range(3), key=f"{'train' if number % 2 else 'val'}/m{number}")
    record.db.write(lambda tx: end_run(tx, run))
    tab.goto(f"{here.url}/runs/{run}")
    assert tab.locator("#curves-val svg.chart").count() == 0
    tab.locator("#curves-val summary").click()
    tab.wait_for_selector("#curves-val svg.chart")
    assert tab.locator("#curves-val svg.chart").count() == 7


@pytest.mark.parametrize("scripted", [True, False])
def test_a_note_is_written_on_the_page_and_runs_nothing(
    record: Record, here: Site, run: str, open_page: Callable[..., Page], scripted: bool
) -> None:
    record.db.write(lambda tx: end_run(tx, run))
    tab = open_page(java_script_enabled=scripted, viewport=NARROW)
    tab.goto(f"{here.url}/runs/{run}")
    tab.locator("summary", has_text="Write a note").click()
    tab.get_by_role("textbox", name="Note, in Markdown").fill(
        "## Seen\n\n<script>document.title='ran'</script>\n\n- *late*"
    )
    tab.locator("form[action$='/note'] button").click()
    tab.wait_for_selector(".prose em")
    assert "<script>" in tab.locator(".prose").inner_text()
    assert tab.title().startswith("watched")


def test_a_logged_picture_is_shown_and_logged_html_runs_apart(
    record: Record, here: Site, run: str, open_page: Callable[..., Page]
) -> None:
    script = b"<script>parent.document.title='ran'</script>"
    drawn = b"<svg xmlns='http://www.w3.org/2000/svg' width='90' height='40'>" + script + b"</svg>"
    picture, page = put(record, run, "figure.svg", drawn), put(record, run, "report.html", EVIL)
    tab = open_page()
    tab.goto(here.url + picture)
    assert tab.locator("img.preview").evaluate("e => [e.complete, e.naturalWidth]") == [True, 90]
    assert tab.title().startswith("figure.svg")
    tab.goto(here.url + page)
    assert tab.title().startswith("report.html")
    assert "document.title" in tab.locator("pre").inner_text()


def test_a_page_in_the_sandbox_reaches_nothing_of_ours(
    record: Record, here: Site, run: str, chromium: object
) -> None:
    path = put(record, run, "report.html", EVIL).replace("/files/", "/sandbox/")
    context = chromium.new_context()  # type: ignore[attr-defined]  # its refused request is a complaint
    tab = context.new_page()
    tab.goto(here.url + path)
    tab.wait_for_function("document.title === 'ran'")
    assert tab.evaluate("self.origin") == "null"
    refused = tab.evaluate("fetch('/runs.json').then(() => 'read', () => 'refused')")
    assert refused == "refused"
    context.close()
