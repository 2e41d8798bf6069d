from __future__ import annotations

from pathlib import Path

from pavedroad.advisories import guidance_for_run, register_project
from pavedroad.record import Record

CODE = "import numpy as np\nx = np.float(3)\n"


def project(root: Path) -> Path:
    (root / "pyproject.toml").write_text('[project]\nname = "rides"\ndependencies = ["numpy>=1.26"]\n')
    (root / "a.py").write_text(CODE)
    return root


def test_a_run_is_told_once_what_its_project_is_exposed_to(record: Record, tmp_path: Path) -> None:
    root = project(tmp_path)
    [line] = guidance_for_run(record, root)
    assert line.startswith("BC-NPY-001 breaks: ")
    assert "a.py:2:5 numpy.float." in line
    assert guidance_for_run(record, root) == []


def test_what_a_pushed_check_has_registered_is_still_told_by_the_next_run(
    record: Record, tmp_path: Path
) -> None:
    root = project(tmp_path)
    register_project(record, root)
    assert len(guidance_for_run(record, root)) == 1


def test_symbols_are_registered_once_each_with_their_first_place(record: Record, tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / "a.py").write_text("import numpy as np\nx = np.float(3)\nnp.float\nnp.sum(x, axis=0)\n")
    found = {use.symbol: (use.line, use.number) for use in register_project(record, root).symbols}
    assert found["numpy.float"] == (2, 2)
    assert found["numpy.sum(axis=)"] == (4, 1)
