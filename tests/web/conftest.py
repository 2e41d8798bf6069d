"""Pages as a browser gets them: a real server in a thread over a real record."""

from __future__ import annotations

import json
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.web.hostile import HOSTILE, fill_hostile
from tests.web.make_big_record import fill, fill_road
from tests.web.story import Told, story_settings, tell_story

from pavedroad.config import Settings
from pavedroad.record import Record, open_record
from pavedroad.server import embedded


class Answer:
    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.size = len(body)
        self.text = body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def elements(self) -> list[tuple[str, dict[str, str]]]:
        """Every element with its attributes, in order."""
        return parse(self.text).elements

    @property
    def words(self) -> str:
        """What a reader sees, without markup."""
        return parse(self.text).words

    @property
    def links(self) -> list[str]:
        return [found["href"] for tag, found in self.elements if tag == "a" and "href" in found]

    @property
    def commands(self) -> list[str]:
        return [found["data-copy"] for _, found in self.elements if "data-copy" in found]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.pieces)).strip()


def parse(text: str) -> _Parser:
    parser = _Parser()
    parser.feed(text)
    return parser


class Site:
    """A server over `record`, asked as a browser asks."""

    def __init__(self, record: Record, told: Told | None = None) -> None:
        self.record = record
        self.told = told
        self._server = embedded.start(record)
        self.url = self._server.url

    def get(self, path: str, *, accept: str = "text/html") -> Answer:
        request = urllib.request.Request(self.url + path, headers={"Accept": accept})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def json(self, path: str) -> Any:
        answer = self.get(path, accept="application/json")
        assert answer.status == 200, answer.text
        return answer.json

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture
def serve() -> Iterator[Callable[..., Site]]:
    """`serve(record)` is a site over it."""
    started: list[Site] = []

    def start(record: Record, told: Told | None = None) -> Site:
        started.append(Site(record, told))
        return started[-1]

    yield start
    for site in started:
        site.stop()


@pytest.fixture
def empty(record: Record, serve: Callable[..., Site]) -> Site:
    return serve(record)


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The story of `tests/web/story.py`; tests only read it."""
    record = open_record(story_settings(tmp_path_factory.mktemp("story")))
    site = Site(record, tell_story(record))
    yield site
    site.stop()
    record.close()


@pytest.fixture(scope="session")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """10,000 runs and 60 lanes; tests only read them."""
    record = open_record(Settings(home=tmp_path_factory.mktemp("big"), user="ada"))
    fill(record, runs=10_000)
    fill_road(record, lanes=60)
    site = Site(record)
    yield site
    site.stop()
    record.close()


@pytest.fixture
def hostile(tmp_path: Path, serve: Callable[..., Site]) -> Site:
    record = open_record(Settings(home=tmp_path / "hostile", user=HOSTILE))
    fill_hostile(record)
    return serve(record)


@pytest.fixture
def own_story(tmp_path: Path, serve: Callable[..., Site], migrated_file: Path) -> Site:
    """The same story for a test that changes it."""
    settings = story_settings(tmp_path / "own")
    settings.home.mkdir()
    shutil.copyfile(migrated_file, settings.home / "paved.db")
    record = open_record(settings)
    return serve(record, tell_story(record))
