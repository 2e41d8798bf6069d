"""Pictures of every page, to be looked at: `python -m tests.browser.shots FOLDER`.

1440 and 390 px, light and dark; an empty record, the story, and 10,000 runs with 60 lanes.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from tests.browser.conftest import ARGUMENTS, CHROMIUM, NARROW, WIDE
from tests.browser.test_story import paths
from tests.web.conftest import Site
from tests.web.make_big_record import fill, fill_road
from tests.web.story import story_settings, tell_story

from pavedroad.config import Settings
from pavedroad.record import open_record

PLACES = ["/", "/artifacts", "/runs", "/models", "/journal", "/search"]


def take(browser: Browser, site: Site, wanted: list[str], folder: Path, name: str) -> None:
    for width, viewport in (("wide", WIDE), ("narrow", NARROW)):
        for scheme in ("light", "dark"):
            context = browser.new_context(viewport=viewport, color_scheme=scheme)
            tab = context.new_page()
            for path in wanted:
                tab.goto(site.url + path)
                place = (
                    re.sub(r"[^a-z0-9]+", "-", re.sub(r"[0-9a-f]{32}", "id", path)).strip("-") or "overview"
                )
                tab.screenshot(path=folder / f"{name}-{place}-{width}-{scheme}.png", full_page=name != "big")
            context.close()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name in ("empty", "story", "big"):
            place = Path(home) / name
            record = open_record(
                story_settings(place) if name == "story" else Settings(home=place, user="ada")
            )
            told = tell_story(record) if name == "story" else None
            wanted = list(PLACES)
            if name == "big":
                run = fill(record)[0]
                fill_road(record)
                wanted += [f"/runs/{run}", "/?lanes=all", "/runs?page=200"]
            site = Site(record, told)
            take(browser, site, paths(site) if told else wanted, folder, name)
            site.stop()
            record.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
