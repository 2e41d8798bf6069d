"""What the rules about notebooks share: the notebooks of a project, and places in their cells."""

from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.model import Place
from pavedroad.checks.notebook import Cell
from pavedroad.checks.project import Project


def notebooks(project: Project) -> Iterator[tuple[str, list[Cell]]]:
    """The path and the code cells of each notebook; cells without a word of code are left out."""
    for module in project.modules:
        if module.notebook:
            cells = [cell for cell in module.notebook.cells if cell.written.strip()]
            if cells:
                yield module.path, cells


def cell_place(path: str, cell: Cell) -> Place:
    """The first line of a cell that is not blank."""
    for number, line in enumerate(cell.written.split("\n"), 1):
        if line.strip():
            return line_place(path, cell, number, line)
    return Place(path=path, cell=cell.number)


def line_place(path: str, cell: Cell, number: int, line: str) -> Place:
    text = line.rstrip()
    start = len(text) - len(text.lstrip()) + 1
    return Place(path=path, cell=cell.number, line=number, column=start, end_column=len(text) + 1)
