from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.notebook import Cell
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.rep.cells import cell_place, notebooks
from pavedroad.kit.text import count

NEXT_STEP = "restart the kernel, run all cells, and save"
MEANT_TO_FAIL = ("raises-exception", "skip-execution")
STOPPED = "KeyboardInterrupt"


@rule(
    "REP207",
    "unclean-notebook-run",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    by_module=True,
)
def unclean_notebook_run(project: Project) -> Iterator[Found]:
    """A saved notebook is the result of one run of all its cells.

    Why:
        What a reader sees must be what the code gives. Cells without a run, an error below a cell, or counts
        that start at 37 say that it may not be. 71% of the public projects with notebooks had one that was
        not the result of "restart and run all".
    Bad:
        ```text
        In [1]: frame = load()
        In [ ]: frame = frame.dropna()
        In [2]: frame.mean()
        ```
    Good:
        ```text
        In [1]: frame = load()
        In [2]: frame = frame.dropna()
        In [3]: frame.mean()
        ```
    Accepts:
        Notebooks saved without any count, as nbstripout leaves them; errors in cells tagged
        raises-exception. Cells run out of order are left to REP206.
    References:
        https://nbclient.readthedocs.io/en/latest/client.html
    """
    for path, cells in notebooks(project):
        failed = [cell for cell in cells if cell.failed and not set(cell.tags) & set(MEANT_TO_FAIL)]
        for cell in failed:
            yield Found(at=cell_place(path, cell), says=_failure(cell), hint=f"correct it, then {NEXT_STEP}")
        if not failed and (problem := _problem(cells)):
            cell, says = problem
            yield Found(at=cell_place(path, cell), says=says, hint=NEXT_STEP)


def _failure(cell: Cell) -> str:
    if cell.failed == STOPPED:
        return f"cell {cell.number} was stopped before its end"
    return f"cell {cell.number} was saved with an error: {cell.failed[:60]}"


def _problem(cells: list[Cell]) -> tuple[Cell, str] | None:
    """The first thing that one run from top to bottom would not have left, and its cell."""
    ran = [cell for cell in cells if cell.count]
    counts = [cell.count for cell in ran]
    if not ran or counts != sorted(counts):
        return None
    missed = [cell for cell in cells if not cell.count and not set(cell.tags) & set(MEANT_TO_FAIL)]
    if missed:
        verb = "was" if len(missed) == 1 else "were"
        return missed[0], f"{len(missed)} of {count(len(cells), 'code cell')} {verb} not run"
    expected = range(1, len(ran) + 1)
    for cell, number in zip(ran, expected, strict=True):
        if cell.count != number:
            return cell, f"cell {cell.number} is run [{cell.count}] where one run of all gives [{number}]"
    return None
