"""Small projects, and what advisories mean for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pavedroad.advisories.matching import Case, assess
from pavedroad.advisories.reading import shipped_advisories
from pavedroad.checks import open_project


@pytest.fixture
def case_of(tmp_path: Path) -> Callable[..., Case]:
    """`case_of("BC-NPY-001", {"a.py": "...", "requirements.txt": "numpy"})`"""

    def assessed(id_: str, files: dict[str, str]) -> Case:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        chosen = [advisory for advisory in shipped_advisories() if advisory.id == id_]
        return assess(open_project(tmp_path), chosen)[0]

    return assessed
