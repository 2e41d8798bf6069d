"""A small project of its own for each test, run in this process or by the real command."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from pavedroad.catalog import Project
from pavedroad.pipelines import Pipeline
from pavedroad.pipelines.loading import load_pipeline
from pavedroad.pipelines.running import PipelineRun, run_pipeline
from pavedroad.record import Record

HEAD = "import pavedroad as paved\nfrom pathlib import Path\n\n"


class SmallProject:
    """Modules in a folder. `flow.py` is where the pipeline `main` lies."""

    def __init__(self, root: Path, record: Record) -> None:
        self.root = root
        self.record = record
        root.mkdir()
        self.write("pyproject.toml", '[project]\nname = "small"\nversion = "1"\n')

    def write(self, name: str, text: str) -> Path:
        """`.py` files get the imports that every flow needs."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((HEAD if name == "flow.py" else "") + dedent(text), "utf-8")
        return path

    def replace(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    def load(self, target: str = "flow:main") -> tuple[Pipeline[..., Any], Project]:
        """Load everything anew, as another process would."""
        forget_modules(self.root)
        return load_pipeline(target, self.root)

    def run(
        self, target: str = "flow:main", *, record: Record | None = None, **parameters: Any
    ) -> PipelineRun:
        """Load and run; a failed run is returned, not raised."""
        options = {
            name: parameters.pop(name)
            for name in ("use_cache", "workers", "progress", "want_result", "open_door")
            if name in parameters
        }
        pipeline, project = self.load(target)
        return run_pipeline(
            pipeline, params=parameters, record=record or self.record, project=project, **options
        )


def forget_modules(root: Path) -> None:
    """Let Python load the modules below `root` again."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and Path(file).is_relative_to(root):
            del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if not Path(entry or ".").is_relative_to(root)]
    importlib.invalidate_caches()


@pytest.fixture
def project(tmp_path: Path, record: Record) -> Iterator[SmallProject]:
    hooks = list(sys.path_hooks)
    yield SmallProject(tmp_path / "small", record)
    forget_modules(tmp_path)
    sys.path_hooks[:] = hooks


@pytest.fixture
def any_project(tmp_path: Path, any_record: Record) -> Iterator[SmallProject]:
    """On SQLite, then on PostgreSQL."""
    hooks = list(sys.path_hooks)
    yield SmallProject(tmp_path / "small", any_record)
    forget_modules(tmp_path)
    sys.path_hooks[:] = hooks
