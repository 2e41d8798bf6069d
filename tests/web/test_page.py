"""Addresses, twins, parts and statuses of pages."""

from __future__ import annotations

from tests.web.conftest import Site

from pavedroad.web.page import STATIC, static_address


def test_an_address_of_the_look_changes_with_its_content() -> None:
    assert static_address("paved.css").startswith("/static/paved.css?")
    assert static_address("paved.css") != static_address("paved.js").replace(".js", ".css")


def test_the_look_is_served(story: Site) -> None:
    for file in STATIC.iterdir():
        answer = story.get(f"/static/{file.name}", accept="*/*")
        assert answer.status == 200
        assert answer.size == file.stat().st_size


def test_a_browser_that_asks_for_an_icon_by_itself_gets_the_mark(story: Site) -> None:
    assert story.get("/favicon.ico", accept="*/*").headers["Content-Type"].startswith("image/svg")


def test_an_unknown_page_says_so_as_a_page(story: Site) -> None:
    answer = story.get("/nowhere")
    assert answer.status == 404
    assert "text/html" in answer.headers["Content-Type"]
    assert "/nowhere" in answer.words
    assert "/search" in answer.links


def test_an_unknown_twin_says_so_as_json(story: Site) -> None:
    answer = story.get("/runs/ffffffffffffffffffffffffffffffff.json", accept="*/*")
    assert answer.status == 404
    assert answer.json["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_a_part_of_a_page_is_that_piece_alone(story: Site) -> None:
    assert story.told is not None
    answer = story.get(f"/runs/{story.told.runs[0]}?part=live")
    assert answer.status == 200
    assert "<html" not in answer.text
    assert "data-finished" in answer.text


def test_an_unknown_part_is_refused(story: Site) -> None:
    assert story.told is not None
    answer = story.get(f"/runs/{story.told.runs[0]}?part=lvie")
    assert answer.status == 404
    assert "live" in answer.words


def test_the_twin_keeps_the_query(story: Site) -> None:
    answer = story.get("/runs?filter=status+%3D+%27FAILED%27")
    twin = next(found["href"] for tag, found in answer.elements if found.get("type") == "application/json")
    assert [row["status"] for row in story.json(twin)["rows"]] == ["FAILED"]


def test_bad_input_is_a_400_on_the_page_and_in_its_json(story: Site) -> None:
    for path in (
        "/runs?filter=metrics.auc+%3E+high",
        "/runs?page=0",
        "/runs?order=nonsense.x+DESC",
        "/runs?columns=auc",
        "/runs?experiment=nobody",
        "/artifacts?kind=modle",
        "/artifacts?stage=later",
        "/journal?before=yesterday",
        "/models/late-flights?below=x",
        "/models/late-flights/3?evaluation=x",
    ):
        assert story.get(path).status == 400, path
        twin = path.replace("?", ".json?", 1)
        assert story.get(twin, accept="*/*").status == 400, twin
