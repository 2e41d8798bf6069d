"""Documents as Markdown, for a wiki or a repository."""

from __future__ import annotations

import os
from collections.abc import Sequence

from pavedroad.documents.model import Block, Document, Facts, Item, Items, Prose


class MarkdownRenderer:
    suffix = ".md"

    def render(self, document: Document, site: Sequence[Document]) -> str:
        return document_markdown(document, self.suffix) + "\n"

    def other_files(self) -> dict[str, bytes]:
        return {}


def document_markdown(document: Document, suffix: str) -> str:
    lines = [f"# {_plain(document.title)}", ""]
    if document.says:
        lines += [_plain(document.says), ""]
    for section in document.sections:
        lines += [f"## {_plain(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block, document.path, suffix), ""]
    return "\n".join(lines).rstrip()


def address(start: str, target: str, suffix: str) -> str:
    """The relative address of another document."""
    folder = os.path.dirname(start) or "."  # noqa: PTH120 - a path of the site, not of the disk
    return os.path.relpath(f"{target}{suffix}", folder).replace(" ", "%20")


def _block(block: Block, start: str, suffix: str) -> list[str]:
    if isinstance(block, Prose):
        return [_deeper(block.text)]
    if isinstance(block, Facts):
        return [f"- {_plain(name)}: {_plain(value)}" for name, value in block.pairs]
    if isinstance(block, Items):
        return [_item(item, start, suffix) for item in block.items]
    rule = ["---:" if column in block.numbers else "---" for column in block.columns]
    return [_row(block.columns), _row(rule), *(_row([_plain(cell) for cell in row]) for row in block.rows)]


def _item(item: Item, start: str, suffix: str) -> str:
    text = _plain(item.text)
    linked = f"[{text}]({address(start, item.path, suffix)})" if item.path else text
    return f"- {linked}" + (f": {_plain(item.says)}" if item.says else "")


def _deeper(text: str) -> str:
    """Headings of a card stand below the section that holds it."""
    is_code = False
    lines = []
    for line in text.strip().splitlines():
        is_code ^= line.lstrip().startswith(("```", "~~~"))
        lines.append(f"##{line}" if line.startswith("#") and not is_code else line)
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    text = " ".join(text.split())
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return text
