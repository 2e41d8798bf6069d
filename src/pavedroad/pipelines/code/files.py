"""Data files of the project that code names by a path."""

# Paths come as text from sys.path and from modules, and there are many.
# ruff: noqa: PTH100, PTH110, PTH111, PTH112, PTH113, PTH117, PTH118, PTH208

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pavedroad.kit.files import digest_of_file
from pavedroad.kit.text import count, size
from pavedroad.pipelines.code.parts import Parts, short
from pavedroad.pipelines.code.source import Signature, signature_of

MOST_FILES = 5_000
MOST_BYTES = 2 * 2**30
_SKIPPED = {"__pycache__", ".git", ".venv", "node_modules"}

_digests: dict[str, tuple[Signature, str]] = {}


def file_digest(path: str) -> str:
    """blake3 of a file's content, remembered until the file changes."""
    signature = signature_of(path)
    known = _digests.get(path)
    if known is not None and known[0] == signature:
        return known[1]
    digest = digest_of_file(Path(path))
    if signature is not None:
        _digests[path] = (signature, digest)
    return digest


class Files:
    """Adds the files and folders inside the project's roots to the parts."""

    def __init__(self, root: Path, parts: Parts, name: str) -> None:
        self.parts = parts
        self.name = name
        self.root = os.path.abspath(root)
        self._roots = {self.root: "", os.path.realpath(root): ""}

    def add_root(self, root: Path) -> None:
        """Another project whose code is used from its folder."""
        self._roots.setdefault(os.path.abspath(root), f"{root.name}/")

    def label(self, path: str | Path) -> str | None:
        """The path as the project sees it, `data/x.csv`; None outside of it."""
        absolute = os.path.abspath(path)
        for root, prefix in self._roots.items():
            if absolute == root:
                return prefix or "."
            if absolute.startswith(os.path.join(root, "")):
                return prefix + os.path.relpath(absolute, root).replace(os.sep, "/")
        return None

    def take(self, path: Path, *, whole_folders: bool = False, outside: bool = False) -> str | None:
        """Add what `path` holds now. Returns its label; None outside the project, unless that is wanted.

        A folder counts with all that is in it, except one of code: that is only where other paths start.
        """
        absolute = self._absolute(path)
        label = self.label(absolute)
        if label is None and outside:
            label = Path(absolute).name
        if label is None:
            return None
        if os.path.isfile(absolute):
            self._add_file(absolute, label)
        elif os.path.isdir(absolute):
            if whole_folders or not self._holds_code(absolute):
                self._add_folder(absolute, label)
        else:
            self.parts.watch.that(lambda: not os.path.exists(absolute))
        return label

    def _absolute(self, path: Path) -> str:
        text = os.path.expanduser(str(path))
        if not os.path.isabs(text) and not os.path.exists(text):
            return os.path.join(self.root, text)
        return os.path.abspath(text)

    def _add_file(self, path: str, label: str) -> None:
        signature = signature_of(path)
        try:
            digest = file_digest(path)
        except OSError as error:
            self.parts.warn(f"step {self.name}: {label} cannot be read ({error.strerror}); make it readable")
            return
        self.parts.add(f"file {label}", digest)
        self.parts.watch.that(lambda: signature_of(path) == signature)

    def is_code_folder(self, path: Path) -> bool:
        absolute = self._absolute(path)
        return self.label(absolute) is not None and os.path.isdir(absolute) and self._holds_code(absolute)

    def _holds_code(self, folder: str) -> bool:
        if any(root == folder or root.startswith(os.path.join(folder, "")) for root in self._roots):
            return True
        return any(name.endswith(".py") for name in os.listdir(folder))

    def _add_folder(self, folder: str, label: str) -> None:
        files = list(_files_below(folder))
        held_now = _folder_signature(files)
        total = sum(signature[2] for _, signature in held_now if signature)
        if len(files) > MOST_FILES or total > MOST_BYTES:
            held = f"{count(len(files), 'file')}, {size(total)}"
            self.parts.warn(
                f"step {self.name}: folder {label} holds {held}; only names and sizes count, "
                "pass the files that matter as Path parameters"
            )
            listed = [(path, str(signature[2])) for path, signature in held_now if signature]
        else:
            listed = [
                (os.path.relpath(path, folder), file_digest(path)) for path in files if os.path.isfile(path)
            ]
        names = [f"{os.path.relpath(path, folder)}={digest}" for path, digest in sorted(listed)]
        self.parts.add(f"folder {label}", short(*names))
        self.parts.watch.that(lambda: _folder_signature(list(_files_below(folder))) == held_now)


def _files_below(folder: str) -> Iterator[str]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        for name in sorted(files):
            yield os.path.join(here, name)


def _folder_signature(files: list[str]) -> list[tuple[str, Signature | None]]:
    return [(path, signature_of(path)) for path in files]
