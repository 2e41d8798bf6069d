"""A person walks through the record, with the mouse, the keyboard, at night, on a phone, on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.browser.conftest import NARROW, WIDE
from tests.web.conftest import Site

from pavedroad.tracking import Metric, end_run, ensure_experiment, log_batch, start_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
ADD_UP_SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def paths(site: Site) -> list[str]:
    assert site.told is not None
    good, bad = site.told.runs[2:]
    outputs = {output["name"]: output["href"] for output in site.json(f"/runs/{good}.json")["outputs"]}
    return [
        "/",
        "/artifacts",
        "/artifacts/model/late-flights/3",
        "/artifacts/project/late-flights",
        "/runs",
        "/runs?nested=1&order=metrics.auc+DESC",
        f"/runs/{good}",
        f"/runs/{bad}",
        f"/runs/{site.told.steps['train']}",
        f"/runs/{good}/metrics/train%2Flog_loss",
        outputs["late-flights"],
        outputs["errors_by_airport.csv"],
        "/models",
        "/models/late-flights",
        "/models/late-flights/3",
        "/journal",
        "/search?q=late",
        "/search",
    ]


def test_the_whole_story_can_be_clicked(site: Site, tab: Page) -> None:
    tab.goto(site.url)
    assert tab.get_by_role("heading", level=1).inner_text() == "5 things need a person"
    tab.locator(".road a.pin[href$='/3'] circle").click()  # the candidate on the road
    assert tab.url.endswith("/models/late-flights/3")
    assert "2 gates are closed" in tab.locator("main").inner_text()
    tab.locator("summary", has_text="auc is 0.694; it must be").click()  # opens its evidence
    assert tab.get_by_text('"metric": "auc"').first.is_visible()
    tab.locator("aside a[href^='/runs/']").first.click()  # its run
    assert "/runs/" in tab.url
    tab.locator(".graph a", has_text="train").click()  # a step of the graph
    assert tab.get_by_role("heading", level=1).inner_text().startswith("train")
    tab.go_back()
    tab.get_by_role("link", name="flights@ab12cd34ef56").click()
    assert tab.get_by_role("heading", level=2).first.inner_text() == "What came from what"
    tab.locator(".graph a", has_text="model @2").click()  # along the lineage
    assert tab.url.endswith("/artifacts/model/late-flights/2")
    tab.get_by_role("link", name="All of it").click()
    assert "/journal?artifact=" in tab.url
    tab.locator("summary", has_text="ada promoted").first.click()  # opens what was recorded
    assert tab.get_by_text('"alias": "champion"').first.is_visible()
    tab.get_by_role("searchbox", name="Search artifacts").fill("gate-board")
    tab.keyboard.press("Enter")
    tab.get_by_role("link", name="gate-board").click()
    assert tab.url.endswith("/artifacts/application/gate-board")


def test_hover_and_focus_on_the_road_tell_one_fact(site: Site, tab: Page) -> None:
    tab.goto(site.url)
    marker = tab.locator(".road a.pin.live")
    told = marker.locator(".tell")
    status = tab.locator(".lane", has=tab.locator("a.pin.live")).locator(".status")
    assert told.evaluate("e => getComputedStyle(e).opacity") == "0"
    marker.locator("circle").hover()
    tab.wait_for_function("e => getComputedStyle(e).opacity === '1'", arg=told.element_handle())
    assert status.evaluate("e => getComputedStyle(e).opacity") == "0"
    tab.mouse.move(0, 0)
    tab.wait_for_function("e => getComputedStyle(e).opacity === '0'", arg=told.element_handle())
    tab.keyboard.press("Tab")
    marker.focus()
    tab.wait_for_function("e => getComputedStyle(e).opacity === '1'", arg=told.element_handle())
    assert "late-flights@2: production and champion" in told.text_content()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("keys", "path"),
    [("gr", "/runs"), ("gm", "/models"), ("ga", "/artifacts"), ("gj", "/journal"), ("go", "/")],
)
def test_two_keys_lead_to_every_place(site: Site, tab: Page, keys: str, path: str) -> None:
    tab.goto(f"{site.url}/search")
    for key in keys:
        tab.keyboard.press(key)
    tab.wait_for_url(site.url + path)


def test_a_slash_searches_and_a_question_mark_helps(site: Site, tab: Page) -> None:
    tab.goto(f"{site.url}/runs")
    tab.keyboard.press("/")
    tab.keyboard.type("late g r ?")  # typed, not taken as keys
    assert tab.locator("#search").input_value() == "late g r ?"
    assert tab.url.endswith("/runs")
    tab.keyboard.press("Escape")
    tab.keyboard.press("?")
    assert tab.locator("dialog").is_visible()
    tab.keyboard.press("Escape")
    assert not tab.locator("dialog").is_visible()


def test_the_keyboard_alone_reaches_the_content_and_is_never_trapped(site: Site, tab: Page) -> None:
    tab.goto(f"{site.url}/models/late-flights/3")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    tab.keyboard.press("Enter")
    seen = []
    for _ in range(80):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement === document.body"):
            break
        seen.append(tab.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
        outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen[-1]
    assert len(seen) > 15
    assert len(set(seen)) > 15


def test_a_command_is_copied_whole(site: Site, open_page: Callable[..., Page]) -> None:
    tab = open_page(permissions=["clipboard-read", "clipboard-write"])
    tab.goto(f"{site.url}/models/late-flights/3")
    button = tab.locator(".head .command .copy")
    button.click()
    assert tab.evaluate("navigator.clipboard.readText()") == "paved promote late-flights@3 --to champion"
    assert button.inner_text() == "Copied"
    tab.wait_for_function("e => e.textContent === 'Copy'", arg=button.element_handle())


def test_a_filter_is_typed_corrected_and_kept_in_the_address(
    site: Site, open_page: Callable[..., Any]
) -> None:
    tab = open_page(java_script_enabled=False)
    tab.goto(f"{site.url}/runs")
    field = tab.get_by_role("searchbox", name="Filter, as MLflow writes it")
    field.fill("metrics.auc > 0.7")
    tab.get_by_role("button", name="Show").click()
    assert "2 runs match the filter" in tab.locator("main").inner_text()
    assert "filter=metrics.auc" in tab.url
    tab.get_by_role("link", name="auc").click()
    assert tab.locator("th[aria-sort=descending]").inner_text().startswith("auc")


def test_everything_but_live_parts_works_without_javascript(
    site: Site, open_page: Callable[..., Page]
) -> None:
    tab = open_page(java_script_enabled=False)
    for path in paths(site):
        tab.goto(site.url + path)
        assert tab.get_by_role("heading", level=1).is_visible()
        assert not tab.locator(".copy").first.is_visible()
    tab.get_by_role("searchbox", name="Search artifacts").fill("churn")
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    assert "found" in tab.get_by_role("heading", level=1).inner_text()


def test_a_running_run_is_seen_to_end(own_story: Site, tab: Page) -> None:
    db = own_story.record.db
    experiment = db.write(lambda tx: ensure_experiment(tx, "live", who="ada"))
    run_id = db.write(lambda tx: start_run(tx, experiment_id=experiment.id, name="live"))
    tab.goto(f"{own_story.url}/runs/{run_id}")
    assert tab.locator(".verdict .state").inner_text() == "running"
    points = [Metric(key="loss", value=1 / (step + 1), at_ms=step + 1, step=step) for step in range(20)]
    db.write(lambda tx: log_batch(tx, run_id, metrics=points))
    tab.wait_for_selector(".chart .curve")
    db.write(lambda tx: end_run(tx, run_id))
    tab.wait_for_selector("text=finished")
    requests: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.wait_for_timeout(3000)
    assert requests == []  # nothing is asked any more


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_page_scrolls_sideways_or_shifts_or_complains(
    site: Site, open_page: Callable[..., Page], viewport: dict[str, int], scheme: str
) -> None:
    tab = open_page(viewport=viewport, color_scheme=scheme)
    tab.add_init_script(ADD_UP_SHIFTS)
    for path in paths(site):
        tab.goto(site.url + path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path
        assert tab.evaluate("window.shift") < 0.01, path
        ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (int(ground.removeprefix("rgb(").split(",")[0]) < 64) == (scheme == "dark"), path


def test_long_and_odd_names_break_no_page_on_a_phone(hostile: Site, open_page: Callable[..., Page]) -> None:
    tab = open_page(viewport=NARROW)
    lists = ("/artifacts", "/runs", "/models")
    found = {href for path in lists for href in hostile.get(path).links if href.startswith(lists)}
    found = {href for href in found if not href.startswith("/runs/export")}  # a download, not a page
    assert len(found) > 40
    for path in sorted({"/", "/journal", *found}):
        answer = tab.goto(hostile.url + path)
        assert answer is not None
        assert answer.ok, path
        assert tab.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path


def test_the_road_becomes_a_list_on_a_phone(site: Site, open_page: Callable[..., Page]) -> None:
    tab = open_page(viewport=NARROW)
    tab.goto(site.url)
    assert not tab.locator(".picture").first.is_visible()
    lanes = tab.locator(".lanes")
    assert "@2 is champion; late-flights@3 waits" in lanes.inner_text()
    lanes.get_by_text("2 closed").click()
    assert tab.url.endswith("/models/late-flights/3")


def test_what_a_finger_touches_is_large_enough(site: Site, open_page: Callable[..., Page]) -> None:
    tab = open_page(viewport=NARROW, has_touch=True, is_mobile=True)
    tab.goto(f"{site.url}/runs")
    for name in ("Filter, as MLflow writes it", "Experiment"):
        assert tab.get_by_label(name).bounding_box()["height"] >= 40  # type: ignore[index]
    assert tab.locator(".top nav a").first.bounding_box()["height"] >= 40  # type: ignore[index]


def test_a_printed_page_has_the_road_and_no_buttons(site: Site, tab: Page) -> None:
    tab.goto(site.url)
    tab.emulate_media(media="print")
    assert tab.locator(".road").first.is_visible()
    assert not tab.locator(".top nav").is_visible()
    assert not tab.locator(".copy").first.is_visible()
    assert len(tab.pdf()) > 10_000


def test_an_unknown_page_offers_the_way_back(site: Site, chromium: Any) -> None:
    tab = chromium.new_page()
    tab.goto(f"{site.url}/models/nobody")
    assert tab.get_by_role("heading", level=1).is_visible()
    tab.get_by_role("link", name="Overview").first.click()
    assert tab.url == f"{site.url}/"
    tab.close()
