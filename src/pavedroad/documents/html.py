"""Documents as HTML: one file each, with one style sheet; nothing is fetched from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pavedroad.documents.markdown import address
from pavedroad.documents.model import Document
from pavedroad.web.filters import markdown
from pavedroad.web.page import STATIC


class HtmlRenderer:
    suffix = ".html"

    def __init__(self) -> None:
        folder = str(files("pavedroad.documents") / "templates")
        loader = FileSystemLoader(folder)
        self._pages = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._pages.filters["markdown"] = markdown

    def render(self, document: Document, site: Sequence[Document]) -> str:
        def link(path: str) -> str:
            return address(document.path, path, self.suffix)

        style = os.path.relpath("style.css", os.path.dirname(document.path) or ".")  # noqa: PTH120
        page = self._pages.get_template("document.html")
        return page.render(document=document, site=site, link=link, style=style) + "\n"

    def other_files(self) -> dict[str, bytes]:
        own = (files("pavedroad.documents") / "templates" / "style.css").read_bytes()
        return {"style.css": (STATIC / "paved.css").read_bytes() + b"\n" + own}
