"""Small projects on disk, loaded, fingerprinted, edited and loaded again."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pavedroad.pipelines.code import CodeFingerprint, fingerprint, forget


class LoadedProject:
    """A folder on sys.path with a pyproject.toml; its modules are dropped and imported anew by `load`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "pyproject.toml").write_text("")

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))

    def replace(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new))

    def drop(self) -> None:
        for name, module in list(sys.modules.items()):
            is_here = str(getattr(module, "__file__", None)).startswith(str(self.root))
            if is_here or name.partition(".")[0] == "late":  # a folder without __init__.py has no file
                del sys.modules[name]
        importlib.invalidate_caches()

    def load(self, name: str = "late.train") -> ModuleType:
        self.drop()
        return importlib.import_module(name)

    def fingerprint(
        self, function: str = "train", *, module: str = "late.train", **options: Any
    ) -> CodeFingerprint:
        return fingerprint(getattr(self.load(module), function), **options)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoadedProject]:
    # Edits follow each other within the second that Python's own test of a compiled file looks at.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.syspath_prepend(str(root))
    loaded = LoadedProject(root)
    yield loaded
    loaded.drop()
    forget()
