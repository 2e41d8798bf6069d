"""A real Chromium over a real server; a console error or a violation of the page's policy fails the test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import need
from tests.web.conftest import Site, hostile, own_story, serve  # noqa: F401 - fixtures of this folder, too
from tests.web.story import story_settings, tell_story

from pavedroad.record import open_record

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Of one module: while Playwright lives, its thread has a running loop; other tests start their own."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        need(False, "playwright is not installed")
    need(CHROMIUM, "no chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    record = open_record(story_settings(tmp_path_factory.mktemp("story")))
    site = Site(record, tell_story(record))
    yield site
    site.stop()
    record.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`open_page(viewport=NARROW, color_scheme="dark")`: a tab that must have no complaint."""
    contexts = []
    complaints: list[str] = []

    def note_error(message: Any) -> None:
        if message.type == "error":
            complaints.append(f"{message.text} {message.location['url']}")

    def note_failure(request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page was left before its icon had come
            complaints.append(f"{request.failure}: {request.url}")

    def open_tab(**options: Any) -> Page:
        context = chromium.new_context(**{"viewport": WIDE, **options})
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(10_000)
        tab.on("console", note_error)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("requestfailed", note_failure)
        return tab

    yield open_tab
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def tab(open_page: Callable[..., Page]) -> Page:
    return open_page()
