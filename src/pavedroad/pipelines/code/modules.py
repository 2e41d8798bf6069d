"""Where modules live, and which of them are the project's own. Nothing is imported to find out."""

# Paths come as text from sys.path and from modules, and there are many.
# ruff: noqa: PTH100, PTH112, PTH113, PTH118, PTH119

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import os
import sys
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

from pavedroad.pipelines.code.outline import PAVEDROAD, Unit
from pavedroad.pipelines.code.scopes import Imported
from pavedroad.pipelines.code.source import Source, loaded_source, read_source

_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_STDLIB = tuple(
    {
        os.path.join(sysconfig.get_path(name), "")
        for name in ("stdlib", "platstdlib")
        if sysconfig.get_path(name)
    }
)
_PAVEDROAD_FOLDER = os.path.join(str(Path(__file__).parents[2]), "")
_SUFFIXES = (".py", *importlib.machinery.EXTENSION_SUFFIXES)
BUILT_IN = frozenset(sys.stdlib_module_names) | {"builtins", "__future__"}


@functools.lru_cache(maxsize=10_000)
def is_own(file: str) -> bool:
    """Whether a file may change without a new version: not installed, not Python's, not Pavedroad's."""
    path = os.path.abspath(file)
    if any(part in path for part in _INSTALLED) or path.startswith(_PAVEDROAD_FOLDER):
        return False
    return not path.startswith(_STDLIB)


def project_root(file: str | None) -> Path:
    """The nearest folder above `file` with a pyproject.toml, else the folder that holds its top package."""
    if file is None:
        return Path.cwd()
    folder = Path(os.path.abspath(file)).parent
    for each in (folder, *folder.parents):
        if (each / "pyproject.toml").is_file():
            return each
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


class Module:
    """One module of the project: live (its loaded namespace counts) or only read from its file."""

    __slots__ = ("file", "is_live", "is_package", "name", "namespace", "outline", "package", "source")

    def __init__(
        self, name: str, file: str | None, namespace: dict[str, Any] | None, *, is_live: bool
    ) -> None:
        self.file = file
        self.name = _name_of_main(file) if name == "__main__" else name
        self.is_live = is_live and namespace is not None
        self.namespace = namespace if self.is_live and namespace is not None else {}
        self.is_package = file is not None and os.path.basename(file).startswith("__init__.")
        package = self.name if self.is_package else self.name.rpartition(".")[0]
        self.package = str(self.namespace.get("__package__") or package)
        self.source: Source | None = None
        if namespace is not None:
            self.source = loaded_source(namespace)
        elif file is not None:
            self.source = read_source(file)
        # Statements of a file that is not what was loaded say nothing about what is loaded.
        self.outline = self.source.outline if self.source is not None and not self.source.edited else None

    def units(self, name: str) -> list[Unit]:
        """The statements that bind `name`."""
        return self.outline.by_name.get(name, []) if self.outline is not None else []

    @property
    def stars(self) -> list[Imported]:
        return self.outline.stars if self.outline is not None else []

    def absolute(self, imported: Imported) -> str:
        """The module that an import in this one means; "" when it climbs out of the package."""
        if not imported.level:
            return imported.module
        parts = self.package.split(".") if self.package else []
        if imported.level - 1 > len(parts):
            return ""
        kept = parts[: len(parts) - imported.level + 1]
        return ".".join([*kept, imported.module] if imported.module else kept)


def _name_of_main(file: str | None) -> str:
    """The name that `python train.py` would have if imported, so that both ways of running share results."""
    if file is None:
        return "__main__"
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None) if getattr(main, "__file__", None) == file else None
    if spec is not None and spec.name and not spec.name.startswith("__main__"):
        return str(spec.name)
    path = Path(os.path.abspath(file))
    name, folder = path.stem, path.parent
    while (folder / "__init__.py").is_file():
        name, folder = f"{folder.name}.{name}", folder.parent
    return name


class Located:
    """A module by name: its file (None for a namespace package), and the folders its submodules lie in."""

    __slots__ = ("file", "folders", "module", "name")

    def __init__(self, name: str, file: str | None, folders: list[str], module: ModuleType | None) -> None:
        self.name = name
        self.file = file
        self.folders = folders
        self.module = module

    @property
    def is_own(self) -> bool:
        if self.file is not None:
            return is_own(self.file)
        return bool(self.folders) and all(is_own(os.path.join(folder, "x")) for folder in self.folders)


def locate(name: str, root: Path) -> Located | None:
    """Find a module without importing it or its parents; None when there is none, or it is part of Python."""
    top, _, rest = name.partition(".")
    if not top or top in BUILT_IN or top == PAVEDROAD:
        return None
    if (module := sys.modules.get(name)) is not None:
        return _loaded(name, module)
    if rest:
        parent = locate(name.rpartition(".")[0], root)
        return _in_folders(name, parent.folders) if parent is not None else None
    found = _in_folders(name, [entry or os.curdir for entry in sys.path if isinstance(entry, str)])
    if found is None or (found.file is None and not found.is_own):
        found = _by_finders(name) or found
    return found or _in_folders(name, [str(root), str(root / "src")])


def _loaded(name: str, module: ModuleType) -> Located:
    file = getattr(module, "__file__", None)
    folders = getattr(module, "__path__", None) or []
    try:
        paths = [path for path in folders if isinstance(path, str)]
    except (KeyError, TypeError):  # a namespace package whose parent has gone
        paths = []
    return Located(name, file if isinstance(file, str) else None, paths, module)


def _in_folders(name: str, folders: list[str]) -> Located | None:
    last = name.rpartition(".")[2]
    namespaces: list[str] = []
    for folder in folders:
        path = os.path.join(folder, last)
        if os.path.isdir(path):
            init = os.path.join(path, "__init__.py")
            if os.path.isfile(init):
                return Located(name, os.path.abspath(init), [os.path.abspath(path)], None)
            namespaces.append(os.path.abspath(path))
        for suffix in _SUFFIXES:
            if os.path.isfile(path + suffix):
                return Located(name, os.path.abspath(path + suffix), [], None)
    return Located(name, None, namespaces, None) if namespaces else None


def _by_finders(name: str) -> Located | None:
    """What the import system says of a top-level name: editable installs, zip files, extension modules."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    file = spec.origin if spec.has_location else None
    return Located(name, file, list(spec.submodule_search_locations or []), None)
