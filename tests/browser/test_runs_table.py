"""The table of runs and runs side by side, in a browser: with the keyboard, without a script, on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.browser.conftest import NARROW
from tests.tracking.runs import add_runs
from tests.web.conftest import Site

from pavedroad.config import Settings
from pavedroad.record import open_record
from pavedroad.tracking import log_param

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def runs_site(tmp_path: Path) -> Iterator[Site]:
    record = open_record(Settings(home=tmp_path / "runs", user="ada"))
    ids = add_runs(record)
    record.db.write(lambda tx: [log_param(tx, ids[0], f"layer/{at}/width", "1") for at in range(60)])
    site = Site(record)
    yield site
    site.stop()
    record.close()


def filter_box(tab: Page):
    return tab.get_by_label("Filter, as MLflow writes it")


def test_a_filter_is_completed_with_the_keyboard_alone(runs_site: Site, tab: Page) -> None:
    tab.goto(f"{runs_site.url}/runs")
    box = filter_box(tab)
    box.focus()
    tab.keyboard.type("metrics.a")
    tab.get_by_role("option", name="metrics.auc").wait_for()
    assert box.get_attribute("aria-expanded") == "true"
    tab.keyboard.press("ArrowDown")
    assert tab.locator("[aria-selected=true]").inner_text().startswith("metrics.auc")
    tab.keyboard.press("Enter")
    assert box.input_value() == "metrics.auc"
    tab.keyboard.type(" ")
    tab.get_by_role("option", name=">=").wait_for()
    tab.keyboard.press("ArrowUp")  # from the last one upwards
    tab.keyboard.press("Escape")
    assert not tab.locator(".offers").is_visible()
    assert box.evaluate("e => e === document.activeElement")
    tab.keyboard.type(">= 0.7")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**filter=metrics.auc+%3E%3D+0.7**")
    assert tab.locator("td.name").all_inner_texts() == ["run-3", "run-1"]


def test_a_value_is_taken_with_the_mouse(runs_site: Site, tab: Page) -> None:
    tab.goto(f"{runs_site.url}/runs")
    filter_box(tab).focus()
    tab.keyboard.type("params.depth = ")
    tab.get_by_role("option", name="'8'").click()
    assert filter_box(tab).input_value() == "params.depth = '8'"


def test_tab_leaves_the_filter_when_nothing_is_chosen(runs_site: Site, tab: Page) -> None:
    tab.goto(f"{runs_site.url}/runs")
    filter_box(tab).focus()
    tab.keyboard.type("met")
    tab.get_by_role("option", name="metrics.").wait_for()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.name") == "experiment"
    assert filter_box(tab).input_value() == "met"


def test_an_error_is_explained_in_place_and_corrected_with_one_click(
    runs_site: Site, chromium: Browser
) -> None:
    context = chromium.new_context(java_script_enabled=False)  # whose console may tell of the 400
    tab = context.new_page()
    tab.goto(f"{runs_site.url}/runs")
    filter_box(tab).fill("metrics.auc > 0.6 and parms.depth = '8'")
    tab.get_by_role("button", name="Show").click()
    assert tab.locator("mark").inner_text() == "parms"
    assert filter_box(tab).get_attribute("aria-invalid") == "true"
    tab.get_by_role("link", name="metrics.auc > 0.6 and params.depth = '8'").click()
    assert tab.locator("td.name").all_inner_texts() == ["run-1"]
    context.close()


def test_a_click_on_a_head_orders_and_a_third_one_stops(runs_site: Site, tab: Page) -> None:
    tab.goto(f"{runs_site.url}/runs")
    seen = []
    for _ in range(3):
        tab.get_by_role("link", name="auc", exact=False).first.click()
        seen.append(tab.locator("td.name").first.inner_text())
    assert seen == ["run-1", "run-0", "run-3"]
    assert "order=" not in tab.url


def test_columns_are_found_while_typing_and_stay_in_the_address(runs_site: Site, tab: Page) -> None:
    tab.goto(f"{runs_site.url}/runs?columns=metrics.auc")
    tab.get_by_role("link", name="Columns", exact=True).click()
    tab.get_by_label("max.auc", exact=True).check()
    tab.get_by_label("Find a column").press_sequentially("yer/42")
    tab.get_by_label("params.`layer/42/width`").check()
    assert tab.get_by_label("max.auc", exact=True).is_checked()  # though the search does not find it
    tab.get_by_role("button", name="Show these columns").click()
    heads = [head.split(" ")[0] for head in tab.locator("thead th a").all_inner_texts()]
    assert heads == ["Run", "State", "auc", "auc", "layer/42/width"]
    assert "columns=metrics.auc%2Cmax.auc%2Cparams" in tab.url


def test_columns_are_chosen_without_a_script(runs_site: Site, open_page: Callable[..., Page]) -> None:
    tab = open_page(java_script_enabled=False)
    tab.goto(f"{runs_site.url}/runs?columns=metrics.auc")
    tab.get_by_role("link", name="Columns", exact=True).click()
    tab.get_by_label("Find a column").fill("yer/42")
    tab.keyboard.press("Enter")
    tab.get_by_label("params.`layer/42/width`").check()
    tab.get_by_role("button", name="Show these columns").click()
    assert tab.locator("thead th a").all_inner_texts() == ["Run", "State", "auc", "layer/42/width"]


def test_selected_runs_are_compared(runs_site: Site, tab: Page) -> None:
    tab.goto(f"{runs_site.url}/runs")
    tab.get_by_label("Select all runs of this page").check()
    tab.get_by_label("Select run-3").uncheck()
    tab.get_by_role("button", name="Compare").click()
    assert tab.get_by_role("heading", level=1).inner_text() == "3 runs side by side"
    assert tab.locator("thead th a:has-text('run-')").all_inner_texts() == ["run-2", "run-1", "run-0"]
    assert tab.locator(".chart .curve").count() >= 2
    tab.get_by_role("link", name="log", exact=True).click()
    assert "scale=log" in tab.url
    tab.get_by_label("Leave out A run-2").click()
    assert tab.get_by_role("heading", level=1).inner_text() == "2 runs side by side"
    assert "scale=log" in tab.url


def test_selected_runs_are_deleted_restored_and_deleted_for_good(runs_site: Site, tab: Page) -> None:
    tab.goto(f"{runs_site.url}/runs")
    tab.get_by_label("Select run-0").check()
    tab.get_by_label("Select run-1").check()
    tab.get_by_role("button", name="Delete", exact=True).click()
    assert "2 runs deleted" in tab.locator(".notice").inner_text()
    tab.get_by_role("link", name="Deleted", exact=True).click()
    tab.get_by_label("Select run-0").check()
    tab.get_by_role("button", name="Restore").click()
    tab.get_by_label("Select run-1").check()
    tab.get_by_role("button", name="Delete for good").click()
    assert tab.get_by_role("heading", level=1).inner_text() == "Delete 1 run for good?"
    tab.get_by_role("button", name="Delete for good").click()
    assert "deleted for good" in tab.locator(".notice").inner_text()
    tab.goto(f"{runs_site.url}/runs")
    assert tab.locator("td.name").all_inner_texts() == ["run-3", "run-2", "run-0"]


def test_an_export_is_downloaded_as_a_file(runs_site: Site, tab: Page) -> None:
    tab.goto(f"{runs_site.url}/runs?columns=run_name&order=run_name+ASC")
    with tab.expect_download() as waiting:
        tab.get_by_role("link", name="CSV").click()
    assert waiting.value.suggested_filename == "runs.csv"
    assert Path(waiting.value.path()).read_text().split() == ["run_name", "run-0", "run-1", "run-2", "run-3"]


def test_on_a_phone_each_run_is_a_block_that_is_read_whole(
    runs_site: Site, open_page: Callable[..., Page]
) -> None:
    tab = open_page(viewport=NARROW)
    tab.goto(f"{runs_site.url}/runs")
    for cell in tab.locator("table.runs tbody tr").first.locator("td:visible").all():
        box = cell.bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= NARROW["width"]
    words = tab.locator("table.runs td[data-label='auc']").first
    assert words.evaluate("e => getComputedStyle(e, '::before').content") == '"auc"'
