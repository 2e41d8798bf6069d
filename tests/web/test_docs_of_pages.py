"""docs/pages.md names every page, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from pavedroad.server.app import PAGES

TEXT = (Path(__file__).parents[2] / "docs" / "pages.md").read_text("utf-8")


def test_every_page_is_in_the_docs_and_no_other() -> None:
    written = set(re.findall(r"^\| `(/[^`]*)` \|", TEXT, re.MULTILINE))
    assert written == {page.path.replace(":path}", "}") for page in PAGES}
