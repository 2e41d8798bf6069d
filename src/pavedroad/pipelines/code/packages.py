"""Which installed distribution an import comes from, and its version.

`importlib.metadata.packages_distributions()` reads every file list of every distribution into objects (100 ms
for 150 distributions). Only a few names are asked for here: likely distributions are looked at first, then
the file lists are searched as bytes.
"""

# Paths come as text from sys.path and from modules, and there are many.
# ruff: noqa: PTH113, PTH116, PTH118, PTH122, PTH123

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator

# Distributions that are not called like what they install; only a first guess, their file list has the say.
_OFTEN = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "attr": "attrs",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
}


class _Folder:
    """The distributions installed in one folder of sys.path."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.infos: dict[str, str] = {}  # normalised name -> folder of its metadata
        for entry in os.scandir(path):
            stem, kind = os.path.splitext(entry.name)
            if kind in (".dist-info", ".egg-info"):
                self.infos[_normal(stem.split("-")[0])] = entry.path
        self._owners: dict[str, list[str]] = {}
        self._lists: dict[str, bytes] = {}
        self._named: dict[str, tuple[str, str]] = {}

    def owners(self, dotted: str) -> list[str]:
        """The metadata folders of what installs the module `dotted`, or its nearest installed parent."""
        if dotted not in self._owners:
            self._owners[dotted] = self._find_owners(dotted.split("."))
        return self._owners[dotted]

    def _find_owners(self, parts: list[str]) -> list[str]:
        top = parts[0]
        for guess in (_normal(top), _OFTEN.get(top)):
            if guess in self.infos and self._lists_any(self.infos[guess], _starts(top, "/__init__.py,")):
                return [self.infos[guess]]
        for length in range(
            len(parts), 0, -1
        ):  # a namespace package belongs to many: the longest path decides
            starts = _starts("/".join(parts[:length]), "/")
            owners = [info for info in self.infos.values() if self._lists_any(info, starts)]
            if owners:
                return owners
        return []

    def _lists_any(self, info: str, starts: tuple[bytes, ...]) -> bool:
        files = self._lists.get(info)
        if files is None:
            files = self._lists[info] = _file_list(info)
        return any(start in files for start in starts)

    def named(self, info: str) -> tuple[str, str]:
        known = self._named.get(info)
        if known is None:
            known = self._named[info] = _name_and_version(info)
        return known

    def drop_lists(self) -> None:
        self._lists.clear()


def _starts(path: str, as_package: str) -> tuple[bytes, ...]:
    """How a line of a file list begins when the distribution installs the module at `path`."""
    return tuple(
        f"\n{path}{end}".encode() for end in (as_package, ".py,", ".abi3.so,", ".cpython-", ".pyd,", ".cp3")
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _file_list(info: str) -> bytes:
    """What a distribution installed, one path at the start of each line; empty if it does not say."""
    if info.endswith(".dist-info"):
        return b"\n" + _read(os.path.join(info, "RECORD"))
    listed = _read(os.path.join(info, "top_level.txt")).split()
    return b"".join(b"\n" + name + b"/\n" + name + b".py," for name in listed)


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError:
        return b""


def _name_and_version(info: str) -> tuple[str, str]:
    file = info if os.path.isfile(info) else os.path.join(info, "METADATA")
    if not os.path.isfile(file):
        file = os.path.join(info, "PKG-INFO")
    found: dict[str, str] = {}
    for line in _read(file).decode("utf-8", "replace").splitlines():
        if not line:
            break
        key, _, value = line.partition(": ")
        found.setdefault(key, value.strip())
    return found.get("Name", ""), found.get("Version", "")


_folders: dict[str, tuple[int, _Folder]] = {}


def _installed_folders() -> Iterator[_Folder]:
    for path in sys.path:
        try:
            modified = os.stat(path or ".").st_mtime_ns
        except OSError:
            continue
        known = _folders.get(path)
        if known is None or known[0] != modified:
            try:
                known = _folders[path] = (modified, _Folder(path or "."))
            except OSError:  # a zip file
                continue
        if known[1].infos:
            yield known[1]


def installed(modules: Iterable[str]) -> dict[str, str]:
    """Distribution -> version, for each distribution that installs one of `modules` (dotted names)."""
    found: dict[str, str] = {}
    folders = list(_installed_folders())
    for module in sorted(set(modules)):
        for folder in folders:
            owners = folder.owners(module)
            for info in owners:
                name, version = folder.named(info)
                if name:
                    found.setdefault(name, version)
            if owners:
                break
    for folder in folders:
        folder.drop_lists()
    return dict(sorted(found.items()))


def folders_signature() -> tuple[tuple[str, int], ...]:
    """Changes when a distribution is installed, removed or upgraded."""
    return tuple(
        (folder.path, _folders[folder.path][0]) for folder in _installed_folders() if folder.path in _folders
    )
