"""Import a project's modules from their source, never from bytecode that Python kept.

Python trusts kept bytecode when the source has the same size and was changed in the same second. Someone
who edits a constant and runs again at once would get the old code, and the cache would keep its result
under the new code's key.
"""

from __future__ import annotations

import sys
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path
from typing import Any

SOURCE_SUFFIXES = [".py"]
_NOT_OURS = {"site-packages", "dist-packages", ".venv", "venv", "node_modules"}


class _FromSource(SourceFileLoader):
    def path_stats(self, path: Any) -> Any:
        raise OSError("bytecode is neither read nor written")  # as for a source whose time cannot be told


def import_from_source(root: Path) -> None:
    """From now on, in this process, for modules below `root`. Doing it again changes nothing."""
    hook = _HOOKS.get(root)
    if hook is None:
        hook = _HOOKS[root] = _make_hook(root)
    if hook not in sys.path_hooks:
        sys.path_hooks.insert(0, hook)
        for entry in [entry for entry in sys.path_importer_cache if _is_below(entry, root)]:
            sys.path_importer_cache.pop(entry, None)


_HOOKS: dict[Path, Any] = {}


def _make_hook(root: Path) -> Any:
    def hook(entry: str) -> FileFinder:
        if not _is_below(entry, root):
            raise ImportError(f"{entry} is not below {root}")
        return _finder(entry)

    return hook


def _finder(entry: str) -> FileFinder:
    return FileFinder(entry, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_FromSource, SOURCE_SUFFIXES))


def _is_below(entry: str, root: Path) -> bool:
    path = Path(entry or ".").absolute()
    return path.is_relative_to(root) and path.is_dir() and _NOT_OURS.isdisjoint(path.relative_to(root).parts)
