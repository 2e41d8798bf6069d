"""Find the pipeline that a person names: `module:pipeline`, `file.py:pipeline`, a file or module with only
one, or none.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from pavedroad.catalog import Project, find_project, read_project
from pavedroad.errors import Invalid, NotFound, PavedError, did_you_mean
from pavedroad.pipelines.composing import Pipeline
from pavedroad.pipelines.failures import user_frames
from pavedroad.pipelines.fresh_imports import import_from_source

EXAMPLE = "paved run module:pipeline, or paved run file.py:pipeline"


def load_pipeline(target: str, start: Path) -> tuple[Pipeline[..., Any], Project]:
    """The pipeline and its project. An empty target means the entry of the project that `start` lies in.

    Raises: NotFound and Invalid with the next step, also for an exception in the user's own module.
    """
    place, _, name = _split(target)
    file = _as_file(place, start)
    project = _project_of(file.parent if file else start)
    if not place:
        place, name = _entry(project, start)
        file = _as_file(place, project.root)
    module = _load_file(file, project) if file else _load_module(place, project, start)
    return _choose(module, name, place), project


def _split(target: str) -> tuple[str, str, str]:
    if target.endswith(".py"):
        return target, "", ""
    return target.rpartition(":") if ":" in target else (target, "", "")


def _as_file(place: str, start: Path) -> Path | None:
    if not place.endswith(".py"):
        if "/" in place or "\\" in place:
            raise Invalid(f"{place!r} is neither a module nor a .py file", hint=f"write {EXAMPLE}")
        return None
    file = (start / place).absolute()
    if not file.is_file():
        raise NotFound(f"no file {place}", hint=f"look in {start}, or write {EXAMPLE}")
    return file


def _project_of(folder: Path) -> Project:
    return find_project(folder) or read_project(_import_root(folder))


def _entry(project: Project, start: Path) -> tuple[str, str]:
    if not (project.root / "pyproject.toml").is_file():
        raise Invalid(f"which pipeline? there is no project around {start}", hint=f"write {EXAMPLE}")
    if not project.entry:
        raise Invalid(
            f"which pipeline? project {project.name!r} names none",
            hint='name one, or write entry = "module:pipeline" under [tool.paved] in pyproject.toml',
        )
    place, _, name = _split(project.entry)
    return place, name


def _import_root(folder: Path) -> Path:
    """The folder from which a file's package is imported."""
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _load_file(file: Path, project: Project) -> ModuleType:
    root = _import_root(file.parent)
    parts = [*file.relative_to(root).with_suffix("").parts]
    if parts[-1] == "__init__":
        parts.pop()
    name = ".".join(parts) or file.stem
    _add_to_path(root, project)
    found = _find(name)
    if found is not None and Path(found).resolve() == file.resolve():
        return _import(name)
    # Something else has this name (a file called random.py, say): load it under a name of its own.
    name = f"paved_file_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise Invalid(f"cannot load {file}", hint="give a Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        _guarded(lambda: spec.loader.exec_module(module), str(file))
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _load_module(name: str, project: Project, start: Path) -> ModuleType:
    _add_to_path(start.absolute(), project)
    if not all(part.isidentifier() for part in name.split(".")):
        raise Invalid(f"{name!r} is not the name of a module", hint=f"write {EXAMPLE}")
    if name not in sys.modules and _find(name) is None:
        known = [
            file.stem
            for folder in (start, project.root, project.root / "src")
            for file in folder.glob("*.py")
        ]
        known += [
            file.parent.name
            for folder in (start, project.root / "src")
            for file in folder.glob("*/__init__.py")
        ]
        hint = did_you_mean(name, set(known)) if known else f"write {EXAMPLE}"
        raise NotFound(f"no module {name!r} in {project.root}", hint=hint)
    return _import(name)


def _add_to_path(root: Path, project: Project) -> None:
    """What a person would have after installing the project: its `src` and its root come first."""
    folders = [root / "src", root, project.root / "src", project.root]
    wanted = [str(folder) for folder in folders if folder.is_dir() and str(folder) not in sys.path]
    sys.path[:0] = dict.fromkeys(wanted)
    for folder in {root, project.root}:
        import_from_source(folder)
    importlib.invalidate_caches()


def _find(name: str) -> str | None:
    """The file of a module, without running it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None
    return None if spec is None else spec.origin or "namespace"


def _import(name: str) -> ModuleType:
    module: ModuleType = _guarded(lambda: importlib.import_module(name), name)
    return module


def _guarded(load: Any, what: str) -> Any:
    try:
        return load()
    except PavedError:
        raise
    except SyntaxError as error:
        # Without a line for a file that Python cannot even read, such as one with a null byte.
        where = f"{error.filename}:{error.lineno}" if error.filename else what
        raise Invalid(f"{where}: {error.msg}", hint="correct that line") from error
    except SystemExit as error:
        raise Invalid(
            f"{what} ends the program when it is loaded",
            hint='put that part below `if __name__ == "__main__":`',
        ) from error
    except Exception as error:
        where = (user_frames(error) or [what])[-1]
        missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
        hint = f"install {missing.partition('.')[0]}, or correct {where}" if missing else f"look at {where}"
        raise Invalid(f"cannot load {what}: {type(error).__name__}: {error}", hint=hint) from error


def _choose(module: ModuleType, name: str, place: str) -> Pipeline[..., Any]:
    pipelines = {key: value for key, value in vars(module).items() if isinstance(value, Pipeline)}
    if name:
        found = vars(module).get(name)
        if isinstance(found, Pipeline):
            return found
        if found is not None:
            raise Invalid(f"{name!r} in {place} is not a pipeline", hint="put @paved.pipeline on top of it")
        raise NotFound(
            f"no pipeline {name!r} in {place}",
            hint=did_you_mean(name, pipelines) if pipelines else "put @paved.pipeline on top of a function",
        )
    own = {key: value for key, value in pipelines.items() if value.function.__module__ == module.__name__}
    candidates = own or pipelines
    if not candidates:
        raise NotFound(f"no pipeline in {place}", hint="put @paved.pipeline on top of a function")
    if len(candidates) > 1:
        names = ", ".join(f"{place}:{key}" for key in candidates)
        raise Invalid(f"{place} has {len(candidates)} pipelines", hint=f"name one: {names}")
    return next(iter(candidates.values()))
