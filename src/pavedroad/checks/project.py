"""What rules see of a project: its files, each read and parsed once, when a rule first asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pavedroad import catalog
from pavedroad.checks.compose import Compose, is_compose, read_compose
from pavedroad.checks.dockerfile import Dockerfile, is_dockerfile, read_dockerfile
from pavedroad.checks.files import Listing, ProjectFile
from pavedroad.checks.ignores import (
    Ignore,
    ManifestIgnore,
    ignores_in_manifest,
    ignores_in_module,
    ignores_in_text,
)
from pavedroad.checks.model import Place
from pavedroad.checks.pickles import PICKLE_SUFFIXES, Facts, read_pickles
from pavedroad.checks.source import LARGEST_BYTES, Module, decode_python, notebook_module
from pavedroad.checks.workflows import Workflow, read_workflow, system_of
from pavedroad.checks.yaml_files import Yaml, read_yaml
from pavedroad.environments import (
    REQUIREMENT_FOLDERS,
    Declared,
    Lock,
    Manifest,
    is_locked,
    lock_names,
    manifest_reader,
    parse_lock,
)
from pavedroad.errors import Invalid

# Where dependencies of something else are kept: not what the project itself installs.
NOT_OUR_MANIFESTS = (
    "tests",
    "test",
    "docs",
    "doc",
    "fixtures",
    ".github",
    ".devcontainer",
    ".binder",
    "binder",
)
# Files beside Python whose comments start with `#` and may hold an ignore.
COMMENTED = (".toml", ".cfg", ".yml", ".yaml", "Dockerfile", "Makefile", ".sh", "CODEOWNERS")
PICKLES = (".pkl", ".pickle")  # small ones may hold no null byte
T = TypeVar("T")
BASELINE = "paved-baseline.json"  # says nothing about the project
MOST_LINES_HELD = 60_000  # of Python with their trees: about 90 MB
TEST_FOLDERS = ("tests", "test", "testing")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A file that could not be read."""

    place: Place
    says: str
    hint: str


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A folder that is installed by itself: its manifests and the lock that holds there."""

    folder: str  # relative, empty for the root, else with a trailing `/`
    manifests: tuple[Manifest, ...]
    lock: str  # the lock's path, empty when there is none

    @property
    def declared(self) -> list[Declared]:
        return [declared for manifest in self.manifests for declared in manifest.declared]


class Project:
    """The files of one project. Guards what has been read of them."""

    def __init__(
        self,
        root: Path,
        listing: Listing,
        settings: catalog.Project,
        *,
        wishes: Iterable[ManifestIgnore] = (),
        rule_words: frozenset[str] = frozenset(),
    ) -> None:
        self.root = root
        self.rule_words = rule_words  # codes, names and families that an ignore may name
        self._wishes = wishes
        self.settings = settings
        self.has_git = listing.has_git
        self.commit = listing.commit
        self.files: dict[str, ProjectFile] = {file.path: file for file in listing.files}
        self.problems: list[Problem] = []
        self._texts: dict[str, str] = {}
        self._modules: dict[str, Module] = {}
        self._held: deque[Module] = deque()  # modules with their trees, the longest held first
        self._held_lines = 0
        self._read_paths: set[str] = set()
        self._remembered: dict[Callable[[Project], Any], Any] = {}
        self._yaml: dict[str, tuple[Yaml, ...]] = {}
        self._parsed_locks: dict[str, Lock] = {}

    # ------------------------------------------------------------------------------------------ files

    def read(self, path: str) -> bytes:
        """The bytes of a file; empty when it cannot be read, which is then a problem of its own."""
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            self._complain(path, f"cannot be read: {error.strerror}", "check its permissions")
            return b""

    def head(self, path: str, size_bytes: int) -> bytes:
        try:
            with (self.root / path).open("rb") as file:
                return file.read(size_bytes)
        except OSError:
            return b""

    def text(self, path: str) -> str:
        """The text of a file that is not Python; bytes that are not UTF-8 become U+FFFD."""
        if path not in self._texts:
            too_large = self.files[path].size_bytes > LARGEST_BYTES
            self._texts[path] = "" if too_large else self.read(path).decode("utf-8", errors="replace")
        return self._texts[path]

    def named(self, *names: str) -> list[str]:
        """Paths of files with one of these names, in any folder."""
        return [path for path in self.files if path.rpartition("/")[2] in names]

    def lines_of(self, path: str, cell: int = 0) -> list[str]:
        """The lines of a file for showing, of a notebook's cell when one is named; none of a binary file."""
        module = self._modules.get(path)
        if module is None:
            if path not in self.files or b"\0" in self.head(path, 4096) or path.endswith(PICKLES):
                return []
            return self.text(path).split("\n")
        if module.notebook:
            cells = {found.number: found.written for found in module.notebook.cells}
            return cells.get(cell, "").split("\n")
        return module.lines

    def remember(self, make: Callable[[Project], T]) -> T:
        """What a function says of this project, asked once: for what a rule needs again for each module."""
        if make not in self._remembered:
            self._remembered[make] = make(self)
        return self._remembered[make]  # type: ignore[no-any-return]

    def _complain(self, path: str, says: str, hint: str, place: Place | None = None) -> None:
        self.problems.append(Problem(place=place or Place(path=path), says=says, hint=hint))

    # ------------------------------------------------------------------------------------------ Python

    @cached_property
    def modules(self) -> list[Module]:
        """Python files and the code of notebooks, as far as they parse."""
        return list(self.read_modules())

    def read_modules(self) -> Iterator[Module]:
        """The same, one after the other, each with its tree while it is the last; all are kept without."""
        for path, file in self.files.items():
            if path.endswith((".py", ".ipynb")):
                if path not in self._read_paths:
                    self._read_paths.add(path)
                    module = self._read_module(file)
                    if module is not None:
                        self._modules[path] = module
                if path in self._modules:
                    yield self._modules[path]

    def _hold(self, module: Module) -> None:
        """Of a large project only so many trees stay in memory."""
        self._held.append(module)
        self._held_lines += module.line_count
        while self._held_lines > MOST_LINES_HELD and len(self._held) > 1:
            oldest = self._held.popleft()
            self._held_lines -= oldest.line_count
            oldest.release()

    def _read_module(self, file: ProjectFile) -> Module | None:
        limit = LARGEST_BYTES * (16 if file.path.endswith(".ipynb") else 1)  # most of a notebook is pictures
        if file.size_bytes > limit:
            self._complain(
                file.path, f"is larger than {limit >> 20} MiB and was not read", "keep data out of code"
            )
            return None
        data = self.read(file.path)
        try:
            if file.path.endswith(".ipynb"):
                text = data.decode("utf-8", errors="replace")
                module = notebook_module(file.path, text, on_parse=self._hold)
            else:
                module = Module(file.path, decode_python(data), on_parse=self._hold)
        except Invalid as error:
            self._complain(file.path, f"cannot be read: {error.message}", error.hint)
            return None
        if module.error and not module.notebook:
            self._complain(file.path, f"does not parse: {module.error}", "correct it", module.error_at)
        return module

    @cached_property
    def lines_of_code(self) -> int:
        return sum(module.line_count for module in self.modules)

    @cached_property
    def own_packages(self) -> set[str]:
        """Names that an import may mean here: files and folders of the project itself."""
        names = {self.settings.name.replace("-", "_")}
        for path in self.files:
            if path.endswith((".py", ".ipynb")):
                names.update(path.removesuffix(".py").split("/"))
        return names

    @cached_property
    def ignores(self) -> list[Ignore]:
        """Every wish to keep a finding, in the code, in the manifests and in `[tool.paved.checks]`."""
        found = [ignore for module in self.modules for ignore in ignores_in_module(module)]
        for path in [path for path in self.files if path.endswith(COMMENTED) or manifest_reader(path)]:
            if not path.endswith(".py"):
                found += ignores_in_text(path, self.text(path))
        lines = self.text("pyproject.toml").split("\n") if "pyproject.toml" in self.files else []
        return [*found, *ignores_in_manifest(self._wishes, lines)]

    def is_test(self, path: str) -> bool:
        *folders, name = path.split("/")
        return bool(set(folders) & set(TEST_FOLDERS)) or name.startswith("test_") or name.endswith("_test.py")

    # ------------------------------------------------------------------------------------------ manifests

    @cached_property
    def manifests(self) -> list[Manifest]:
        found = []
        for path in self.files:
            reader = manifest_reader(path)
            if reader is None or self._is_someone_elses(path):
                continue
            try:
                found.append(reader(path, self.text(path)))
            except Invalid as error:
                says = error.message.removeprefix(path).lstrip(" ,:")
                says = says if error.message.startswith(f"{path} ") else f"cannot be read: {says}"
                self._complain(path, says, error.hint)
        return found

    def _is_someone_elses(self, path: str) -> bool:
        """Whether it belongs to fixtures or to an unfilled template, or was written beside a model."""
        folder = path.rpartition("/")[0]
        beside = f"{folder}/MLmodel" if folder else "MLmodel"
        return bool(set(folder.split("/")) & set(NOT_OUR_MANIFESTS)) or "{{" in path or beside in self.files

    @cached_property
    def units(self) -> list[Unit]:
        """Folders that declare dependencies, each with its lock: its own, else the nearest above."""
        folders: dict[str, list[Manifest]] = {}
        for manifest in self.manifests:
            if manifest.declared:
                folders.setdefault(unit_folder(manifest.file), []).append(manifest)
        return [
            Unit(folder=folder, manifests=tuple(manifests), lock=self.lock_for(folder))
            for folder, manifests in sorted(folders.items())
        ]

    def lock_for(self, folder: str) -> str:
        """The path of the lock that holds in a folder of the project, or an empty string."""
        for place in _upwards(folder):
            if locks := self._locks.get(place):
                return locks[0]
        return ""

    def lock(self, path: str) -> Lock:
        """The packages of a lock; none when it cannot be read, which is a finding of its own."""
        if path not in self._parsed_locks:
            name = path.rpartition("/")[2]
            try:
                self._parsed_locks[path] = parse_lock(name, self.text(path))
            except Invalid:
                self._parsed_locks[path] = Lock(kind="", file=name)
        return self._parsed_locks[path]

    @cached_property
    def _locks(self) -> dict[str, list[str]]:
        """Unit folder -> its complete locks, best first."""
        names: dict[str, list[str]] = {}
        for path in self.files:
            folder, slash, name = path.rpartition("/")
            names.setdefault(folder + slash, []).append(name)
        locks: dict[str, list[str]] = {}
        for folder, found in names.items():
            for name in lock_names(found):
                path = folder + name
                if not self._is_someone_elses(path) and is_locked(name, partial(self.text, path)):
                    locks.setdefault(unit_folder(path), []).append(path)
        return locks

    # ------------------------------------------------------------------------------ containers and CI

    def yaml(self, path: str) -> tuple[Yaml, ...]:
        """The documents of a YAML file; none when it is a template or cannot be read."""
        if path not in self._yaml:
            try:
                self._yaml[path] = read_yaml(self.text(path))
            except Invalid:
                self._yaml[path] = ()
        return self._yaml[path]

    @cached_property
    def dockerfiles(self) -> list[Dockerfile]:
        """Every Dockerfile that is no template."""
        found = (read_dockerfile(path, self.text(path)) for path in self.files if is_dockerfile(path))
        return [dockerfile for dockerfile in found if dockerfile is not None]

    @cached_property
    def composes(self) -> list[Compose]:
        found = (read_compose(path, self.yaml(path)) for path in self.files if is_compose(path))
        return [compose for compose in found if compose is not None]

    @cached_property
    def workflows(self) -> list[Workflow]:
        """CI files of GitHub, GitLab, Azure and CircleCI, and GitHub actions of the project's own."""
        found = (read_workflow(path, self.yaml(path)) for path in self.files if system_of(path))
        return [workflow for workflow in found if workflow is not None]

    # ------------------------------------------------------------------------------------------ models

    @cached_property
    def pickles(self) -> dict[str, Facts]:
        """What each file asks for that may hold a pickle by its name, and does."""
        found: dict[str, Facts] = {}
        for path in self.files:
            if path.lower().endswith(PICKLE_SUFFIXES):
                try:
                    facts = read_pickles(self.root / path)
                except (OSError, ValueError):
                    continue  # a file that shrank or went away
                if facts is not None:
                    found[path] = facts
        return found

    def line(self, path: str, number: int) -> Place:
        """A whole line of a file."""
        lines = self.lines_of(path)
        text = lines[number - 1].rstrip() if number <= len(lines) else ""
        start = len(text) - len(text.lstrip()) + 1
        return Place(path=path, line=number, column=start, end_column=len(text) + 1)

    def place_of(self, path: str, text: str) -> Place:
        """The first line of a file that holds `text`; its first line when none does."""
        for number, line in enumerate(self.text(path).split("\n"), 1):
            if text in line:
                return Place(
                    path=path,
                    line=number,
                    column=line.index(text) + 1,
                    end_column=line.index(text) + len(text) + 1,
                )
        return Place(path=path)

    @property
    def front_page(self) -> str:
        """The file that speaks for the project as a whole: where a missing thing is reported."""
        for name in (
            "pyproject.toml",
            "setup.cfg",
            "setup.py",
            "requirements.txt",
            "README.md",
            "README.rst",
        ):
            if name in self.files:
                return name
        others = (path for path in self.files if path != BASELINE)
        return min(others, key=lambda path: (path.startswith("."), path.count("/"), path), default="")


def unit_folder(path: str) -> str:
    """`requirements/dev.txt` belongs to the folder above it."""
    folder = path.rpartition("/")[0]
    if folder.rpartition("/")[2] in REQUIREMENT_FOLDERS:
        folder = folder.rpartition("/")[0]
    return f"{folder}/" if folder else ""


def _upwards(folder: str) -> Iterator[str]:
    yield folder
    while folder:
        folder = folder.rstrip("/").rpartition("/")[0]
        folder = f"{folder}/" if folder else ""
        yield folder
