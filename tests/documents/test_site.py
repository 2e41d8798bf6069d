"""What the record says becomes pages, the same in every format."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from tests.registry.conftest import Maker

from pavedroad.catalog import Ref, ensure_artifact
from pavedroad.documents import Document, Item, Items, Prose, Section, Table, writing
from pavedroad.documents.gathering import gather
from pavedroad.documents.html import HtmlRenderer
from pavedroad.documents.markdown import MarkdownRenderer
from pavedroad.documents.writing import find_renderer, write_site
from pavedroad.errors import ConfigError, Invalid, Unavailable

PAGE = Path(__file__).parents[2] / "docs" / "documents.md"


@pytest.fixture
def filled(any_record):
    Maker(any_record).version("flights", metrics={"auc": 0.81}, card="# Flights\n\nPredicts <b>delays</b>.")
    any_record.db.write(
        lambda tx: ensure_artifact(tx, Ref("project", "late"), who="ada", description="Late flights.")
    )
    return any_record


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("href", "src")]


def section(document: Document, title: str) -> Section:
    return next(section for section in document.sections if section.title.startswith(title))


def test_every_artifact_with_a_page_is_in_the_index(filled):
    index, *documents = gather(filled)
    assert {document.path for document in documents} == {"project/late", "model/flights"}
    items = [item for each in index.sections for block in each.blocks for item in block.items]
    assert Item(text="late", path="project/late", says="Late flights.") in items


def test_a_models_page_holds_card_versions_and_signature(filled):
    _, document = gather(filled, [Ref("model", "flights")])
    assert section(document, "Card").blocks == (Prose(text="# Flights\n\nPredicts <b>delays</b>."),)
    (versions,) = section(document, "Versions").blocks
    assert versions.rows[0][0] == "1"
    assert "auc 0.81" in versions.rows[0][4]
    (fields,) = section(document, "What version 1 takes").blocks
    assert ("input", "dep_delay", "double", "required") in fields.rows


@pytest.mark.parametrize("name", ["html", "markdown"])
def test_every_link_of_a_site_leads_to_a_file_of_it(filled, tmp_path, name):
    renderer = find_renderer(name)
    written = write_site(gather(filled), renderer, tmp_path)
    assert tmp_path / f"index{renderer.suffix}" in written
    for file in written:
        text = file.read_text("utf-8")
        links = Links()
        links.feed(text)
        found = links.found if name == "html" else re.findall(r"\]\(([^)]*)\)", text)
        for link in found:
            assert (file.parent / link).resolve() in written, (file, link)


def test_what_people_wrote_cannot_become_html(filled, tmp_path):
    write_site(gather(filled), HtmlRenderer(), tmp_path)
    page = (tmp_path / "model" / "flights.html").read_text("utf-8")
    assert "Predicts &lt;b&gt;delays&lt;/b&gt;." in page


def test_signs_of_markdown_in_names_stay_as_they_are():
    table = Table(columns=("name",), rows=(("a|b_c*",),))
    items = Items(items=(Item(text="x_y [z]", path="model/a b"),))
    document = Document(
        path="model/x", kind="model", title="x", sections=(Section(title="T", blocks=(table, items)),)
    )
    text = MarkdownRenderer().render(document, [document])
    assert r"| a\|b\_c\* |" in text
    assert r"- [x\_y \[z\]](a%20b.md)" in text


def test_an_empty_record_gives_an_index(record, tmp_path):
    (index,) = gather(record)
    write_site([index], HtmlRenderer(), tmp_path)
    assert "0 artifacts on the record" in (tmp_path / "index.html").read_text("utf-8")


def test_an_unknown_format_names_the_nearest():
    with pytest.raises(Invalid) as caught:
        find_renderer("markdwn")
    assert caught.value.hint == "did you mean 'markdown'?"


def test_another_packages_renderer_is_found(monkeypatch, filled, tmp_path):
    code = re.search(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE).group(1)
    (tmp_path / "our_docs.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint(name="plain", value="our_docs:Plain", group=writing.ENTRY_POINTS)
    monkeypatch.setattr(writing, "entry_points", lambda group: [point] if group == point.group else [])
    write_site(gather(filled), find_renderer("plain"), tmp_path / "site")
    assert "VERSIONS" in (tmp_path / "site" / "model" / "flights.txt").read_text("utf-8")


def test_a_renderer_that_cannot_be_loaded_is_named(monkeypatch):
    point = EntryPoint(name="broken", value="no_such_module:Plain", group=writing.ENTRY_POINTS)
    monkeypatch.setattr(writing, "entry_points", lambda group: [point])
    with pytest.raises(ConfigError, match="renderer 'broken'"):
        find_renderer("broken")


def test_a_folder_that_cannot_be_written_is_named(record, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot write"):
        write_site(gather(record), HtmlRenderer(), tmp_path / "file")
