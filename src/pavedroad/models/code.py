"""The project's own code that a pickled model needs, and the packages: what makes a model folder stand on
its own.
"""

from __future__ import annotations

import ast
import shutil
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path

from pavedroad.models.pickled import Pickled

# Import names whose distribution has another name; others are looked up under their own name first.
DISTRIBUTIONS = {"sklearn": "scikit-learn", "cv2": "opencv-python", "PIL": "pillow", "yaml": "pyyaml"}
ALWAYS = ("scikit-learn", "numpy", "scipy")  # of a scikit-learn model, whatever its pickle happens to name


def copy_code(modules: frozenset[str], folder: Path) -> bool:
    """Copy the `.py` files of the project's own top-level modules among `modules`, and of those that they
    import.

    MLflow and `load_model` put the folder on `sys.path`. Returns whether there was anything to copy.
    """
    waiting = {module.partition(".")[0] for module in modules}
    done: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in done or (place := _project_source(name)) is None:
            continue
        done.add(name)
        for source, target in _sources(name, place):
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / target)
            waiting |= _imports(source)
    return bool(done)


def requirements_of(pickled: Pickled, *, frames: bool) -> list[str]:
    """Pinned requirements: the packages that the pickle names, and MLflow so that `mlflow models serve`
    works.
    """
    tops = {module.partition(".")[0] for module in pickled.modules} - {"__main__", "builtins"}
    names = {
        DISTRIBUTIONS.get(top, top)
        for top in tops
        if top not in sys.stdlib_module_names and not _project_source(top)
    }
    if "scikit-learn" in names:
        names.update(ALWAYS)
    if frames:
        names.add("pandas")
    pinned = {f"{found[0]}=={found[1]}" for name in names if (found := _installed(name))}
    mlflow = _installed("mlflow")
    return [f"mlflow=={mlflow[1]}" if mlflow else "mlflow>=3.1", *sorted(pinned)]


def _installed(name: str) -> tuple[str, str] | None:
    import importlib.metadata  # 8 ms that only writing a model needs

    try:
        return name, importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
    owners = _owners().get(name, [])
    return (owners[0], importlib.metadata.version(owners[0])) if owners else None


@lru_cache(maxsize=1)
def _owners() -> dict[str, list[str]]:
    import importlib.metadata  # as above

    return {name: list(owners) for name, owners in importlib.metadata.packages_distributions().items()}


def _project_source(name: str) -> Path | None:
    """The file or folder of a loaded top-level module, when it belongs to neither Python nor an installed
    package.
    """
    if name in sys.stdlib_module_names or name in ("__main__", "pavedroad"):
        return None
    module = sys.modules.get(name)
    if module is None:
        return None
    if module_file := getattr(module, "__file__", None):
        file = Path(module_file)
    elif folders := list(getattr(module, "__path__", [])):
        file = Path(folders[0]) / "__init__.py"
    else:
        return None
    if file.suffix != ".py" or any(file.is_relative_to(folder) for folder in _installed_folders()):
        return None
    return file.parent if file.name == "__init__.py" else file


@lru_cache(maxsize=1)
def _installed_folders() -> tuple[Path, ...]:
    return tuple({Path(sysconfig.get_path(key)) for key in ("stdlib", "platstdlib", "purelib", "platlib")})


def _sources(name: str, place: Path) -> list[tuple[Path, Path]]:
    if place.is_file():
        return [(place, Path(place.name))]
    files = sorted(file for file in place.rglob("*.py") if "__pycache__" not in file.parts)
    return [(file, Path(name) / file.relative_to(place)) for file in files]


def _imports(source: Path) -> set[str]:
    """Top-level names that a file imports, wherever in it."""
    try:
        tree = ast.parse(source.read_bytes())
    except (SyntaxError, ValueError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
