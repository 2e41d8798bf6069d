"""Whose code a frame is: the job's, a library's, the platform's or Python's own.

An installed package is known by its folder (`site-packages`); where a log has cut that away, by its name.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.resources import files

from pavedroad.desk.triage.model import Frame, Owner

# Components that a platform team runs: schedulers, trackers, servers of models.
_PACKAGES = tomllib.loads((files("pavedroad.desk.triage") / "packages.toml").read_text("utf-8"))
PLATFORM = frozenset(_PACKAGES["platform"])
LIBRARIES = frozenset(_PACKAGES["libraries"])
# Parts of the above that run in the job's own process and only pass on what the job does.
CLIENTS = re.compile(
    r"mlflow/(sklearn|pyfunc|pytorch|tensorflow|keras|xgboost|lightgbm|spark|models|utils/autologging)|"
    r"(prefect|metaflow|dagster|airflow)/.*(task_engine|flow_engine|execute_callable|decorators/step)"
)
_INSTALLED = re.compile(r"(?:site|dist)-packages[/\\]([^/\\]+)")
_PYTHON = re.compile(r"[/\\]lib[/\\](?:python)?3?\.?\d*[/\\]|[/\\]python3\.\d+[/\\]|^<frozen |python\d+\.zip")
_OPEN = re.compile(
    r"^<(?:ipython-input|cell|notebook|stdin|string|script|console)|^Cell In|ipykernel_\d+|^/?tmp/ipykernel",
    re.I,
)
STDLIB = sys.stdlib_module_names


def frame_of(path: str, function: str = "") -> Frame:
    owner, package = owner_of(path)
    return Frame(path, function, owner, package)


def owner_of(path: str) -> tuple[Owner, str]:
    """The owner of a file, and the package it belongs to."""
    path = path.strip().replace("\\", "/")
    if _OPEN.search(path):
        return "job", ""
    if path == "<import>":
        return "library", ""
    found = _INSTALLED.search(path)
    if found:
        return _known(found.group(1).removesuffix(".py"), path) or (
            "library",
            found.group(1).removesuffix(".py"),
        )
    if _PYTHON.search(path):
        return "python", ""
    top, slash, _ = path.lstrip("./").partition("/")
    top = top.partition(" ")[0].partition(":")[0]
    name = top.removesuffix(".py")
    if known := _known(name, path):
        return known
    if path and ".py" not in path and not path.startswith(("/", "~", "<", ".")) and " " not in path:
        return "library", name.partition(".")[0]  # a module that has no source file
    is_alone = not slash and path.endswith(".py")
    if not path.startswith(("/", "~")) and name in STDLIB and (is_alone or name in _STDLIB_FOLDERS):
        return "python", ""
    return "job", ""


_STDLIB_FOLDERS = frozenset(
    {"asyncio", "concurrent", "encodings", "importlib", "json", "logging", "multiprocessing"}
)


def _known(name: str, path: str) -> tuple[Owner, str] | None:
    if name in PLATFORM:
        return ("library" if CLIENTS.search(path) else "platform"), name
    if name in LIBRARIES:
        return "library", name
    return None
