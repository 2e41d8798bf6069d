"""A notebook as one Python text, with the way back from its lines to cells."""

from __future__ import annotations

import bisect
import json
import re
from typing import Any

import msgspec

from pavedroad.errors import Invalid

_MAGIC = re.compile(r"^(\s*)([%!?]|[\w.]+\?{1,2}\s*$)")
_ASSIGNED_MAGIC = re.compile(r"^(\s*)([\w., ]+=\s*)([%!]\w.*)$")
# Cell magics whose cell is still Python.
_PYTHON_CELLS = ("%%time", "%%timeit", "%%capture", "%%prun", "%%python3", "%%python", "%%memray_flamegraph")


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    number: int  # from 1, counting every cell as the notebook shows them
    first_line: int  # in the joined text, from 1
    source: str  # as Python: magics are replaced


class Notebook(msgspec.Struct, frozen=True, kw_only=True):
    cells: tuple[Cell, ...]  # of Python code

    @property
    def text(self) -> str:
        return "\n".join(cell.source for cell in self.cells)

    def cell_of(self, line: int) -> tuple[int, int]:
        """The cell's number and the line within it, for a line of the joined text."""
        if not self.cells:
            return 0, line
        at = max(0, bisect.bisect_right([cell.first_line for cell in self.cells], line) - 1)
        return self.cells[at].number, line - self.cells[at].first_line + 1


def read_notebook(text: str) -> Notebook:
    """Read the code cells of an .ipynb. Raises Invalid when it is no notebook."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"not valid JSON: {error}", hint="open it in Jupyter and save it again") from None
    raw = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(raw, list):
        raise Invalid("it has no list of cells", hint="open it in Jupyter and save it again")
    cells, line = [], 1
    if _language(content) != "python":
        return Notebook(cells=())
    for number, cell in enumerate(raw, 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = _as_python(_source(cell))
        cells.append(Cell(number=number, first_line=line, source=source))
        line += source.count("\n") + 1
    return Notebook(cells=tuple(cells))


def _language(content: dict[str, Any]) -> str:
    metadata = content.get("metadata")
    spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    language = spec.get("language") if isinstance(spec, dict) else None
    return language.lower() if isinstance(language, str) and language else "python"


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


def _as_python(source: str) -> str:
    """The same number of lines, with magics and shell lines turned into `pass`."""
    lines = source.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(_PYTHON_CELLS):
        return "\n" * (len(lines) - 1)
    return "\n".join(_ASSIGNED_MAGIC.sub(r"\1\2None", _MAGIC.sub(_passed, line)) for line in lines)


def _passed(match: re.Match[str]) -> str:
    # `pass #` keeps the rest of the line as a comment, where a suppression may stand.
    return f"{match.group(1)}pass  #{match.group(2)}"
