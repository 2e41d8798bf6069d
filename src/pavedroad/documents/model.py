"""A document before it is rendered: sections of prose, facts and tables, the same for every format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Prose(msgspec.Struct, frozen=True, kw_only=True, tag="prose"):
    """Markdown, as somebody wrote it."""

    text: str


class Facts(msgspec.Struct, frozen=True, kw_only=True, tag="facts"):
    """Name and value, one a line."""

    pairs: tuple[tuple[str, str], ...]


class Table(msgspec.Struct, frozen=True, kw_only=True, tag="table"):
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[str, ...] = ()  # names of the columns that are aligned to the right


class Item(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    path: str = ""  # of another document, where there is one
    says: str = ""


class Items(msgspec.Struct, frozen=True, kw_only=True, tag="items"):
    items: tuple[Item, ...]


Block = Prose | Facts | Table | Items


class Section(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    blocks: tuple[Block, ...]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One page."""

    path: str  # without a suffix: `model/flights`
    kind: str  # project, pipeline, model or service; `index` for the first page
    title: str
    says: str = ""  # one line
    sections: tuple[Section, ...] = ()


class Renderer(Protocol):
    """A format. Other packages bring theirs by the entry-point group `pavedroad.renderers`."""

    suffix: str  # of its files: `.html`

    def render(self, document: Document, site: Sequence[Document]) -> str:
        """The text of one file. `site` holds all documents of this writing, the index first."""

    def other_files(self) -> dict[str, bytes]:
        """Path -> content of what pages need besides: a style sheet."""
