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

MOST_CODE = 4 * 2**20  # characters: more is data
MOST_PRINTED = 2**18  # characters of a cell's outputs that are looked at

_READABLE = ("text/plain", "text/html", "text/markdown")  # of an output's data


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    number: int  # from 1, counting every cell as the notebook shows them
    first_line: int  # in the joined text, from 1
    source: str  # as Python: magics are replaced
    written: str = ""  # as its author sees it, with magics
    count: int = 0  # of its last run; 0: it has not been run since the last restart
    printed: str = ""  # the text among its saved outputs
    failed: str = ""  # the exception saved among them
    tags: tuple[str, ...] = ()


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
    cells, line, held = [], 1, 0
    if _language(content) != "python":
        return Notebook(cells=())
    for number, cell in enumerate(raw, 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        written = _text(cell.get("source"))
        held += len(written)
        if held > MOST_CODE:
            raise Invalid(f"it holds more than {MOST_CODE >> 20} MiB of code", hint="keep data out of code")
        source = _as_python(written)
        printed, failed = _outputs(cell)
        cells.append(
            Cell(
                number=number,
                first_line=line,
                source=source,
                written=written,
                count=_count(cell),
                printed=printed,
                failed=failed,
                tags=_tags(cell),
            )
        )
        line += source.count("\n") + 1
    return Notebook(cells=tuple(cells))


def _language(content: dict[str, Any]) -> str:
    metadata = content.get("metadata")
    spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    language = spec.get("language") if isinstance(spec, dict) else None
    return language.lower() if isinstance(language, str) and language else "python"


def _text(value: Any) -> str:
    """Text, which notebooks keep whole or as a list of lines."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _count(cell: dict[str, Any]) -> int:
    count = cell.get("execution_count")
    return count if isinstance(count, int) and count > 0 else 0


def _tags(cell: dict[str, Any]) -> tuple[str, ...]:
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _outputs(cell: dict[str, Any]) -> tuple[str, str]:
    """The text that was printed, and the name of the exception that ended the cell."""
    outputs = cell.get("outputs")
    texts, failed = [], ""
    for output in outputs if isinstance(outputs, list) else ():
        if not isinstance(output, dict):
            continue
        if output.get("output_type") == "error":
            failed = _text(output.get("ename")) or "an error"
        texts.append(output_text(output))
    return "\n".join(text for text in texts if text)[:MOST_PRINTED], failed


def output_text(output: dict[str, Any]) -> str:
    """What one saved output says in words; pictures and scripts say nothing."""
    data = output.get("data")
    parts = [output.get("text"), output.get("traceback")]
    parts += [data.get(kind) for kind in _READABLE] if isinstance(data, dict) else []
    return "\n".join(filter(None, map(_text, parts)))


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
