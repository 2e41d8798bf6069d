"""What holds for all pages alike."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable
from urllib.parse import parse_qsl, urljoin, urlsplit

import msgspec
import pytest
from tests.web.conftest import Answer, Site, parse
from tests.web.hostile import LONG
from tests.web.story import GATES, tell_story

from pavedroad.config import Settings
from pavedroad.record import Record
from pavedroad.server.app import PAGES

LARGEST_BYTES = 100_000
MOST_PAGES = 400
REACHED_BY_FORMS = ("/runs/erase",)
CHECKED_BY_OTHERS = ("/api/", "/ajax-api/", "/static/", "/sandbox/")
LOOKS = {"x", "scale", "smooth", "order", "choose"}  # of curves and tables; their links multiply the pages
PLACES = ("/", "/artifacts", "/runs", "/models", "/journal", "/search")


def crawl(site: Site, start: str = "/") -> dict[str, Answer]:
    """Every page that links lead to from `start`, as an address -> its answer."""
    seen: dict[str, Answer] = {}
    files: set[str] = set()
    waiting = deque([start])
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.popleft()
        if path in seen or path in files or LOOKS & {pair[0] for pair in parse_qsl(urlsplit(path).query)}:
            continue
        answer = site.get(path)
        if answer.status == 200 and "text/html" not in answer.headers["Content-Type"]:
            files.add(path)
            continue
        seen[path] = answer
        for href in answer.links:
            target = urlsplit(urljoin(site.url + path, href))
            if f"{target.scheme}://{target.netloc}" != site.url or target.path.startswith(CHECKED_BY_OTHERS):
                continue
            address = target.path + (f"?{target.query}" if target.query else "")
            if address not in seen and not target.path.endswith(".json"):
                waiting.append(address)
    return seen


@pytest.fixture(scope="module")
def pages(story: Site) -> dict[str, Answer]:
    return crawl(story)


def test_every_link_of_every_page_leads_to_a_page(pages: dict[str, Answer]) -> None:
    assert {path: answer.status for path, answer in pages.items() if answer.status != 200} == {}
    assert len(pages) > 60


def test_the_links_reach_every_kind_of_page(pages: dict[str, Answer]) -> None:
    paths = [urlsplit(path).path for path in pages]
    for page in PAGES:
        if page.path in REACHED_BY_FORMS:
            continue
        pattern = re.sub(r"\{[^}:]+:path\}", ".+", page.path)
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", pattern)
        assert any(re.fullmatch(pattern, path) for path in paths), f"nothing links to {page.path}"


def test_no_page_weighs_more_than_100_kb(pages: dict[str, Answer], big: Site) -> None:
    heavy = {path: answer.size for path, answer in pages.items() if answer.size > LARGEST_BYTES}
    assert heavy == {}
    run = big.json("/runs.json")["rows"][0]["id"]
    for path in (
        *PLACES,
        f"/runs/{run}",
        f"/runs/{run}/metrics/log_loss",
        "/search?q=late",
        "/artifacts/project/churn",
    ):
        assert big.get(path).size < LARGEST_BYTES, path


def test_no_page_holds_a_style_or_a_script_of_its_own(pages: dict[str, Answer]) -> None:
    for path, answer in pages.items():
        for tag, attributes in answer.elements:
            assert "style" not in attributes, (path, tag)
            assert not [name for name in attributes if name.startswith("on")], (path, tag)
            assert tag != "style", path
            assert tag != "script" or attributes.get("src", "").startswith("/static/"), path


def test_every_page_forbids_the_browser_what_it_does_not_need(pages: dict[str, Answer]) -> None:
    for path, answer in pages.items():
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"], path
        assert "unsafe" not in answer.headers["Content-Security-Policy"], path


def test_every_page_loads_only_from_this_server(pages: dict[str, Answer]) -> None:
    for path, answer in pages.items():
        for tag, attributes in answer.elements:
            if tag in ("script", "img", "link", "use"):
                source = attributes.get("src") or attributes.get("href", "")
                assert source.startswith(("/", "#")), (path, tag, source)


def test_every_page_has_one_first_heading_a_title_and_unique_ids(pages: dict[str, Answer]) -> None:
    for path, answer in pages.items():
        tags = Counter(tag for tag, _ in answer.elements)
        assert tags["h1"] == 1, path
        assert "<title> ·" not in answer.text, path
        ids = Counter(found["id"] for _, found in answer.elements if "id" in found)
        doubled = {name for name, number in ids.items() if number > 1 and not name.startswith("tar-")}
        assert doubled == set(), path


def test_every_field_has_a_name_for_those_who_do_not_see_it(pages: dict[str, Answer]) -> None:
    for path, answer in pages.items():
        for tag, attributes in answer.elements:
            if tag in ("select", "input") and attributes.get("type") != "hidden":
                assert attributes.get("aria-label"), (path, attributes)
            if tag == "img":
                assert attributes.get("alt"), path


@pytest.mark.parametrize("path", PLACES)
def test_the_json_of_a_page_is_what_its_template_sees(story: Site, path: str) -> None:
    twin = next(
        found["href"]
        for tag, found in story.get(path).elements
        if tag == "link" and found.get("type") == "application/json"
    )
    answer = story.get(twin, accept="application/json")
    assert answer.headers["Content-Type"] == "application/json"
    assert isinstance(answer.json, dict)
    page = next(page for page in PAGES if page.path == path)
    assert set(answer.json) == set(msgspec.structs.asdict(_seen(page.view, story)))


def _seen(view: Callable[..., object], site: Site) -> msgspec.Struct:
    """The struct of a page without query."""
    from starlette.applications import Starlette
    from starlette.requests import Request

    app = Starlette()
    app.state.record = site.record
    scope = {"type": "http", "app": app, "query_string": b"", "path_params": {}, "headers": [], "path": "/"}
    struct = view(Request(scope))
    assert isinstance(struct, msgspec.Struct)
    return struct


def test_every_page_shows_the_command_of_what_it_offers(story: Site) -> None:
    assert story.told is not None
    commands = story.get(f"/runs/{story.told.runs[0]}").commands
    assert any(command.startswith("paved register ") for command in commands)
    assert "paved promote late-flights@3 --to champion" in story.get("/models/late-flights/3").commands
    assert "paved rollback late-flights" in story.get("/models/late-flights").commands
    assert "paved own project/churn NAME" in story.get("/artifacts/project/churn").commands


@pytest.mark.parametrize("path", PLACES)
def test_an_empty_page_says_what_will_stand_there_and_how(empty: Site, path: str) -> None:
    answer = empty.get(path)
    assert answer.status == 200
    if path != "/search":
        assert answer.commands, path
        assert all(command.startswith(("paved ", "export ", "cd ")) for command in answer.commands)


def test_the_same_pages_answer_on_both_databases(any_record: Record, serve: Callable[..., Site]) -> None:
    record = msgspec.structs.replace(
        any_record, settings=Settings(home=any_record.settings.home, user="ada", gates=GATES)
    )
    site = serve(record, tell_story(record))
    found = crawl(site)
    assert {path: answer.status for path, answer in found.items() if answer.status != 200} == {}
    assert len(found) > 60


# ------------------------------------------------------------------------------------ names that hurt


def test_names_that_look_like_html_are_text_everywhere(hostile: Site) -> None:
    found = crawl(hostile)
    assert {path: answer.status for path, answer in found.items() if answer.status != 200} == {}
    assert len(found) > 80
    for path, answer in found.items():
        for tag, attributes in answer.elements:
            assert attributes.get("id") != "x", (path, tag)
            assert "onclick" not in attributes, (path, tag)
            assert not attributes.get("href", "").startswith("javascript:"), path
        assert "49" not in re.findall(r"\{\{|49(?=</b>)", answer.text), path


def test_long_names_are_cut_in_the_middle_and_copied_whole(hostile: Site) -> None:
    answer = hostile.get(f"/artifacts/dataset/{LONG[:250]}")
    heading = re.search(r"<h1>(.*?)</h1>", answer.text, re.DOTALL)
    assert heading is not None
    assert "…" in parse(heading[1]).words
    assert LONG[:250] not in parse(heading[1]).words
    assert f"dataset/{LONG[:250]}" in answer.commands
    assert any(LONG[:250] == found.get("title") for _, found in answer.elements)


def test_a_name_that_ends_in_json_has_a_page_and_a_twin(hostile: Site) -> None:
    page = hostile.get("/artifacts/dataset/data%2Ejson")
    assert page.status == 200
    assert "data.json" in page.words
    assert hostile.json("/artifacts/dataset/data.json.json")["artifact"]["ref"]["name"] == "data.json"
